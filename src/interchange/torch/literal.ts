// Tensors as Python writes them: as a rule where there is one, else number by number.
import { tuple } from './expression.ts';

const WIDTH = 96;

/** Ends of lines where numbers would go on for too long. */
function listed(values: readonly string[]): string {
  const whole = `[${values.join(', ')}]`;
  if (whole.length <= WIDTH) return whole;
  const lines: string[] = [];
  let line = '';
  for (const value of values) {
    if (line.length + value.length + 2 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? `${value},` : ` ${value},`;
  }
  return `[\n${[...lines, line].map((each) => `    ${each}`).join('\n')}\n]`;
}

const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/**
 * Where units see each other by their ranks, a mask [rows, columns] is a comparison: every row sees the
 * columns whose number of ones is at least some number.
 */
function ranked(values: readonly number[], [rows, columns]: readonly number[]): string | undefined {
  if (rows === undefined || columns === undefined || values.length < 32) return undefined;
  if (rows * columns !== values.length || values.some((x) => x !== 0 && x !== 1)) return undefined;
  const row = (i: number) => values.slice(i * columns, (i + 1) * columns);
  const seen = Array.from({ length: columns }, (_, j) =>
    sumOf(Array.from({ length: rows }, (_, i) => values[i * columns + j] as number)),
  );
  const least = Array.from({ length: rows }, (_, i) =>
    Math.min(rows + 1, ...seen.filter((_, j) => row(i)[j] === 1)),
  );
  const isRule = values.every(
    (x, at) => seen[at % columns]! >= least[Math.floor(at / columns)]! === (x === 1),
  );
  if (!isRule) return undefined;
  const [a, b] = [seen, least].map((list) => `torch.tensor(${listed(list.map(String))})`);
  return `(${a} >= ${b}[:, None]).float()`;
}

/** A tensor of these values, flat unless a rule gives it its shape. */
export function tensorLiteral(
  given: ArrayLike<number>,
  shape: readonly number[],
  dtype: 'f32' | 'u32',
): string {
  const values = Array.from(given);
  const [first = 0] = values;
  const isWhole = dtype === 'u32';
  const number = (x: number) => {
    const text = String(isWhole ? x : Number(x.toPrecision(9)));
    return isWhole || /[.e]/.test(text) ? text : `${text}.0`;
  };
  if (values.every((x) => x === first)) return `torch.full(${tuple(shape)}, ${number(first)})`;
  if (isWhole && values.every((x, i) => x === i)) return `torch.arange(${values.length})`;
  return ranked(values, shape) ?? `torch.tensor(${listed(values.map(number))})`;
}
