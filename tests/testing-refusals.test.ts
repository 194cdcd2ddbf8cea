/** What the kernel test kit says of inputs that do not fit, before anything runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KernelHost, openHost, readShader } from '../src/testing/index.ts';
import { type Bindings, prepare } from '../src/testing/prepare.ts';

describe('what does not fit is refused before it is run', () => {
  const code = `struct P { a: f32, n: u32 }
@group(0) @binding(0) var<uniform> params: P;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> fixed: array<vec3f, 2>;
override N = 1u;
@compute @workgroup_size(1) fn main() { y[0] = params.a + fixed[0].x + f32(N); }
@compute @workgroup_size(1) fn other() { y[0] = 1.0; }`;
  const good = { params: { a: 1, n: 2 }, y: [1], fixed: { length: 2 } };
  let host: KernelHost;
  beforeAll(async () => {
    host = await openHost('dawn', { log: () => {} });
  });
  afterAll(() => host.close());

  test.each<[object, string]>([
    [
      { bindings: { ...good, z: [1] } },
      "shader.wgsl has no variable 'z' with a binding; it has params, y, fixed.",
    ],
    [{ bindings: { y: [1] } }, 'the binding params (P) is missing.'],
    [
      { bindings: { params: good.params } },
      'the binding y (array<f32>) is missing: give an array, or { length: n } for n zeros.',
    ],
    [{ bindings: { ...good, params: { a: 1 } } }, 'params.n (u32) is missing.'],
    [
      { bindings: { ...good, params: { a: 1, m: 2 } } },
      "params has no member 'm'; did you mean 'a'?",
    ],
    [{ bindings: { ...good, params: { a: 1, n: -1 } } }, 'params.n is u32: -1 is no such number.'],
    [{ bindings: { ...good, params: 3 } }, 'params is P: give an object { a, n }, not number 3.'],
    [
      { bindings: { ...good, params: new Float32Array(2) } },
      'params is P: give an object { a, n } or an ArrayBuffer, not a Float32Array.',
    ],
    [
      { bindings: { ...good, y: new Int32Array(1) } },
      'y is array<f32>: give a Float32Array, not an Int32Array.',
    ],
    [
      { bindings: { ...good, y: 'text' } },
      'y is array<f32>: give a Float32Array or an array, or { length }, not string text.',
    ],
    [
      { bindings: { ...good, y: { length: -1 } } },
      'y is array<f32>: give a Float32Array or an array, or { length }, not { length: -1 }.',
    ],
    [
      { bindings: { ...good, y: { length: 2.5 } } },
      'y is array<f32>: give a Float32Array or an array, or { length }, not { length: 2.5 }.',
    ],
    [
      { bindings: { ...good, fixed: [1, [2, 3, 4]] } },
      'fixed[0] is vec3f: give a Float32Array or an array of 3, not number 1.',
    ],
    [
      { bindings: { ...good, fixed: [[1, 2, 3]] } },
      'fixed is array<vec3f, 2>; it was given 1 elements, not 2.',
    ],
    [{ bindings: { ...good, y: [] } }, 'y is empty; WebGPU binds at least one element.'],
    [
      { bindings: { ...good, fixed: new Float32Array(6) } },
      'fixed is array<vec3f, 2>, 32 bytes; it was given 24.',
    ],
    [
      {
        bindings: {
          ...good,
          fixed: [
            [1, 2],
            [3, 4],
          ],
        },
      },
      'fixed[0] is vec3f: give a Float32Array or an array of 3, not an array of 2.',
    ],
    [
      { entryPoint: undefined },
      'shader.wgsl has several entry points: set entryPoint to one of main, other.',
    ],
    [{ entryPoint: 'mian' }, "shader.wgsl: no compute entry point 'mian'; it has main, other."],
    [{ constants: { M: 1 } }, "shader.wgsl has no override 'M'; did you mean 'N'?"],
    [{ dispatch: [1.5] }, 'dispatch is [1.5]: give one to three whole numbers of workgroups.'],
    [{ code: undefined, file: '/nowhere/a.wgsl' }, '/nowhere/a.wgsl is not there.'],
  ])('%j', async (change, message) => {
    const request = { code, entryPoint: 'main', bindings: good, dispatch: 1, ...change };
    const error = await host.run(request).then(
      () => null,
      (caught) => caught,
    );
    expect(error).toMatchObject({ code: 'bad-input', message });
  });
});

test.each<[object, string]>([
  [{ image: 3 }, 'image is texture_2d<f32>: give rows of texels, or { width, height, data }.'],
  [{ image: [[1, 2], [3]] }, 'image has rows of different lengths.'],
  [{ image: [1, 2] }, 'image is a texture of the view 2d: give rows of texels, or'],
  [{ image: { width: 2, height: 2, data: [1, 2, 3] } }, '3 numbers do not make 1 to 4 a texel.'],
  [{ image: { width: 2.5 } }, 'image is of 2.5 x 1 x 1 texels: give whole numbers above 0.'],
  [{ image: [[1]], out: [[0.5]] }, 'out is r32uint: 0.5 is no such number.'],
  [{ image: [[1]], out: { width: 1, format: 'r32float' } }, 'its format is not r32float.'],
  [
    { image: { width: 4, format: 'depth32float' } },
    'depth32float cannot be given or read here; depth16unorm can.',
  ],
  [{ image: { width: 4, format: 'bc1-rgba-unorm' } }, 'the format bc1-rgba-unorm cannot be given'],
  [
    { image: [[1]], near: 'linear' },
    "near is a sampler: give an object such as { magFilter: 'linear' }",
  ],
])('a texture or sampler that does not fit is refused: %j', (bindings, message) => {
  const code = `@group(0) @binding(0) var image: texture_2d<f32>;
@group(0) @binding(1) var near: sampler;
@group(0) @binding(2) var out: texture_storage_2d<r32uint, write>;
@compute @workgroup_size(1) fn main() {
  textureStore(out, vec2u(), vec4u(textureSampleLevel(image, near, vec2f(), 0.0)));
}`;
  const all = { out: { width: 1 }, ...bindings } as Bindings;
  expect(() => prepare({ code, bindings: all, dispatch: 1 })).toThrow(message);
});

test.each([
  ['texture_cube<f32>', { width: 2, depth: 6 }, 'of 2 x 1 x 6 texels: give six square faces.'],
  ['texture_cube_array<f32>', { width: 1, depth: 7 }, 'give six square faces for each cube.'],
  ['texture_multisampled_2d<f32>', [[1]], 'of one to three dimensions, and cubes.'],
])('a %s that does not fit is refused', (type, sky, message) => {
  const code = `@group(0) @binding(0) var sky: ${type};
@compute @workgroup_size(1) fn main() { _ = sky; }`;
  expect(() => prepare({ code, bindings: { sky }, dispatch: 1 })).toThrow(message);
});

test.each([2 ** 26, 2 ** 40])('%d zeros are refused before memory is taken for them', (length) => {
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = 1.0; }`;
  const message = `y takes ${4 * length} bytes; a binding may have 134217728`;
  expect(() => prepare({ code, bindings: { y: { length } }, dispatch: 1 })).toThrow(message);
});

test('a file is read as a page would read it, and refused where it is no UTF-8', () => {
  const folder = mkdtempSync(join(tmpdir(), 'latentgpu-shader-'));
  const file = join(folder, 'a.wgsl');
  const written = (bytes: Uint8Array | string) => {
    writeFileSync(file, bytes);
    return () => readShader({ file }).code;
  };
  try {
    expect(written('\ufeffconst größe = 1;')()).toBe('const größe = 1;');
    expect(written(new Uint8Array([47, 47, 10, 47, 47, 0xe9, 10]))).toThrow(
      'a.wgsl is no UTF-8 in line 2; save it as UTF-8.',
    );
    expect(written(Buffer.from('\ufeffé', 'utf16le'))).toThrow('is UTF-16; save it as UTF-8.');
    expect(() => readShader({ file: folder })).toThrow('cannot be read: EISDIR');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
