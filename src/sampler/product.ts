// Products of four rows with matrices, by WebAssembly where a page lets it (`wasm-unsafe-eval`), else in plain
// JavaScript.
import { product } from './kernels.gen.ts';

/** Rows that one pass over the weights serves. */
export const ROWS = 4;
/** Columns that lie side by side in a result. */
const PANEL = 8;

/** W [N, K], as layers keep their weights. */
export interface Matrix {
  readonly weight: Float32Array;
  readonly inputs: number;
}

/** The first so many columns of x Wᵀ for x [4, K]: [⌈columns / 8⌉, 4, 8]. */
export type Multiply = (x: Float32Array, columns: number) => Float32Array;

/** Where a row's column lies in such a result. */
export const placeOf = (row: number, column: number): number =>
  (column >> 3) * PANEL * ROWS + row * PANEL + (column & 7);

/** Sums in float64; each weight that is fetched serves four rows. */
export const plain =
  ({ weight, inputs }: Matrix): Multiply =>
  (x, columns) => {
    const y = new Float32Array(placeOf(0, columns + PANEL - 1));
    for (let n = 0, at = 0; n < columns; n++) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < inputs; k++) {
        const w = weight[at++]!;
        a += w * x[k]!;
        b += w * x[inputs + k]!;
        c += w * x[2 * inputs + k]!;
        d += w * x[3 * inputs + k]!;
      }
      [a, b, c, d].forEach((sum, r) => {
        y[placeOf(r, n)] = sum;
      });
    }
    return y;
  };

function compiled(matrices: readonly Matrix[]): Multiply[] {
  const panels = (columns: number) => Math.ceil(columns / PANEL);
  const widest = matrices.reduce(
    (most, { weight, inputs }) => Math.max(most, inputs, weight.length / inputs + PANEL),
    0,
  );
  // In numbers: four rows of x, of y, then the matrices.
  const y = ROWS * widest;
  let end = 2 * y;
  const starts = matrices.map(({ weight, inputs }) => {
    const start = end;
    end += panels(weight.length / inputs) * PANEL * inputs;
    return start;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 2 ** 14) });
  const numbers = new Float32Array(memory.buffer);
  const bytes = Uint8Array.from(atob(product), (letter) => letter.charCodeAt(0));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } });
  const f = instance.exports.f as (...places: number[]) => void;
  return matrices.map(({ weight, inputs }, i) => {
    const start = starts[i]!;
    weight.forEach((value, at) => {
      const n = Math.floor(at / inputs);
      numbers[start + ((n >> 3) * inputs + (at % inputs)) * PANEL + (n & 7)] = value;
    });
    return (x, columns) => {
      for (let r = 0; r < ROWS; r++) {
        for (let k = 0; k < inputs; k++) numbers[k * ROWS + r] = x[r * inputs + k]!;
      }
      f(0, 4 * start, 4 * y, inputs, panels(columns));
      return numbers.subarray(y, y + placeOf(0, columns + PANEL - 1));
    };
  });
}

/** Of each matrix its products; a result is there until the next. */
export function multiplications(matrices: readonly Matrix[]): Multiply[] {
  try {
    return compiled(matrices);
  } catch {
    return matrices.map(plain);
  }
}
