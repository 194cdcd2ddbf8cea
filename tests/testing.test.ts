/** The kernel test kit as a stranger uses it: on every host, and what it says when things go wrong. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  assertNear,
  compare,
  findRaces,
  type KernelHost,
  openHost,
  reflect,
  ulpOf,
} from '../src/testing/index.ts';
import '../src/testing/vitest.ts';
import { installExample } from './support/kit.ts';
import { run } from './support/run-script.ts';

const main = (body: string, declarations = '') => `${declarations}
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main() {
  ${body}
}`;

const hosts = [
  ['dawn', 'Dawn'],
  ['chrome', 'Chrome'],
  ['firefox', 'Firefox'],
  ['deno', 'Deno'],
] as const;

describe.each(hosts)('in %s', (kind, place) => {
  let host: KernelHost;
  const lines: string[] = [];
  beforeAll(async () => {
    host = await openHost(kind, { timeout: 30_000, log: (line) => lines.push(line) });
  }, 60_000);
  afterAll(() => host?.close());

  test('names its adapter', () => {
    expect(lines).toContain(`adapter in ${place}: ${host.line}`);
    expect(host.line).toContain(host.adapter.name);
  });

  test('runs a kernel by the names of its variables', async () => {
    const file = new URL('example/kernels/saxpy.wgsl', import.meta.url);
    const [x, y] = [new Float32Array([1, 2, 3]), new Float32Array([10, 20, 30])];
    const request = { file, bindings: { params: { a: 2, n: 3 }, x, y }, dispatch: 1 };
    const result = await host.run(request);
    expect(Object.keys(result)).toEqual(['y']);
    expect(result.y).toEqual(new Float32Array([12, 24, 36]));
    expect(y[0]).toBe(10);
    // Of the same shader, another length.
    const more = await host.run({ ...request, bindings: { ...request.bindings, x: [1], y: [1] } });
    expect(more.y).toEqual(new Float32Array([3]));
  });

  test('lays out structures, vectors, matrices, atomics, several groups, overrides', async () => {
    const code = `
struct Inner { at: vec3f, mass: f32 }
struct P { scale: f32, turn: mat3x3f, list: array<Inner, 2>, flags: vec2u, sign: i32 }
struct Tally { count: atomic<u32>, seen: array<i32> }
@id(4) override FACTOR: f32 = 1.0;
override WIDTH: u32;
@group(0) @binding(0) var<uniform> p: P;
@group(1) @binding(2) var<storage, read_write> tally: Tally;
@group(1) @binding(7) var<storage, read_write> out: array<Inner, 2>;
@group(0) @binding(3) var<storage, read_write> fresh: array<vec2f, 2>;
@group(0) @binding(5) var<storage, read_write> unused: array<f32>;
@compute @workgroup_size(WIDTH * 2u / 2u)
fn main(@builtin(local_invocation_index) i: u32) {
  atomicAdd(&tally.count, p.flags.y);
  tally.seen[i] = p.sign * i32(i);
  if (i < 2u) {
    out[i] = Inner(p.turn * p.list[i].at * FACTOR, p.scale * p.list[i].mass);
    fresh[i] += vec2f(1.0, f32(i));
  }
}`;
    const result = await host.run({
      code,
      constants: { FACTOR: 10, WIDTH: 4 },
      bindings: {
        p: {
          scale: 2,
          turn: [
            [0, 1, 0],
            [0, 0, 1],
            [1, 0, 0],
          ],
          list: [
            { at: [1, 2, 3], mass: 4 },
            { at: new Float32Array([5, 6, 7]), mass: 8 },
          ],
          flags: [0, 3],
          sign: -1,
        },
        tally: { count: 100, seen: { length: 4 } },
        out: [
          { at: [0, 0, 0], mass: 0 },
          { at: [0, 0, 0], mass: 0 },
        ],
      },
      dispatch: 1,
    });
    expect(result).toEqual({
      tally: { count: 112, seen: new Int32Array([0, -1, -2, -3]) },
      out: [
        { at: new Float32Array([30, 10, 20]), mass: 8 },
        { at: new Float32Array([70, 50, 60]), mass: 16 },
      ],
      fresh: new Float32Array([1, 0, 1, 1]),
    });
  });

  test('lays out what attributes, constants and overrides move about', async () => {
    const code = `
const B = 2; const PAD = 8u; const WIDE = 32;
override N: u32 = 2; override TWICE = N * 2u;
struct Item { @align(WIDE) a: f32, @size(PAD * 2) b: u32, c: vec3f, }
struct All { n: u32, @align(16 * B) item: Item, items: array<Item> }
@group(B - 2) @binding((B) + 1,) var<storage, read_write,> all: All;
@group(B - 1) @binding(B << 1) var<storage, read_write> matrices: array<mat3x2f, B>;
var<workgroup> shared_items: array<u32, TWICE>;
@compute @workgroup_size(N, TWICE / N)
fn main(@builtin(local_invocation_index) i: u32) {
  shared_items[i] = i * 10u;
  workgroupBarrier();
  if (i == 0u) {
    for (var k = 0u; k < TWICE; k++) { all.n += shared_items[k]; }
    all.item.b = arrayLength(&all.items);
    all.items[1].c = all.items[0].c * all.item.a;
    matrices[1] = matrices[0] * 2.0;
  }
}`;
    const item = { a: 0.5, b: 0, c: [2, 4, 6] };
    const result = await host.run({
      code,
      constants: { N: 3 },
      bindings: {
        all: { n: 1, item, items: [item, item] },
        matrices: [
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          new Float64Array(6),
        ],
      },
      dispatch: 1,
    });
    const [c, half] = [new Float32Array([2, 4, 6]), new Float32Array([1, 2, 3])];
    expect(result).toEqual({
      all: {
        n: 151,
        item: { a: 0.5, b: 2, c },
        items: [
          { a: 0.5, b: 0, c },
          { a: 0.5, b: 0, c: half },
        ],
      },
      matrices: new Float32Array([1, 2, 3, 4, 5, 6, 2, 4, 6, 8, 10, 12]),
    });
  });

  test('samples textures, given as arrays, and stores others', async () => {
    const code = `
@group(0) @binding(0) var image: texture_2d<f32>;
@group(0) @binding(1) var near: sampler;
@group(0) @binding(2) var bytes: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(3) var floats: texture_storage_2d<r32float, write>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = (vec2f(id.xy) + 0.5) / vec2f(textureDimensions(image));
  let texel = textureSampleLevel(image, near, at + vec2f(0.0, 1.0), 0.0);
  textureStore(bytes, id.xy, vec4f(texel.rgb, 1.0));
  textureStore(floats, id.xy, vec4f(100.0 * texel.r));
}`;
    const image = [
      [0, 0.25, 0.5],
      [0.75, 1, 0.125],
    ];
    const empty = { width: 3, height: 2 };
    const repeat = { addressModeU: 'repeat', addressModeV: 'repeat' } as const;
    const bindings = { image, near: repeat, bytes: empty, floats: empty };
    const result = await host.run({ code, bindings, dispatch: [3, 2] });
    expect(Object.keys(result)).toEqual(['bytes', 'floats']);
    expect(result.floats).toEqual(new Float32Array([0, 25, 50, 75, 100, 12.5]));
    const reds = Array.from(result.bytes as Float32Array).filter((_, i) => i % 4 === 0);
    // Half a level of 8 bits, and float32.
    expect(reds).toBeNear(image.flat(), { absolute: 0.5 / 255, ulp: 1 });
    expect(Array.from(result.bytes as Float32Array).slice(0, 4)).toEqual([0, 0, 0, 1]);
    // The same kernel with a linear filter lays out its texture in another way.
    const linear = { ...repeat, magFilter: 'linear', minFilter: 'linear' } as const;
    const colours = { width: 3, height: 2, data: new Float32Array(18).fill(0.5) };
    const smooth = await host.run({
      code,
      bindings: { ...bindings, image: colours, near: linear },
      dispatch: [3, 2],
    });
    expect(smooth.floats).toEqual(new Float32Array(6).fill(50));
  });

  test('reads layers, depths, volumes and what it stores itself', async () => {
    const code = `
@group(0) @binding(0) var layers: texture_2d_array<u32>;
@group(0) @binding(1) var both: texture_storage_2d<r32sint, read_write>;
@group(0) @binding(2) var depths: texture_depth_2d;
@group(0) @binding(3) var nearer: sampler_comparison;
@group(0) @binding(4) var volume: texture_3d<i32>;
@group(1) @binding(0) var<storage, read_write> y: array<f32, 4>;
@compute @workgroup_size(1)
fn main() {
  textureStore(both, vec2u(1, 0), vec4i(textureLoad(both, vec2u(0, 0)).r - 5));
  y[0] = f32(textureLoad(layers, vec2u(1, 1), 1, 0).g);
  y[1] = textureSampleCompareLevel(depths, nearer, vec2f(0.25, 0.5), 0.4);
  y[2] = textureSampleCompareLevel(depths, nearer, vec2f(0.75, 0.5), 0.4);
  y[3] = f32(textureLoad(volume, vec3u(0, 1, 1), 0).x);
}`;
    const layer = (n: number) => [
      [[n, n + 1], [n + 2, n + 3]], // biome-ignore format: rows
      [[n + 4, n + 5], [n + 6, n + 7]], // biome-ignore format: rows
    ];
    const result = await host.run({
      code,
      bindings: {
        layers: [layer(1), layer(9)],
        both: [[3, 0]],
        depths: [[0.5, 0.25]],
        volume: [[[1], [2]], [[3], [-4]]], // biome-ignore format: layers
      },
      dispatch: 1,
    });
    expect(result).toEqual({ both: new Int32Array([3, -2]), y: new Float32Array([16, 1, 0, -4]) });
  });

  test('samples the faces of cubes', async () => {
    const code = `
@group(0) @binding(0) var sky: texture_cube<f32>;
@group(0) @binding(1) var skies: texture_depth_cube;
@group(0) @binding(2) var near: sampler;
@group(0) @binding(3) var<storage, read_write> y: array<f32, 3>;
@compute @workgroup_size(1)
fn main() {
  y[0] = textureSampleLevel(sky, near, vec3f(1, 0, 0), 0).r;
  y[1] = textureSampleLevel(sky, near, vec3f(0, 0, -1), 0).r;
  y[2] = textureSampleLevel(skies, near, vec3f(0, -1, 0), 0);
}`;
    const sky = Array.from({ length: 6 }, (_, i) => [[i, i], [i, i]]); // biome-ignore format: rows
    const skies = { width: 1, depth: 6, data: [0, 0, 0, 1, 0, 0] };
    const { y } = await host.run({
      code,
      bindings: { sky, skies, near: {} },
      dispatch: 1,
    } as never);
    expect(y).toEqual(new Float32Array([0, 5, 1]));
  });

  test('says what is wrong with overrides, and lines as WGSL counts them', async () => {
    const code = main('y[0] = N;', 'override N: f32;');
    const request = { code, bindings: { y: [0] }, dispatch: 1 };
    await expect(host.run(request)).rejects.toThrow(
      /^shader\.wgsl:4: error: entry point 'main': .*\bN\b.*\(give it one in `constants`\)\n {2}4 \| fn main/,
    );
    for (const given of [Number.NaN, Number.POSITIVE_INFINITY, '3']) {
      const error = {
        code: 'bad-input',
        message: expect.stringContaining('the override N is given'),
      };
      const constants = { N: given as number };
      await expect(host.run({ ...request, constants })).rejects.toMatchObject(error);
      await expect(host.compile({ code }, { constants })).rejects.toMatchObject(error);
    }
    const broken = { label: 'k.wgsl', code: `// \u2028// \v// \r //${main('zork();')}` };
    const [found] = await host.compile(broken);
    expect(found).toMatchObject({ line: 8, column: 3 });
  });

  test('warns of what the compiler of Firefox and Deno puts elsewhere', async () => {
    const code = `struct Inner { @align(16) a: f32 }
struct Outer { n: f32, inner: Inner }
@group(0) @binding(0) var<storage, read_write> outer: Outer;
@compute @workgroup_size(1) fn main() { outer.n = outer.inner.a; }`;
    const outer = new Float32Array([0, 1, 2, 3, 4, 5, 6, 7]);
    const result = await host.run({ code, bindings: { outer: outer.buffer }, dispatch: 1 });
    const isNaga = kind === 'firefox' || kind === 'deno';
    expect(result.outer).toMatchObject({ n: isNaga ? 1 : 4 });
    const warning = {
      severity: 'warning',
      line: 2,
      message: expect.stringContaining('@align(16)'),
    };
    expect(await host.compile({ code })).toEqual(isNaga ? [expect.objectContaining(warning)] : []);
    const mended = code.replace('inner: Inner', '@align(16) inner: Inner');
    expect(await host.compile({ code: mended })).toEqual([]);
    const right = await host.run({ code: mended, bindings: { outer: outer.buffer }, dispatch: 1 });
    expect(right.outer).toMatchObject({ n: 4 });
  });

  test.each([
    ['y[0] = zork;', /^k\.wgsl:5:10: error: .*zork.*\n {2}5 \| {3}y\[0\] = zork;\n {4}\| {10}\^/],
    ['y[0] = 1 +;', /^k\.wgsl:5:\d+: error: .*\n {2}5 \| {3}y\[0\] = 1 \+;\n/],
    ['y[0] = 1u;', /^k\.wgsl:5:\d+: error: .*\n {2}5 \| {3}y\[0\] = 1u;\n/],
  ])('says where %j is wrong', async (body, message) => {
    const request = { label: 'k.wgsl', code: main(body), bindings: { y: [0] }, dispatch: 1 };
    await expect(host.run(request)).rejects.toThrow(message);
    await expect(host.run(request)).rejects.toMatchObject({ code: 'bad-kernel' });
  });

  test('says which limit a kernel exceeds', async () => {
    // Of few elements: naga makes a constant of as many, over which SwiftShader takes its time.
    const held = 'var<workgroup> t: array<mat4x4f, 257>;';
    const large = main('t[0][0].x = 1.0; y[0] = t[0][0].x;', held);
    const run = host.run({ code: large, bindings: { y: [0] }, dispatch: 1 });
    // Deno does not look at this one.
    if (kind === 'deno') expect((await run).y).toEqual(new Float32Array([1]));
    else await expect(run).rejects.toThrow(/entry point 'main': .*16448 .*16384/);
    const names = Array.from({ length: 9 }, (_, i) => `b${i}`);
    const many = `${names.map((name, i) => `@group(0) @binding(${i}) var<storage, read_write> ${name}: array<f32>;`).join('\n')}
@compute @workgroup_size(1) fn main() { ${names.map((name) => `${name}[0] = 1.0;`).join(' ')} }`;
    const bindings = Object.fromEntries(names.map((name) => [name, [0]]));
    await expect(host.run({ code: many, bindings, dispatch: 1 })).rejects.toThrow(
      /entry point 'main': .*(storage buffers \(9\)|StorageBuffers.* 9\b)/i,
    );
    await expect(
      host.run({ code: main('y[0] = 1.0;'), bindings: { y: [0] }, dispatch: 70_000 }),
    ).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('70000') });
    // And goes on.
    const { y } = await host.run({ code: main('y[0] = 5.0;'), bindings: { y: [0] }, dispatch: 1 });
    expect(y).toEqual(new Float32Array([5]));
  });

  test('compiles: errors and warnings, by entry point', async () => {
    expect(await host.compile({ code: main('y[0] = 1.0;') })).toEqual([]);
    const [warning] = await host.compile({ code: main('return; y[0] = 1.0;') });
    const isTint = kind === 'dawn' || kind === 'chrome';
    const unreachable = { severity: 'warning', line: 5, message: 'code is unreachable' };
    if (isTint) expect(warning).toMatchObject(unreachable);
    else expect(warning).toBe(undefined);
    const sized = 'override N: u32;\n@compute @workgroup_size(N)\nfn wide() {}';
    expect(await host.compile({ code: sized }, { constants: { N: 64, OTHER: 1 } })).toEqual([]);
    const [error] = await host.compile({ code: sized }, { constants: { N: 1000 } });
    // Nor does Deno look at this.
    if (kind === 'deno') return;
    expect(error).toMatchObject({ severity: 'error', line: 3 });
    expect(error?.message).toMatch(/^entry point 'wide': .*1000/);
  });

  test('runs many at once, and large ones', async () => {
    const code = main('for (var i = 0u; i < arrayLength(&y); i++) { y[i] += 1.0; }');
    const sizes = [1, 7, 300_000];
    const results = await Promise.all(
      sizes.map((length) => host.run({ code, bindings: { y: { length } }, dispatch: 1 })),
    );
    results.forEach(({ y }, i) => {
      expect(y).toEqual(new Float32Array(sizes[i] as number).fill(1));
    });
  });
});

test('a kernel that does not end fails alone, in Chrome', async () => {
  const host = await openHost('chrome', { timeout: 4_000, log: () => {} });
  try {
    const body = 'loop { y[0] += 1.0; if (y[0] < 0.0) { break; } }';
    const endless = { label: 'endless.wgsl', code: main(body), bindings: { y: [1] }, dispatch: 1 };
    await expect(host.run(endless)).rejects.toMatchObject({
      code: 'device-lost',
      stack: expect.stringContaining('testing.test.ts'),
    });
    const { y } = await host.run({ code: main('y[0] = 5.0;'), bindings: { y: [0] }, dispatch: 1 });
    expect(y).toEqual(new Float32Array([5]));
  } finally {
    await host.close();
  }
}, 30_000);

describe('without what it takes', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('a host of another name is refused', async () => {
    vi.stubEnv('LATENTGPU_HOST', 'safari');
    await expect(openHost()).rejects.toThrow(
      'LATENTGPU_HOST is "safari"; it may be dawn, chrome, firefox or deno.',
    );
  });

  test.each([
    ['firefox', 'LATENTGPU_FIREFOX'],
    ['deno', 'LATENTGPU_DENO'],
  ] as const)('%s that does not start fails, with a way out', async (kind, variable) => {
    vi.stubEnv(variable, '/bin/false');
    await expect(openHost(kind)).rejects.toMatchObject({
      code: 'no-adapter',
      message: expect.stringMatching(
        new RegExp(`^/bin/false \\(${variable}\\) does not start: .*${variable}`),
      ),
    });
  });

  test('a panic of Deno is told in one line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latentgpu-panic-'));
    const program = join(folder, 'deno');
    const place = '/home/x/crates/src/sources-1/naga-29.0.3/src/back/spv/writer.rs:8:6';
    const words = `
${'='.repeat(60)}
Deno has panicked. This is a bug in Deno.

thread 'main' (9569) panicked at ${place}:
no entry found for key
stack backtrace:`;
    writeFileSync(program, `#!/bin/sh\ncat >&2 <<END${words}\nEND\nexit 1\n`, { mode: 0o755 });
    vi.stubEnv('LATENTGPU_DENO', program);
    await expect(openHost('deno')).rejects.toMatchObject({
      message: `${program} (LATENTGPU_DENO) does not start: Deno panicked at naga-29.0.3/src/back/spv/writer.rs:8:6: no entry found for key. Name another in LATENTGPU_DENO.`,
    });
    rmSync(folder, { recursive: true });
  });

  test('a browser that does not start fails, with a way out', async () => {
    vi.stubEnv('PUPPETEER_EXECUTABLE_PATH', '/bin/false');
    await expect(openHost('chrome')).rejects.toMatchObject({
      code: 'no-adapter',
      message: expect.stringMatching(
        /^\/bin\/false .* does not start: .*PUPPETEER_EXECUTABLE_PATH/,
      ),
    });
  });
});

describe('tolerances', () => {
  test('are sums of an absolute, a relative and a part in ulp', () => {
    expect([ulpOf(1), ulpOf(-3), ulpOf(0), ulpOf(1e-45)]).toEqual([
      2 ** -23,
      2 ** -22,
      2 ** -149,
      2 ** -149,
    ]);
    expect(compare([1 + 2 ** -22], [1], { ulp: 2 }).pass).toBe(true);
    expect(compare([1 + 3 * 2 ** -23], [1], { ulp: 2 }).pass).toBe(false);
    expect(compare([102.1], [100], { absolute: 1, relative: 0.01 }).pass).toBe(false);
    expect(compare([101.9], [100], { absolute: 1, relative: 0.01 }).pass).toBe(true);
    expect(compare([1, 2], [1.5, 2.1], { absolute: [0.5, 0.05] }).failures).toBe(1);
  });

  test('do not help where a number is not finite or one is missing', () => {
    const wide = { absolute: 1e9, relative: 1, ulp: 1e9 };
    expect(compare([Infinity, NaN], [Infinity, NaN], {}).pass).toBe(true);
    for (const [a, e] of [
      [Infinity, 1],
      [1, Infinity],
      [NaN, 1],
      [1, NaN],
      [Infinity, -Infinity],
    ] as const) {
      expect(compare([a], [e], wide).pass).toBe(false);
    }
    expect(compare([1], [1, 2], wide).message).toBe('1 numbers, expected 2');
    expect(compare('text', [1], wide).message).toBe('got neither a number nor an array of numbers');
  });

  test('name the worst', () => {
    const message =
      '2 of 3 off; worst at [1]: 1.5, expected 1, off by 0.5000 (4190000 ulp), allowed 0.1000, 0.4000 beyond';
    expect(() => assertNear([1, 1.5, 1.2], [1, 1, 1], { absolute: 0.1 }, 'y')).toThrow(
      `y: ${message}`,
    );
    expect(() => expect([1, 1.5, 1.2]).toBeNear([1, 1, 1], { absolute: 0.1 })).toThrow(message);
    expect(() => expect(1).not.toBeNear(1, {})).toThrow('all 1 within tolerance');
  });
});

test('a missing barrier is found, and where', () => {
  const code = `var<workgroup> t: array<f32, 70>;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(70)
fn main(@builtin(local_invocation_index) i: u32) {
  t[i] = f32(i);
  workgroupBarrier();
  y[i] = t[69u - i];
}`;
  const request = (text: string) => ({ code: text, bindings: { y: { length: 70 } }, dispatch: 1 });
  expect(findRaces(request(code))).toEqual([]);
  const [race] = findRaces(request(code.replace('workgroupBarrier();', '')));
  expect(race).toMatchObject({ variable: 't', lines: [5, 7] });
  const parted = code.replace('workgroupBarrier();', 'if (i > 3u) { return; } workgroupBarrier();');
  expect(findRaces(request(parted)).some(({ message }) => /exited before/.test(message))).toBe(
    true,
  );
});

test('what a shader declares', () => {
  const info = reflect({
    label: 'k',
    code: `const N = 3u;
@group(1) @binding(2) var<storage, read> x: array<vec4<f32>, N * 2>;
@group(0) @binding(0) var t: texture_2d<f32>;
@compute @workgroup_size(N + 1u, 2)
fn main() { _ = x[0]; }
@vertex fn v() -> @builtin(position) vec4f { return vec4f(); }`,
  });
  expect(info.entryPoints).toEqual([
    { name: 'main', stage: 'compute', line: 5, workgroupSize: [4, 2, 1], bindings: ['x'] },
    { name: 'v', stage: 'vertex', line: 6, bindings: [] },
  ]);
  expect(info.bindings).toMatchObject([
    { group: 0, binding: 0, name: 't', kind: 'texture', type: 'texture_2d<f32>', size: 0 },
    {
      group: 1,
      binding: 2,
      name: 'x',
      kind: 'storage',
      access: 'read',
      type: 'array<vec4f, 6>',
      size: 96,
    },
  ]);
});

describe('the example repository', () => {
  let folder = '';
  const vitest = (env: Record<string, string> = {}) => {
    const ended = run(
      folder,
      'node_modules/vitest/vitest.mjs',
      ['run', '--reporter=default', '--reporter=json', '--outputFile.json=report.json'],
      env,
    );
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(
      readFileSync(join(folder, 'report.json'), 'utf8'),
    );
    return { ...ended, passed, failed };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-example-'));
    await installExample(folder);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('passes its own tests, on both hosts', () => {
    const { code, passed, failed, stdout } = vitest();
    expect([code, passed, failed]).toEqual([0, 19, 0]);
    expect(stdout).toContain('adapter in Dawn: ');
    expect(stdout).toContain('adapter in Chrome: ');
  }, 120_000);

  test('fails where there is no adapter, with the ways out; skips nothing', () => {
    // A file with which no driver comes, for both hosts.
    const none = { VK_DRIVER_FILES: '/nowhere/icd.json', PUPPETEER_EXECUTABLE_PATH: '/bin/false' };
    const { code, passed, stderr } = vitest(none);
    // The search for races needs no adapter.
    expect([code, passed]).toEqual([1, 1]);
    expect(stderr).toMatch(/VK_DRIVER_FILES is .* no such file; name a Vulkan driver manifest/);
    expect(stderr).toMatch(/\/bin\/false .* does not start: .* PUPPETEER_EXECUTABLE_PATH/);
  }, 60_000);

  test('has the right types, and shaders that compile', () => {
    const types = run(folder, 'node_modules/typescript/bin/tsc', ['-p', '.']);
    expect([types.code, types.stdout]).toEqual([0, '']);
    const checked = run(folder, 'node_modules/latentgpu/dist/cli.js', [
      'check',
      'kernels',
      '--quiet',
    ]);
    expect(checked).toEqual({ code: 0, stdout: '', stderr: '' });
  }, 60_000);

  test('fails with file and line when a kernel is broken', () => {
    const kernel = join(folder, 'kernels/saxpy.wgsl');
    writeFileSync(kernel, readFileSync(kernel, 'utf8').replace('params.a,', 'params.scale,'));
    const broken = vitest();
    expect([broken.code, broken.passed, broken.failed]).toEqual([1, 11, 8]);
    expect(broken.stderr).toMatch(
      /kernels\/saxpy\.wgsl:12:14: error: .*\n.*12 \| {3}y\[i\] = fma\(params\.scale, x\[i\], y\[i\]\);\n.*\^{12}\n.*tests\/saxpy\.test\.ts:19/,
    );
    const checked = run(folder, 'node_modules/latentgpu/dist/cli.js', [
      'check',
      'kernels',
      '--quiet',
    ]);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(/^kernels\/saxpy\.wgsl:12:14: error: /);
  }, 120_000);
});
