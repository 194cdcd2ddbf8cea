import { findRaces, type KernelHost, openHost, readShader } from 'latentgpu/testing';
import 'latentgpu/testing/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const file = new URL('../kernels/softmax.wgsl', import.meta.url);

/** The reference, in float64. */
function softmax(x: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const y = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const row = Array.from(x).slice(r * columns, (r + 1) * columns);
    const largest = Math.max(...row);
    const exp = row.map((value) => Math.exp(value - largest));
    const total = exp.reduce((sum, value) => sum + value, 0);
    y.set(
      exp.map((value) => value / total),
      r * columns,
    );
  }
  return y;
}

/** Logits between -10 and 10. */
function logits(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 10 * Math.sin(i * i));
}

describe.each(['dawn', 'chrome'] as const)('softmax in %s', (kind) => {
  let host: KernelHost;
  beforeAll(async () => {
    host = await openHost(kind);
  }, 60_000);
  afterAll(() => host?.close());

  test.each([
    [1, 1],
    [3, 7],
    [2, 64],
    [5, 131],
  ])('%i rows of %i', async (rows, columns) => {
    const x = logits(rows * columns);
    const { y } = await host.run({
      file,
      bindings: { shape: { rows, columns }, x, y: { length: x.length } },
      dispatch: rows,
    });
    // WGSL's exp: 3 + 2|x| ulp, |x| <= 20 here, above the line and below it; a division: 2.5 ulp;
    // a sum of n positive numbers: n roundings.
    const ulp = 2 * (3 + 2 * 20) + 2.5 + columns;
    expect(y).toBeNear(softmax(x, rows, columns), { ulp, absolute: 2 ** -126 });
  });

  test('any power of two as the workgroup width', async () => {
    const [rows, columns] = [2, 33];
    const x = logits(rows * columns);
    const { y } = await host.run({
      file,
      constants: { WIDTH: 16 },
      bindings: { shape: { rows, columns }, x, y: { length: x.length } },
      dispatch: rows,
    });
    expect(y).toBeNear(softmax(x, rows, columns), { relative: 2e-5 });
  });
});

test('softmax has every barrier that it needs', () => {
  const [rows, columns] = [2, 11];
  const kernel = (code: string) => ({
    code,
    constants: { WIDTH: 4 },
    bindings: {
      shape: { rows, columns },
      x: logits(rows * columns),
      y: { length: rows * columns },
    },
    dispatch: rows,
  });
  const { code } = readShader({ file });
  expect(findRaces(kernel(code))).toEqual([]);
  // That the search can find something: the same kernel without its barriers.
  expect(findRaces(kernel(code.replaceAll('workgroupBarrier();', '')))).not.toEqual([]);
});
