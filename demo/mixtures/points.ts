// The points of the page: drawn from a density, the visitor's own, or both.
import { foreignFile } from '../../src/data/foreign-files.ts';
import { plane } from '../../src/data/plane.ts';
import { LatentGpuError } from '../../src/errors.ts';
import { inWordsOfPage, tableOf } from '../lab/table.ts';

export const MOST_OWN = 400;
/** Own points lie within this of the middle, and are kept to a step of it. */
const REACH = 4;
const STEPS = 4095;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export type Point = readonly [x: number, y: number];

/** Points as text for an address: two letters a coordinate. */
export function written(points: readonly Point[]): string {
  return points
    .flat()
    .map((value) => {
      const share = (Math.min(REACH, Math.max(-REACH, value)) + REACH) / (2 * REACH);
      const step = Math.round(share * STEPS);
      return `${DIGITS[step >> 6]}${DIGITS[step & 63]}`;
    })
    .join('');
}

/** What {@link written} wrote; of other text, what can be read of it. */
export function read(text: string): Point[] {
  const values: number[] = [];
  for (let i = 0; i + 1 < text.length; i += 2) {
    const [high, low] = [DIGITS.indexOf(text[i] as string), DIGITS.indexOf(text[i + 1] as string)];
    if (high < 0 || low < 0) break;
    values.push((2 * REACH * (64 * high + low)) / STEPS - REACH);
  }
  const count = Math.min(MOST_OWN, Math.floor(values.length / 2));
  return Array.from({ length: count }, (_, i) => [
    values[2 * i] as number,
    values[2 * i + 1] as number,
  ]);
}

/** The points to learn from, [B, 2]: those of a density centred, so that own ones find them. */
export function pointsOf(data: string, count: number, own: readonly Point[]): Float32Array {
  if (data === 'own') return Float32Array.from(own.flat());
  const drawn = plane(data, { count }).data as Float32Array;
  return Float32Array.from([...drawn, ...own.flat()]);
}

export interface TablePoints {
  readonly points: readonly Point[];
  /** Of which rows and columns they are. */
  readonly about: string;
}

/**
 * The first two columns of numbers of a table, moved and scaled into the window.
 *
 * @throws LatentGpuError `bad-format` for what is no table of text, or has one column
 */
export async function pointsOfTable(file: File): Promise<TablePoints> {
  const bad = (why: string) => new LatentGpuError('bad-format', `${file.name} ${why}`);
  const value = new Uint8Array(await file.arrayBuffer());
  if (value.length === 0) throw bad('is empty');
  if (foreignFile(value, file.name)) throw bad('is no table of text; drop two columns as .csv');
  const table = await inWordsOfPage(() => tableOf(file.name, value));
  const { rows, columns, values, names, words } = table;
  const numbers = Array.from({ length: columns }, (_, place) => place).filter((place) =>
    words.every((each) => each.place !== place),
  );
  const [first, second] = numbers;
  if (first === undefined || second === undefined) {
    throw bad(`has ${numbers.length === 0 ? 'no' : 'one'} column of numbers; a point takes two`);
  }
  const every = Math.max(1, Math.ceil(rows / MOST_OWN));
  const scaled = (column: number) => {
    const all = Array.from(
      { length: Math.ceil(rows / every) },
      (_, i) => values[i * every * columns + column] as number,
    );
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    const variance = all.reduce((a, b) => a + (b - mean) ** 2, 0) / all.length;
    return all.map((x) => (1.3 * (x - mean)) / Math.sqrt(variance || 1));
  };
  const [x, y] = [scaled(first), scaled(second)];
  const part = every > 1 ? `${x.length} of ${rows} rows` : `${rows} ${rows === 1 ? 'row' : 'rows'}`;
  const axes = [first, second].map((place) => names?.[place] ?? place + 1).join(' and ');
  const apart = words.map(({ column }) => column).join(', ');
  return {
    points: x.map((at, i) => [at, y[i] as number]),
    about: [
      `${file.name}: ${part}${columns > 2 ? `, columns ${axes}` : ''}`,
      ...(apart ? [`words of ${apart} are left out`] : []),
    ].join('; '),
  };
}
