/** Products of the small runtime: WebAssembly against the plain path and float64, and where a page forbids it. */
import { setFlagsFromString } from 'node:v8';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Matrix, type Multiply, multiplications, plain } from '../src/sampler/product.ts';
import { reals } from './support/engine.ts';

const SHAPES: readonly [inputs: number, columns: number][] = [
  [1, 1],
  [3, 7],
  [20, 300],
  [300, 784],
  [17, 8],
  [785, 33],
];
const matrices = SHAPES.map(([inputs, columns], i): Matrix => {
  const weight = reals(`weights ${inputs} ${columns}`, inputs * columns, -1, 1);
  // Without a bias, too.
  return { inputs, weight, ...(i > 1 && { bias: reals(`bias ${i}`, columns, -1, 1) }) };
});

afterEach(() => vi.unstubAllGlobals());

const functions: Record<string, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

/** The largest error of the columns, by the sizes of their terms. */
function off(
  multiply: Multiply,
  i: number,
  { rows, columns, name }: { rows: number; columns: number; name?: string },
): number {
  const { weight, bias, inputs } = matrices[i] as (typeof matrices)[number];
  const x = reals(`rows ${i}`, rows * inputs, -2, 2);
  const y = new Float32Array(rows * columns);
  multiply(x, y, name);
  const f = functions[name ?? ''] ?? ((sum: number) => sum);
  let worst = 0;
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) {
      let exact = bias?.[n] ?? 0;
      let scale = Math.abs(exact);
      for (let k = 0; k < inputs; k++) {
        const term = (x[r * inputs + k] as number) * (weight[n * inputs + k] as number);
        exact += term;
        scale += Math.abs(term);
      }
      const error = Math.abs((y[r * columns + n] as number) - f(exact));
      worst = Math.max(worst, error / scale);
    }
  }
  return worst;
}

/** A sum of so many terms in float32, of which each may be rounded down. */
const most = (inputs: number) => (inputs + 2) * 2 ** -24;

/** Whether the module that was made fuses: the letters of the instruction are in it. */
function hasFused(made: { mock: { calls: unknown[][] } }): boolean {
  const bytes = Buffer.from(made.mock.calls[0]?.[0] as Uint8Array);
  return bytes.includes(Buffer.from([0xfd, 0x85, 0x02]));
}

// Behind a flag in the oldest Node.js that is supported.
setFlagsFromString('--experimental-wasm-relaxed-simd');

describe.each([true, false])('WebAssembly, products fused: %s', (isFused) => {
  const validate = WebAssembly.validate.bind(WebAssembly);
  const made = vi.spyOn(WebAssembly, 'Module');
  const allowed = vi
    .spyOn(WebAssembly, 'validate')
    .mockImplementation((bytes) => isFused && validate(bytes));
  const fast = multiplications(matrices);
  allowed.mockRestore();
  const fuses = hasFused(made);
  made.mockRestore();

  test('gives the products, of all columns and of the first, of any number of rows', () => {
    expect(fuses).toBe(isFused);
    SHAPES.forEach(([inputs, all], i) => {
      for (const columns of [all, Math.ceil(all / 2)]) {
        for (const rows of [1, 4, 5, 7]) {
          expect(off(fast[i] as Multiply, i, { rows, columns })).toBeLessThan(most(inputs));
        }
      }
    });
  });

  test('a row by itself is the same as among others, bit for bit', () => {
    SHAPES.forEach(([inputs, columns], i) => {
      for (const name of ['', 'relu', 'sigmoid']) {
        const x = reals(`rows ${i}`, 4 * inputs, -2, 2);
        const all = new Float32Array(4 * columns);
        (fast[i] as Multiply)(x, all, name);
        for (let row = 0; row < 4; row++) {
          const y = new Float32Array(columns);
          (fast[i] as Multiply)(x.subarray(row * inputs, (row + 1) * inputs), y, name);
          expect(y).toEqual(all.subarray(row * columns, (row + 1) * columns));
        }
      }
    });
  });

  test('and functions of them, of large sums too', () => {
    SHAPES.forEach(([inputs, columns], i) => {
      for (const name of ['relu', 'sigmoid']) {
        expect(off(fast[i] as Multiply, i, { rows: 5, columns, name })).toBeLessThan(
          most(inputs) + 2 ** -22,
        );
      }
    });
    const x = Float32Array.of(-1e30, -100, -20, -1, 0, 1e-8, 0.7, 15, 90, 1e30);
    const [identity] = multiplications([{ weight: Float32Array.of(1), inputs: 1 }]);
    const y = new Float32Array(x.length);
    (identity as Multiply)(x, y, 'sigmoid');
    x.forEach((value, i) => {
      const exact = 1 / (1 + Math.exp(-value));
      expect(Math.abs((y[i] as number) - exact)).toBeLessThan(2 ** -23);
    });
    (identity as Multiply)(x, y);
    expect(y).toEqual(x);
  });
});

test('JavaScript gives the same', () => {
  SHAPES.forEach(([, columns], i) => {
    for (const name of [undefined, 'relu', 'sigmoid']) {
      const asked = { rows: 6, columns, ...(name && { name }) };
      // In float64 but for the result, which a function makes larger than small terms.
      expect(off(plain(matrices[i] as Matrix), i, asked)).toBeLessThan(2 ** (name ? -21 : -23));
    }
  });
});

test('a page whose policy forbids WebAssembly has JavaScript', () => {
  vi.stubGlobal('WebAssembly', {
    Memory: WebAssembly.Memory,
    validate: () => true,
    Module: class {
      constructor() {
        throw new Error("violates 'wasm-unsafe-eval'");
      }
    },
  });
  const slow = multiplications(matrices);
  SHAPES.forEach(([, columns], i) => {
    expect(off(slow[i] as Multiply, i, { rows: 4, columns })).toBeLessThan(2 ** -23);
  });
});
