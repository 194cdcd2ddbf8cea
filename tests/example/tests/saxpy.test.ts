import { type KernelHost, openHost } from 'latentgpu/testing';
import 'latentgpu/testing/vitest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const file = new URL('../kernels/saxpy.wgsl', import.meta.url);

// The same tests in Node.js (Dawn) and in headless Chrome.
describe.each(['dawn', 'chrome'] as const)('saxpy in %s', (kind) => {
  let host: KernelHost;
  beforeAll(async () => {
    host = await openHost(kind);
  }, 60_000);
  afterAll(() => host?.close());

  // One element, odd and prime counts, more than one workgroup.
  test.each([1, 3, 64, 1009])('%i elements', async (n) => {
    const x = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
    const y = Float32Array.from({ length: n }, (_, i) => Math.cos(3 * i));
    const result = await host.run({
      file,
      bindings: { params: { a: 2.5, n }, x, y },
      dispatch: Math.ceil(n / 64),
    });
    // Float64; fma may be one rounding or two, each half an ulp of what is rounded.
    const expected = Array.from(x, (xi, i) => 2.5 * xi + (y[i] as number));
    expect(result.y).toBeNear(expected, { absolute: 2.5 * 2 ** -24, ulp: 0.5 });
  });
});
