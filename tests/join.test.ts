/** Kernels joined to one, as text: what is told apart, what is shared, what is refused. */
import { describe, expect, test } from 'vitest';
import { type JoinPart, joinKernels, workgroupSizeOf } from '../src/kernels/join.ts';
import { matmulSubgroup } from '../src/kernels/shaders.gen.ts';
import { specialize } from '../src/kernels/specialize.ts';

const part = (code: string, workgroups: number, ...bindings: string[]): JoinPart => ({
  code,
  workgroups,
  bindings,
});

const kernel = (n: number, extra = '') => `
const N: u32 = ${n}u;
${extra}
fn twice(x: f32) -> f32 { return 2.0 * x; }
fn scale(x: f32) -> f32 { return twice(x) * f32(N); }
@group(0) @binding(0) var<storage, read> x: array<f32, N>;
@group(0) @binding(1) var<storage, read_write> y: array<f32, N>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let at = group.x * 64u + local.x;
  if (at < N) { y[at] = scale(x[at]); }
}
`;

describe('kernels joined to one', () => {
  test('keep what they declare alike once, and the rest apart', () => {
    const { code, bindings } = joinKernels([
      part(kernel(100), 2, 'a', 'b'),
      part(kernel(70), 2, 'c', 'd'),
    ]);
    expect(code.match(/fn twice\(/g)).toHaveLength(1);
    expect(code).toContain('const N: u32 = 100u;');
    expect(code).toContain('const part1_N: u32 = 70u;');
    expect(code).toContain(
      'fn part1_scale(memory2: f32) -> f32 { return twice(memory2) * f32(part1_N); }',
    );
    expect(code).toContain(
      '@group(0) @binding(3) var<storage, read_write> memory3: array<f32, 70>;',
    );
    expect(bindings).toEqual([
      { part: 0, binding: 0 },
      { part: 0, binding: 1 },
      { part: 1, binding: 0 },
      { part: 1, binding: 1 },
    ]);
    expect(code).toContain('if (workgroup_id.x < 2u) { part0(');
    expect(code).toContain('part1(vec3u(workgroup_id.x - 2u, 0u, 0u), local_invocation_id);');
    expect(workgroupSizeOf(code)).toBe('64,1,1');
  });

  test('bind once what is the same and declared alike', () => {
    const { bindings, code } = joinKernels([
      part(kernel(100), 2, 'a', 'b'),
      part(kernel(100), 2, 'a', 'c'),
      part(kernel(70), 2, 'a', 'd'),
    ]);
    // Of another length: another declaration.
    expect(bindings).toEqual([
      { part: 0, binding: 0 },
      { part: 0, binding: 1 },
      { part: 1, binding: 1 },
      { part: 2, binding: 0 },
      { part: 2, binding: 1 },
    ]);
    expect(code.match(/fn main\(/g)).toHaveLength(1);
  });

  test('bind once what is declared by other names of the same extent', () => {
    const renamed = kernel(100, 'const QUADS: u32 = N / 4u;').replace(
      'x: array<f32, N>',
      'x: array<f32, QUADS * 4u>',
    );
    const { bindings } = joinKernels([part(kernel(100), 2, 'a', 'b'), part(renamed, 2, 'a', 'c')]);
    expect(bindings).toEqual([
      { part: 0, binding: 0 },
      { part: 0, binding: 1 },
      { part: 1, binding: 1 },
    ]);
  });

  test('leave parameters with the names of bindings apart, whatever is bound', () => {
    const difference = `
fn minus(a: f32, b: f32) -> f32 { return a - b; }
@group(0) @binding(0) var<storage, read> a: array<f32, 8>;
@group(0) @binding(1) var<storage, read> b: array<f32, 8>;
@group(0) @binding(2) var<storage, read_write> c: array<f32, 8>;
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32) { c[i] = minus(a[i], b[i]) + TERM; }
`;
    const { code, bindings } = joinKernels([
      part(difference.replace('TERM', '0.0'), 1, 'p', 'q', 'r'),
      part(difference.replace('TERM', 'b[0]').replace('a - b', 'a - b - 1.0'), 1, 'q', 'q', 's'),
    ]);
    expect(bindings).toEqual([
      { part: 0, binding: 0 },
      { part: 0, binding: 1 },
      { part: 0, binding: 2 },
      { part: 1, binding: 1 },
      { part: 1, binding: 2 },
    ]);
    expect(code).toContain(
      'fn part1_minus(memory1: f32, memory3: f32) -> f32 { return memory1 - memory3 - 1.0; }',
    );
  });

  test('are told apart where a local variable has the name of a declaration', () => {
    const shadow = kernel(70, 'const at: u32 = 3u;');
    const { code } = joinKernels([part(kernel(100), 1, 'a', 'b'), part(shadow, 1, 'c', 'd')]);
    expect(code).toContain('let part1_at = group.x * 64u + local.x;');
    expect(code).toContain('if (part1_at < part1_N)');
  });

  test('of two sizes, or with what cannot be passed on, are refused', () => {
    const wide = kernel(100).replace('workgroup_size(64)', 'workgroup_size(N / 25u, 16)');
    expect(workgroupSizeOf(wide)).toBe('4,16,1');
    expect(() => joinKernels([part(kernel(1), 1, 'a', 'b'), part(wide, 1, 'a', 'b')])).toThrow(
      /workgroups of 64,1,1 and of 4,16,1/,
    );
    const global = kernel(100).replace('local_invocation_id', 'global_invocation_id');
    expect(() => joinKernels([part(global, 1, 'a', 'b')])).toThrow(
      /@builtin\(global_invocation_id\)/,
    );
  });

  test('may be any of the engine, extensions first', () => {
    const product = specialize(matmulSubgroup, { constants: { M: 8, N: 8, K: 8 } });
    const names = (code: string) => (code.match(/@binding/g) ?? []).map((_, i) => `memory ${i}`);
    const { code } = joinKernels([
      part(product, 1, ...names(product)),
      part(product, 1, ...names(product).map((name) => `other ${name}`)),
    ]);
    expect(code.startsWith('enable subgroups;')).toBe(true);
    expect(code.match(/enable subgroups/g)).toHaveLength(1);
  });
});
