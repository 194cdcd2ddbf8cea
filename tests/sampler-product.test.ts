/** Products of the small runtime: WebAssembly against the plain path and float64, and where a page forbids it. */
import { afterEach, expect, test, vi } from 'vitest';
import { type Multiply, multiplications, placeOf, plain } from '../src/sampler/product.ts';
import { reals } from './support/engine.ts';

const SHAPES: readonly [inputs: number, columns: number][] = [
  [1, 1],
  [3, 7],
  [20, 300],
  [300, 784],
  [17, 8],
  [785, 33],
];
const matrices = SHAPES.map(([inputs, columns]) => ({
  inputs,
  weight: reals(`weights ${inputs} ${columns}`, inputs * columns, -1, 1),
}));

afterEach(() => vi.unstubAllGlobals());

/** The largest error of the columns, by the sizes of their terms. */
function off(multiply: Multiply, i: number, columns: number): number {
  const { weight, inputs } = matrices[i] as (typeof matrices)[number];
  const x = reals(`rows ${i}`, 4 * inputs, -2, 2);
  const y = multiply(x, columns);
  let worst = 0;
  for (let r = 0; r < 4; r++) {
    for (let n = 0; n < columns; n++) {
      let [exact, scale] = [0, 0];
      for (let k = 0; k < inputs; k++) {
        const term = (x[r * inputs + k] as number) * (weight[n * inputs + k] as number);
        exact += term;
        scale += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs((y[placeOf(r, n)] as number) - exact) / scale);
    }
  }
  return worst;
}

test('WebAssembly and JavaScript give the products, of all columns and of the first', () => {
  const made = vi.spyOn(WebAssembly, 'Instance');
  const fast = multiplications(matrices);
  expect(made).toHaveBeenCalledTimes(1);
  made.mockRestore();
  SHAPES.forEach(([inputs, all], i) => {
    for (const columns of [all, Math.ceil(all / 2)]) {
      // A sum of so many terms in float32, of which each may be rounded down; in float64 the result alone.
      expect(off(fast[i] as Multiply, i, columns)).toBeLessThan((inputs + 1) * 2 ** -24);
      expect(off(plain(matrices[i] as never), i, columns)).toBeLessThan(2 ** -23);
    }
  });
});

test('a page whose policy forbids WebAssembly has JavaScript', () => {
  vi.stubGlobal('WebAssembly', {
    Memory: WebAssembly.Memory,
    Module: class {
      constructor() {
        throw new Error("violates 'wasm-unsafe-eval'");
      }
    },
  });
  const slow = multiplications(matrices);
  SHAPES.forEach(([, columns], i) => {
    expect(off(slow[i] as Multiply, i, columns)).toBeLessThan(2 ** -23);
  });
});
