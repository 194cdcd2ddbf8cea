// Products of rows with matrices, by WebAssembly where a page lets it (`wasm-unsafe-eval`), else in plain
// JavaScript.
import { sigmoid } from '../ops/reference/special.ts';
import { assembly, fusing, SHIFT } from './kernels.gen.ts';

/** Rows that one pass over the weights serves. */
export const ROWS = 4;
/** Where the module looks for the least that it gives. */
const LEAST = 12;
/** Columns of a panel, and of the panels that a single row is multiplied with at a time. */
const PANEL = 8;
const WIDE = 32;

/** A text with what lies between `#` several times. */
export const repeated = (text: string, times: number, write: (part: string, i: number) => string) =>
  text.replace(/#(.*?)#/g, (_, part) =>
    Array.from({ length: times }, (_, i) => write(part, i)).join(''),
  );

export interface Matrix {
  /** W [N, K], as layers keep their weights. */
  readonly weight: Float32Array;
  readonly inputs: number;
  /** b [N]; none: zeros. */
  readonly bias?: Float32Array;
}

/**
 * y [rows, columns] = x [rows, K] Wᵀ + b, its first columns; `relu` or `sigmoid` of that, if one of them is named,
 * and no other function.
 */
export type Multiply = (x: Float32Array, y: Float32Array, name?: string) => void;

/** Four rows of x and of y, `stride` apart, in memory. */
interface Desk {
  readonly numbers: Float32Array;
  readonly x: number;
  readonly y: number;
  readonly stride: number;
}

/** Takes rows to where they are multiplied, four at a time, and what comes of them from there. */
const inFours =
  (
    inputs: number,
    { numbers, x: from, y: to, stride }: Desk,
    compute: (rows: number, columns: number, name?: string) => void,
  ): Multiply =>
  (x, y, name) => {
    const rows = x.length / inputs;
    const columns = y.length / rows;
    for (let first = 0; first < rows; first += ROWS) {
      const end = Math.min(rows, first + ROWS);
      for (let row = first, at = from; row < end; row++, at += stride) {
        numbers.set(x.subarray(row * inputs, (row + 1) * inputs), at);
      }
      compute(end - first, columns, name);
      for (let row = first, at = to; row < end; row++, at += stride) {
        y.set(numbers.subarray(at, at + columns), row * columns);
      }
    }
  };

/** Sums in float64; each weight that is fetched serves four rows. */
export function plain({ weight, inputs, bias }: Matrix): Multiply {
  const stride = Math.max(inputs, weight.length / inputs);
  const y = ROWS * stride;
  const numbers = new Float32Array(2 * y);
  return inFours(inputs, { numbers, x: 0, y, stride }, (_, columns, name) => {
    for (let n = 0, at = 0; n < columns; n++) {
      let a = bias?.[n] ?? 0;
      let [b, c, d] = [a, a, a];
      for (let k = 0; k < inputs; k++) {
        const w = weight[at++]!;
        a += w * numbers[k]!;
        b += w * numbers[stride + k]!;
        c += w * numbers[2 * stride + k]!;
        d += w * numbers[3 * stride + k]!;
      }
      [a, b, c, d].forEach((sum, r) => {
        numbers[y + r * stride + n] =
          name === 'relu' ? Math.max(sum, 0) : name === 'sigmoid' ? sigmoid(sum) : sum;
      });
    }
  });
}

/**
 * The functions of shaders/build/product.ts.
 *
 * @param single of which a tile has one: `!` panels or `%` rows
 */
function instance(single: string, memory: WebAssembly.Memory) {
  const text = repeated(assembly, ROWS, (part, i) =>
    part
      .replace(/([!%])(.*?)\1/g, (_, kind, own) =>
        i && kind === single ? own.replace(/\$?./g, '1') : own,
      )
      .replace(/\$(.)/g, (_, letter) => String.fromCharCode(letter.charCodeAt(0) + i)),
  );
  const bytes = (letters: string) =>
    Uint8Array.from(letters, (letter) => letter.charCodeAt(0) - SHIFT);
  const fused = bytes(text.replace(...fusing));
  // Older engines cannot fuse.
  const module = new WebAssembly.Module(WebAssembly.validate(fused) ? fused : bytes(text));
  return new WebAssembly.Instance(module, { m: { m: memory } }).exports as Record<
    'f' | 'g',
    (...given: number[]) => void
  >;
}

function compiled(matrices: readonly Matrix[]): Multiply[] {
  /** Whole tiles of a row by four panels. */
  const padded = (columns: number) => Math.ceil(columns / WIDE) * WIDE;
  const outputs = ({ weight, inputs }: Matrix) => weight.length / inputs;
  const stride = padded(Math.max(...matrices.flatMap((each) => [each.inputs, outputs(each)])));
  // In numbers: constants, four rows of x, of y, then the matrices.
  const x = 2 * PANEL;
  const y = x + ROWS * stride;
  let end = y + ROWS * stride;
  const starts = matrices.map((each) => {
    const start = end;
    end += padded(outputs(each)) * (each.inputs + 1);
    return start;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 2 ** 14) });
  const numbers = new Float32Array(memory.buffer);
  const four = instance('!', memory);
  const one = instance('%', memory);
  return matrices.map(({ weight, inputs, bias }, i) => {
    const w = starts[i]!;
    const put = (n: number, k: number, value: number) => {
      numbers[w + ((n >> 3) * (inputs + 1) + k) * PANEL + (n & 7)] = value;
    };
    bias?.forEach((value, n) => {
      put(n, 0, value);
    });
    weight.forEach((value, at) => {
      put(Math.floor(at / inputs), 1 + (at % inputs), value);
    });
    const places = [4 * x, 4 * w, 4 * y, inputs] as const;
    const panel = 4 * PANEL * (inputs + 1);
    return inFours(inputs, { numbers, x, y, stride }, (rows, columns, name) => {
      numbers[LEAST] = name === 'relu' ? 0 : Number.NEGATIVE_INFINITY;
      if (rows > 1) {
        four.f(...places, Math.ceil(columns / PANEL), 4 * stride, panel, 4 * PANEL - 16 * stride);
      } else one.f(...places, padded(columns) / WIDE, 4 * PANEL, panel, 0);
      if (name === 'sigmoid') one.g(4 * y, 0, 0, 0, (rows * stride) / 4);
    });
  });
}

/** Of each matrix its products. */
export function multiplications(matrices: readonly Matrix[]): Multiply[] {
  try {
    return compiled(matrices);
  } catch {
    return matrices.map(plain);
  }
}
