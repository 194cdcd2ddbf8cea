// Products of rows with matrices, by WebAssembly where a page lets it (`wasm-unsafe-eval`), else in plain
// JavaScript.
import { sigmoid } from '../ops/reference/special.ts';
import { assembly, fusing, SHIFT } from './kernels.gen.ts';

/** Rows that one pass over the weights serves. */
export const ROWS = 4;
/** Where the module looks for the least that it gives. */
const LEAST = 12;
/** Columns that are computed at a time. */
const PANEL = 8;

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
    compute: (columns: number, name?: string) => void,
  ): Multiply =>
  (x, y, name) => {
    const rows = x.length / inputs;
    const columns = y.length / rows;
    for (let first = 0; first < rows; first += ROWS) {
      const end = Math.min(rows, first + ROWS);
      for (let row = first, at = from; row < end; row++, at += stride) {
        numbers.set(x.subarray(row * inputs, (row + 1) * inputs), at);
      }
      compute(columns, name);
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
  return inFours(inputs, { numbers, x: 0, y, stride }, (columns, name) => {
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

function compiled(matrices: readonly Matrix[]): Multiply[] {
  const panels = (columns: number) => Math.ceil(columns / PANEL);
  const outputs = ({ weight, inputs }: Matrix) => weight.length / inputs;
  const widest = Math.max(...matrices.flatMap((each) => [each.inputs, outputs(each)]));
  const stride = panels(widest) * PANEL;
  // In numbers: constants, four rows of x, of y, then the matrices.
  const x = 2 * PANEL;
  const y = x + ROWS * stride;
  let end = y + ROWS * stride;
  const starts = matrices.map((each) => {
    const start = end;
    end += panels(outputs(each)) * PANEL * (each.inputs + 1);
    return start;
  });
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 2 ** 14) });
  const numbers = new Float32Array(memory.buffer);
  const [fused, unfused] = [assembly.replace(...fusing), assembly].map((text) =>
    Uint8Array.from(text, (letter) => letter.charCodeAt(0) - SHIFT),
  ) as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  // Older engines cannot fuse.
  const module = new WebAssembly.Module(WebAssembly.validate(fused) ? fused : unfused);
  const { f, g } = new WebAssembly.Instance(module, { m: { m: memory } }).exports as Record<
    'f' | 'g',
    (...given: number[]) => void
  >;
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
    return inFours(inputs, { numbers, x, y, stride }, (columns, name) => {
      numbers[LEAST] = name === 'relu' ? 0 : Number.NEGATIVE_INFINITY;
      f(4 * x, 4 * w, 4 * y, inputs, panels(columns), 4 * stride);
      if (name === 'sigmoid') g(4 * y, 0, 0, 0, (ROWS * stride) / 4);
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
