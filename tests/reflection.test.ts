/** What the kit reads from WGSL: every form of declaration that the language allows. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { wgslFiles } from '../shaders/build/generate.ts';
import { reflection } from '../src/kernels/reflection.gen.ts';
import { specialize } from '../src/kernels/specialize.ts';
import { formatDiagnostic, halfToFloat, reflect } from '../src/testing/index.ts';
import type { Layout } from '../src/testing/layout.ts';
import { nagaWarnings } from '../src/testing/naga.ts';
import { prepare } from '../src/testing/prepare.ts';
import { readModule } from '../src/testing/wgsl/module.ts';
import { shaderNamed } from './support/shaders.ts';

const MAIN = '@compute @workgroup_size(1) fn main() {}';
const read = (code: string, constants = {}) => reflect({ label: 'k.wgsl', code }, constants);

/** A structure's members as `name@offset`, its size; an array's stride. */
function outline(layout: Layout | undefined): unknown {
  if (layout?.kind === 'struct') {
    return [layout.size, ...layout.members.map(({ name, offset }) => `${name}@${offset}`)];
  }
  return layout?.kind === 'array' ? [layout.count, layout.stride] : layout?.size;
}

/** The layout of a type that a buffer holds. */
const layoutOf = (type: string, before = '') =>
  read(`${before}\n@group(0) @binding(0) var<storage> x: ${type};\n${MAIN}`).bindings[0]?.layout;

describe('layouts', () => {
  // Sizes and offsets by the rules of the WGSL specification (14.4.1), worked out by hand.
  test.each<[string, string, unknown]>([
    ['vec3f', '', 12],
    ['vec4<f32>', '', 16],
    ['mat3x3f', '', 48],
    ['mat2x3<f16>', 'enable f16;', 16],
    ['array<vec3f, 2>', '', [2, 16]],
    ['array<mat3x2f>', '', [0, 24]],
    ['array<f32, N * 2u,>', 'const N = 3u;', [6, 4]],
    ['array<f32, (N + 1) << 1>', 'const N = M; const M: i32 = 2;', [6, 4]],
    ['array<f32, u32(7.9 / 2)>', '', [3, 4]],
    ['array<f32, select(1, max(2, N), N > 0x1)>', 'const N = 5;', [5, 4]],
    ['array<f32, vec3u(1, 2, 3).z>', '', [3, 4]],
    ['array<f32, array<u32, 2>(3u, 4u)[1]>', '', [4, 4]],
    ['array<f32, select(1, 2, (3 > 2)) + select(2, 4, false && 1 / 0 > 0)>', '', [4, 4]],
    ['array<f32, array<u32, 70>()[3] + 2>', '', [2, 4]],
    [
      'array<f32, u32(-2.25f) + u32(~0x100000000 + 0x100000003) + u32(i32(1e20f) >> 29)>',
      '',
      [5, 4],
    ],
    [
      'array<f32, u32(10 * (vec2(-5, .5).x / -2) + 10 * (array(5, .5)[0] / select(2, .5, false)))>',
      '',
      [50, 4],
    ],
    [
      'array<f32, insertBits(0xffu, 0u, 2u, 5u) + u32(8 * smoothstep(1.0, 3.0, 2.0))>',
      '',
      [135, 4],
    ],
    ['array<f32, P(2, 9).n>', 'struct P { a: i32, n: i32 }', [9, 4]],
    ['array<f32, countOneBits(0xffu)>', '', [8, 4]],
    ['array<f32, ~0xfffffff0u>', '', [15, 4]],
    ['array<f32, -7 / 2 + 7>', '', [4, 4]],
    ['array<f32, 1u + u32(0x1.8p2f)>', '', [7, 4]],
    ['array<f32, u32(length(vec2f(3, 4)) + distance(vec2(0.0), vec2f(6, 8)))>', '', [15, 4]],
    ['array<f32, extractBits(0xF0u, 4u, 4u) + reverseBits(0x80000000u)>', '', [16, 4]],
    ['array<f32, u32(extractBits(-8, 2u, 3u) + 8)>', '', [6, 4]],
    ['array<f32, u32(mix(2.0, 4.0, 0.5) + fma(2.0, 3.0, 4.0) + ldexp(1.0, 3))>', '', [21, 4]],
    ['array<f32, bitcast<u32>(bitcast<f32>(7u)) + u32(bitcast<i32>(0xffffffffu) + 2)>', '', [8, 4]],
    ['array<f32, u32(mat3x2f(1, 2, vec2f(3, 4), 5, 6)[1].y)>', '', [4, 4]],
    [
      'array<f32, C().a[1].n + vec2u().y + Two()[1] + u32(mat2x2<f32>()[0].x) + 3>',
      'struct D { m: f32, n: u32 } alias Two = array<u32, 2>; struct C { a: array<D, N> } const N = 2;',
      [3, 4],
    ],
    // Numbers are of the type that is told, wherever they stand in it.
    [
      'array<f32, u32(10 * (S(vec2(1, 3)).v.x / 2 + V.x / 2 + array<vec2f, 2>(vec2(3), vec2(1))[1].x / 2))>',
      'struct S { v: vec2f } const V: vec2f = vec2(1, 2);',
      [15, 4],
    ],
    ['array<f32, u32(10 * (mat2x2(1, 2, 3, 4)[0] / 2).x + 10 * atan2(1, 1))>', '', [12, 4]],
    ['array<f32, u32(10 * smoothstep(0, 2, 1) + 10 * mix(1, 2, 0.5))>', '', [20, 4]],
    ['array<f32, u32(100000 * f32(0.1h))>', 'enable f16;', [9997, 4]],
    ['array<f32, (0x7fffffffffffffff & 0xf) + 9007199254740993 % 10>', '', [18, 4]],
    // Every built-in function, as Tint has them.
    [
      'array<f32, u32(cross(vec3(1, 0, 0), vec3(0, 1, 0)).z + 10 * normalize(vec2(3, 4)).x)>',
      '',
      [7, 4],
    ],
    [
      'array<f32, u32(reflect(vec2(1, -1), vec2(0, 1)).y + 10 * refract(vec2(.6, -.8), vec2(0, 1), .5).x)>',
      '',
      [4, 4],
    ],
    ['array<f32, u32(faceForward(vec2(1, 2), vec2(1, 0), vec2(-1, 0)).y)>', '', [2, 4]],
    ['array<f32, u32(modf(vec2(3.75, 9.5)).whole.y + 8 * modf(3.75).fract)>', '', [15, 4]],
    ['array<f32, u32(frexp(12.0).exp) + u32(16 * frexp(12.0).fract)>', '', [16, 4]],
    [
      'array<f32, u32(determinant(mat3x3(2, 0, 0, 0, 3, 0, 1, 0, 4)) + transpose(mat2x3(1, 2, 3, 4, 5, 6))[2].y)>',
      '',
      [30, 4],
    ],
    [
      'array<f32, u32((A * A)[1].x + (A * vec2f(1)).y + (vec2f(1) * A).y + (2 * A)[1].x)>',
      'const A = mat2x2f(1, 2, 3, 4);',
      [34, 4],
    ],
    [
      'array<f32, pack4x8unorm(vec4f(1, 0.2, 0, 0)) % 1000 + (pack4xI8Clamp(vec4i(1, -1000, 0, 0)) & 0xffff)>',
      '',
      [33_080, 4],
    ],
    [
      'array<f32, unpack4xU8(0x01020304u).y + u32(unpack4xI8(0xff020304u).w + 5) + u32(100 * unpack4x8unorm(0x80ff1010u).w)>',
      '',
      [57, 4],
    ],
    [
      'array<f32, dot4U8Packed(0x01020304u, 0x01010101u) + u32(dot4I8Packed(0xff020304u, 0x01010101u)) + pack2x16float(vec2f(1, 0)) / 1024>',
      '',
      [33, 4],
    ],
    [
      'array<f32, bitcast<vec2<u32>>(vec2f(1, bitcast<f32>(7u))).y + u32(quantizeToF16(8))>',
      '',
      [15, 4],
    ],
    ['V', 'alias F = f32; alias V = vec2<F>;', 8],
    ['S', 'struct S { a: f32, b: vec3f, c: f32 }', [32, 'a@0', 'b@16', 'c@28']],
    [
      'S',
      'struct S { a: f16, b: vec3h, c: mat3x3h, d: array<f16, 5>, }',
      [56, 'a@0', 'b@8', 'c@16', 'd@40'],
    ],
    ['S', 'const P = 8u; struct S { @size(P * 2) a: f32, b: u32 }', [20, 'a@0', 'b@16']],
    ['S', 'const A = 16; struct S { a: f32, @align(A) b: f32 }', [32, 'a@0', 'b@16']],
    [
      'S',
      'struct S { a: f32, @align(8 * 2,) @size((20)) b: f32, c: f32 }',
      [48, 'a@0', 'b@16', 'c@36'],
    ],
    ['S', 'struct S { c: atomic<i32>, d: array<atomic<u32>, 4> }', [20, 'c@0', 'd@4']],
    [
      'S',
      'struct A { @align(32) a: f32 } struct S { n: u32, items: array<A> }',
      [32, 'n@0', 'items@32'],
    ],
    [
      'array<B, 2>',
      'struct A { a: f32 } struct B { @align(32) a: A, @size(48) b: A, c: array<A, 2> }',
      [2, 64],
    ],
  ])('%s after %j', (type, before, expected) => {
    expect(outline(layoutOf(type, before))).toEqual(expected);
  });
});

test('a type is named by the numbers in it', () => {
  const { bindings } = read(
    `@group(0) @binding(0) var<storage> x: array<vec2<f32>, select(1, 2, (3 > 2))>;\n${MAIN}`,
  );
  expect(bindings[0]?.type).toBe('array<vec2f, 2>');
});

test('lines are counted as WGSL counts them', () => {
  const breaks = ['\n', '\v', '\f', '\r\n', '\r', '\u0085', '\u2028', '\u2029'];
  const code = `${breaks.map((each, i) => `// ${i}${each}`).join('')}${MAIN}`;
  expect(read(code).entryPoints[0]?.line).toBe(9);
  const found = { severity: 'error', line: 9, column: 1, length: 8, message: 'so' } as const;
  expect(formatDiagnostic({ label: 'k.wgsl', code }, found)).toBe(
    `k.wgsl:9:1: error: so\n  9 | ${MAIN}\n    | ^^^^^^^^`,
  );
});

test('what naga puts elsewhere than WGSL is told, where it is bound', () => {
  const code = `struct Inner { @align(16) a: f32, b: vec2f }
struct Outer {
  n: f32,
  inner: Inner,
  @align(16) told: Inner,
  many: array<Inner, 2>,
}
struct Fits { at: vec4f, inner: Inner }
struct Unbound { n: f32, inner: Inner }
@group(0) @binding(0) var<storage> outer: Outer;
@group(0) @binding(1) var<storage> fits: array<Fits>;
var<private> unbound: Unbound;
${MAIN}`;
  expect(
    nagaWarnings({ label: 'k.wgsl', code }).map(({ line, message }) => [line, message]),
  ).toEqual([
    [4, expect.stringMatching(/^Outer\.inner lies at byte 16, and at 8 .*@align\(16\)$/)],
  ]);
});

test('where naga leaves a structure less room is told, if something lies behind it', () => {
  const code = `struct Inner { @align(64) a: vec2f }
struct Outer { inner: Inner, more: array<vec4f, 4>, b: f32 }
@group(0) @binding(0) var<storage> outer: Outer;
@group(0) @binding(1) var<storage> many: array<Outer>;
${MAIN}`;
  const warnings = nagaWarnings({ label: 'k.wgsl', code });
  expect(warnings.map(({ line, message }) => [line, message])).toEqual([
    [
      2,
      expect.stringMatching(
        /^Outer takes 192 bytes, and 144 in .* Outer\.inner itself @align\(64\)$/,
      ),
    ],
  ]);
  expect(nagaWarnings({ label: 'k.wgsl', code: code.replace(/.*many.*/, '') })).toEqual([]);
});

test('attributes are expressions, in any order, with comments and commas', () => {
  const { bindings, entryPoints } = read(`
/* @binding(9) /* nested */ */ const B = 2;
@binding(B + 1,) @group((B) - 1) var<storage, read_write,> a: array<f32>; // @group(7)
@group(0) @binding(/* one */ 1) var<uniform> b: vec4f;
@workgroup_size((B) * 4, B << 1, ) @compute @diagnostic(off, derivative_uniformity)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { a[id.x] = b.x; }`);
  expect(bindings.map(({ name, group, binding }) => [name, group, binding])).toEqual([
    ['b', 0, 1],
    ['a', 1, 3],
  ]);
  expect(entryPoints).toEqual([
    { name: 'main', stage: 'compute', line: 6, workgroupSize: [8, 4, 1], bindings: ['b', 'a'] },
  ]);
});

test('overrides count with their defaults, or as they are set', () => {
  const code = `@id(1 + 2) override N: u32 = 4 * 2; override M = N * 2u; override X: u32;
@compute @workgroup_size(N, M / N, select(1, 2, N > 9)) fn main() {}
@compute @workgroup_size(X) fn other() {}`;
  const { overrides, entryPoints } = read(code);
  expect(overrides).toEqual([
    { name: 'N', id: 3, type: 'u32' },
    { name: 'M' },
    { name: 'X', type: 'u32' },
  ]);
  expect(entryPoints.map(({ workgroupSize }) => workgroupSize)).toEqual([[8, 2, 1], undefined]);
  const set = read(code, { N: 16, X: 5 }).entryPoints;
  expect(set.map(({ workgroupSize }) => workgroupSize)).toEqual([
    [16, 2, 2],
    [5, 1, 1],
  ]);
});

test('an override is of the type of its default', () => {
  const code = `override N = 4; override F = 0.5; override B = true;
@compute @workgroup_size(N, u32(F * 4), 1 + u32(B)) fn main() {}`;
  const sizes = (constants = {}) => read(code, constants).entryPoints[0]?.workgroupSize;
  expect([sizes(), sizes({ N: 7.9, F: 1.25, B: 0 })]).toEqual([
    [4, 2, 2],
    [7, 5, 1],
  ]);
});

test('a function uses what it names, unless a name of its own hides it', () => {
  const { entryPoints } = read(`
@group(0) @binding(0) var<storage> a: array<f32>;
@group(0) @binding(1) var<storage> b: array<f32>;
@group(0) @binding(2) var<storage> c: array<f32>;
@group(0) @binding(3) var<storage> d: array<f32>;
@group(0) @binding(4) var<storage> e: array<f32>;
struct S { e: f32 }
fn deep(b: f32) -> f32 { return b + inner(); }
fn inner() -> f32 { let p = &c; return (*p)[0]; }
@compute @workgroup_size(1) fn main() { let a = a[0]; var s = S(a); _ = s.e + deep(1.0); }
@compute @workgroup_size(1) fn loops() {
  for (var d = 0; d < 2; d++) { var<function> b: f32 = 1.0; _ = b; }
  _ = d[0];
}
@compute @workgroup_size(1) fn none(@builtin(local_invocation_index) a: u32) { _ = a; }`);
  expect(entryPoints.map(({ name, bindings }) => [name, bindings])).toEqual([
    ['main', ['a', 'c']],
    ['loops', ['d']],
    ['none', []],
  ]);
});

test('what takes a compiler to tell is missed where it is used alone', () => {
  const code = `override N: u32;
@group(0) @binding(0) var<storage, read_write> dark: array<u32, array<u32, 70000>()[3] + 8>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
fn loop_() -> u32 { return loop_(); }
@group(0) @binding(2) var<storage, read_write> darker: array<u32, loop_()>;
@compute @workgroup_size(N) fn main() { y[0] = 1u; }
@compute @workgroup_size(1) fn other() { dark[0] = 1u; }`;
  const request = { code, constants: { N: 4 }, bindings: { y: [0] }, dispatch: 1 };
  const { job, info } = prepare({ ...request, entryPoint: 'main' });
  expect([job.slots.map(({ name }) => name), job.constants]).toEqual([['y'], { N: 4 }]);
  expect(info.entryPoints.map(({ bindings }) => bindings)).toEqual([['y'], ['dark']]);
  const why = "shader.wgsl:2: error: its declarations could not be read: 'dark' takes a compiler";
  expect(() => prepare({ ...request, entryPoint: 'other' })).toThrow(why);
  expect(() => read(code)).toThrow("'dark' takes a compiler");
});

test('textures, samplers, directives and names of any alphabet', () => {
  const { bindings } = read(`enable f16; requires readonly_and_readwrite_storage_textures;
diagnostic(off, derivative_uniformity); const_assert 1 < 2;
@group(0) @binding(0) var größe: texture_2d<f32>;
@group(0) @binding(1) var s: sampler;
@group(0) @binding(2) var o: texture_storage_2d<rgba8unorm, write>;
@group(0) @binding(3) var<storage, read_write> ж: array<vec2<f16>>;
var<private> p: array<f32, 4> = array(1.0, 2.0, 3.0, 4.0);
var<workgroup> w: array<vec4<f32>, 2>;
${MAIN}`);
  expect(bindings.map(({ name, kind, type, access }) => [name, kind, type, access])).toEqual([
    ['größe', 'texture', 'texture_2d<f32>', 'read'],
    ['s', 'sampler', 'sampler', 'read'],
    ['o', 'texture', 'texture_storage_2d<rgba8unorm, write>', 'write'],
    ['ж', 'storage', 'array<vec2h>', 'read_write'],
  ]);
});

test('f16 takes numbers, rounded, or bits, and gives bits', () => {
  const { job, finish } = prepare({
    code: `enable f16; struct S { a: f16, b: vec3h, m: mat2x3h }
@group(0) @binding(0) var<storage, read_write> s: S;
@group(0) @binding(1) var<storage, read_write> h: array<f16>;
@compute @workgroup_size(1) fn main() { s.a = h[0]; }`,
    bindings: {
      s: { a: 1.5, b: [1, -2, 0.1], m: [1, 2, 3, 4, 5, 6] },
      h: new Uint16Array([0x3c00, 0x4000]),
    },
    dispatch: 1,
  });
  const [s, h] = job.slots.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  const halves = halfToFloat(new Uint16Array(s.buffer));
  // 0.1 rounded to 11 bits; gaps are zeros.
  const tenth = 1638 / 16384;
  expect([...halves]).toEqual([1.5, 0, 0, 0, 1, -2, tenth, 0, 1, 2, 3, 0, 4, 5, 6, 0]);
  const result = finish([s, h]);
  expect(result.h).toEqual(new Uint16Array([0x3c00, 0x4000]));
  const struct = result.s as { a: number; b: Uint16Array };
  expect([struct.a, ...halfToFloat(struct.b)]).toEqual([1.5, 1, -2, tenth]);
});

test('memory of another realm is memory, as in Jest', () => {
  const memory: ArrayBuffer = runInNewContext('new Uint32Array([1, 2]).buffer');
  const { job } = prepare({
    code: `struct S { a: u32, b: u32 }
@group(0) @binding(0) var<storage, read_write> s: S;
@compute @workgroup_size(1) fn main() { s.a = 0u; }`,
    bindings: { s: memory },
    dispatch: 1,
  });
  expect(job.slots[0]?.bytes).toEqual(new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0]));
});

test.each([
  ['fn main() {', "k.wgsl:1: error: its declarations could not be read: '{' is not closed"],
  ['\n/* a', 'k.wgsl:2: error: its declarations could not be read: a comment does not end'],
  [
    'const A = array<u32, 4000000000>(); @group(A[0]) @binding(0) var<storage> x: f32;',
    "'x' takes a compiler to tell: an array of 4000000000 zeros",
  ],
  ['hello;', "k.wgsl:1: error: its declarations could not be read: 'hello' begins no declaration"],
  [
    '@group(0) @binding(0) var<storage> x: array<bool>;',
    "k.wgsl:1: error: its declarations could not be read: 'x' takes a compiler to tell: a buffer cannot hold a bool",
  ],
  [
    'const A = B; const B = A;\n@group(A) @binding(0) var<storage> x: f32;',
    "k.wgsl:2: error: its declarations could not be read: 'x' takes a compiler to tell: 'A', which is made of itself",
  ],
])('%j is refused with its line', (code, message) => {
  expect(() => read(code)).toThrow(message);
});

test('a nest without end is refused in words', () => {
  const deep = `${'('.repeat(20_000)}1${')'.repeat(20_000)}`;
  expect(() => read(`const A = ${deep};`)).toThrow(
    'k.wgsl: error: its declarations could not be read: too deep a nest',
  );
});

test('every kernel of this library is read as the build reads it', () => {
  for (const path of wgslFiles())
    expect(() => readModule(readFileSync(path, 'utf8'))).not.toThrow();
  const names = ['map', 'matmul', 'spline', 'patches'] as const;
  for (const name of names.filter((each) => reflection[each].bindings.length > 0)) {
    const { bindings } = read(specialize(shaderNamed(name)));
    expect(bindings.map(({ name, binding }) => [name, binding])).toEqual(
      reflection[name].bindings.map(({ name, binding }) => [name, binding]),
    );
  }
});
