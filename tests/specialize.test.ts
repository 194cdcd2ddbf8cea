// From shader files to kernels, without a GPU: what each directive does and what each mistake says.
import { describe, expect, it } from 'vitest';
import type { KernelSetup } from '../src/graph/tensor.ts';
import { compact } from '../src/kernels/declarations.ts';
import { libActivations, map as mapShader, spline } from '../src/kernels/shaders.gen.ts';
import { specialize } from '../src/kernels/specialize.ts';
import { expand, type Specialization } from '../src/kernels/template.ts';
import { shaders } from './support/shaders.ts';

const library: Record<string, string> = {
  'lib/one': 'fn one() -> f32 { return 1.0; }\nfn unused() -> f32 { return two(); }',
  'lib/two': '// @import lib/one\nfn two() -> f32 { return one() + one(); }',
  'lib/round': '// @import lib/about\nfn round_about() {}',
  'lib/about': '// @import lib/round\nfn about() {}',
};

const expanded = (text: string, specialization?: Specialization) =>
  expand('test', text, (name) => library[name], specialization);

const main = (body: string) => `@compute @workgroup_size(1)\nfn main() {\n  ${body}\n}`;

/** The names declared at module level, in order. */
const declared = (code: string) =>
  [...code.matchAll(/^(?:@[^;\n]*\s)?(?:fn|struct|const|alias|var<[^>]*>) (\w+)/gm)].map(
    (m) => m[1],
  );

describe('imports', () => {
  it('come once each, before what needs them', () => {
    const code = expanded(
      `// @import lib/two\n// @import lib/one\n${main('_ = two(); _ = one();')}`,
    );
    expect(declared(code)).toEqual(['one', 'two', 'main']);
  });

  it('may form a circle', () => {
    expect(expanded('// @import lib/round')).toContain('fn about()');
  });

  it('say where a missing file was wanted', () => {
    expect(() => expanded('fn f() {}\n// @import lib/none')).toThrow(
      "shader 'test': line 2 imports 'lib/none', which does not exist",
    );
  });
});

describe('constants', () => {
  const text = `const A: u32 = 4u;
const B: f32 = 1.0f;
const C: bool = false;
const D = 3;
const E: i32 = A / 2u;
${main('_ = vec3f(f32(A), B, f32(D) + select(0.0, f32(E), C));')}`;

  it('are written as their types ask', () => {
    const code = expanded(text, { constants: { A: 7, B: 2, C: 1, D: 5, E: -1 } });
    expect(code).toContain('const A: u32 = 7u;');
    expect(code).toContain('const B: f32 = 2.0f;');
    expect(code).toContain('const C: bool = true;');
    expect(code).toContain('const D = 5;');
    expect(code).toContain('const E: i32 = -1i;');
    expect(expanded(text, { constants: { B: 1e-8, C: 'true', E: '2 + 3' } })).toMatch(
      /B: f32 = 1e-8f;[\s\S]*C: bool = true;[\s\S]*E: i32 = 2 \+ 3;/,
    );
  });

  it('are refused if unknown, also where nothing would use them', () => {
    expect(() => expanded(text, { constants: { F: 1 } })).toThrow(
      "shader 'test': has no constant 'F'; it has A, B, C, D, E",
    );
    expect(() => expanded(main(''), { constants: { F: 1 } })).toThrow('it has none');
    const idle = `const IDLE: u32 = 1u;\n${main('')}`;
    expect(expanded(idle, { constants: { IDLE: 2 } })).not.toContain('IDLE');
    expect(() => expanded(idle, { constants: { IDLE: 0.5 } })).toThrow('cannot be 0.5');
  });

  it('are refused if their type cannot hold the value', () => {
    expect(() => expanded(text, { constants: { A: -1 } })).toThrow('is u32 and cannot be -1');
    expect(() => expanded(text, { constants: { E: 1.5 } })).toThrow('is i32 and cannot be 1.5');
    expect(() => expanded(text, { constants: { B: Number.NaN } })).toThrow('must be finite');
  });

  it('inside functions are left alone', () => {
    const local = main('const A: u32 = 1u; _ = A;');
    expect(() => expanded(local, { constants: { A: 2 } })).toThrow("no constant 'A'");
  });
});

describe('hooks', () => {
  const text = `// @hook value
// @import lib/two
fn value() -> f32 { return two(); }
// @end
${main('_ = value();')}`;

  it('keep their default', () => {
    expect(declared(expanded(text))).toEqual(['one', 'two', 'value', 'main']);
  });

  it('are replaced together with their imports', () => {
    const hooks = { value: '// @import lib/one\nfn value() -> f32 { return one(); }' };
    expect(declared(expanded(text, { hooks }))).toEqual(['one', 'value', 'main']);
    expect(expanded(text, { hooks: { value: 'fn value() -> f32 { return 3.0; }' } })).toContain(
      'return 3.0;',
    );
  });

  it('may be replaced by themselves with more around', () => {
    const hooks = { value: '// @hook value\nfn value() -> f32 { return 4.0; }\n// @end' };
    expect(expanded(text, { hooks })).toContain('return 4.0;');
  });

  it('may hold hooks', () => {
    const nested = `// @hook outer\n// @hook inner\nconst X = 1;\n// @end\n// @end\n${main('_ = X;')}`;
    expect(expanded(nested, { hooks: { inner: 'const X = 2;' } })).toContain('const X = 2;');
    expect(() => expanded(nested, { hooks: { outer: 'const X = 3;', inner: '' } })).toThrow(
      "has no hook 'inner'; it has outer",
    );
  });

  it('are refused if unknown', () => {
    expect(() => expanded(text, { hooks: { epilogue: '' } })).toThrow(
      "shader 'test': has no hook 'epilogue'; it has value",
    );
  });

  it('may not declare what exists', () => {
    const hooks = { value: '// @import lib/one\nfn one() -> f32 { return 1.0; }' };
    expect(() => expanded(text, { hooks })).toThrow(
      "'one' is declared twice: in lib/one and in test, hook value",
    );
  });
});

describe('unrolling', () => {
  it('numbers tokens and suffixes, in nests', () => {
    const text = `const i: u32 = 0u;
const j: u32 = 0u;
const ROWS: u32 = 2u;
@compute @workgroup_size(1)
fn main() {
  // @unroll i ROWS
  // @unroll j ROWS * 4 / 4 - 1
  let x_i_j = i + j + bits.i;
  // @end
  // @end
}`;
    const code = expanded(text);
    expect(code).toContain('let x_0_0 = 0u + 0u + bits.i;\n  let x_1_0 = 1u + 0u + bits.i;');
    expect(declared(code)).toEqual(['main']);
    const more = expanded(text, { constants: { ROWS: 3 } });
    expect(more.match(/let x_/g)).toHaveLength(6);
    expect(expanded(text, { constants: { ROWS: 1 } })).not.toContain('let');
  });

  it('explains what it cannot count', () => {
    const text = (count: string) =>
      main(`// @unroll i ${count}\n  // @end`).replace('\n  //', '\n//');
    expect(() => expanded(text('SIZE'))).toThrow("cannot evaluate 'SIZE' as an unsigned integer");
    expect(() => expanded(text('1 - 2'))).toThrow("cannot evaluate '1 - 2'");
    expect(() => expanded(text('min(2, '))).toThrow("cannot evaluate 'min(2,'");
    expect(expanded(text('min(7u, max(2, 3) - 1)'))).toBe(expanded(text('2')));
    expect(() => expanded(text(''))).toThrow("should read '// @unroll <variable> <count>'");
  });
});

describe('directives that do not nest', () => {
  it.each([
    ['// @hook a\nfn f() {}', "line 1: '// @hook a' has no '// @end'"],
    ['fn f() {}\n// @end', "line 2: '// @end' closes nothing"],
    ['// @unroll i 2\n// @end', "line 1: '// @unroll' stands outside a function"],
    [main('\n  // @import lib/one'), "'// @import' stands inside a declaration"],
    [main('\n  // @unroll i 2'), "'// @unroll i 2' has no matching '// @end'"],
    ['fn f() {', 'braces do not match'],
  ])('%j', (text, message) => {
    expect(() => expanded(text)).toThrow(message);
  });
});

describe('what no entry point reaches', () => {
  const text = `const USED: u32 = 1u;
const SIZE: u32 = USED + 1u;
const IDLE: u32 = 2u;
struct Pair { first: f32, second: f32 }
struct Idle { first: f32 }
alias Quad = vec4f;
var<workgroup> shared_quads: array<Quad, SIZE>;
var<private> idle: f32;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
fn deep() -> Pair { return Pair(1.0, 2.0); } // idle
fn member(idle_name: f32) -> f32 { return deep().first; }
fn never() -> f32 { return idle + f32(IDLE); }
@compute @workgroup_size(USED)
fn main() {
  // never() in a comment does not count
  out[0] = member(shared_quads[0].x);
}`;

  it('is left out; the rest stays in order', () => {
    const code = expanded(text);
    expect(declared(code)).toEqual([
      'USED',
      'SIZE',
      'Pair',
      'Quad',
      'shared_quads',
      'out',
      'deep',
      'member',
      'main',
    ]);
  });

  it('stays in a library, which has no entry point', () => {
    expect(expanded('// @import lib/one')).toContain('fn unused()');
  });

  it('extensions come first and assertions stay', () => {
    const code = expanded(
      `// @import lib/one\nenable f16;\nconst N: u32 = 1u;\nconst_assert N > 0u;\n${main('_ = one();')}`,
    );
    expect(code.startsWith('enable f16;\n')).toBe(true);
    expect(code).toContain('const_assert N > 0u;');
    expect(declared(code)).toEqual(['one', 'N', 'main']);
  });

  it('is the same text every time', () => {
    expect(expanded(text)).toBe(expanded(text));
  });
});

describe('the shaders', () => {
  it('have no directives left, by whatever name they are asked for', () => {
    for (const shader of shaders) {
      expect(specialize(shader)).not.toMatch(/@(?:import|hook|unroll|end)\b/);
    }
  });

  it('have constants and hooks that the compiler checks, and again at run time', () => {
    // @ts-expect-error QUADS is meant
    expect(() => specialize(mapShader, { constants: { QUAD: 1 } })).toThrow(
      "has no constant 'QUAD'",
    );
    // @ts-expect-error bindings is meant
    expect(() => specialize(mapShader, { hooks: { binding: '' } })).toThrow(
      "has no hook 'binding'",
    );
    // @ts-expect-error a spline has no N
    const setup: KernelSetup = { shader: spline, constants: { N: 1 }, workgroups: 1, flops: 0 };
    const { shader, constants } = setup;
    expect(() => specialize(shader, { constants })).toThrow("has no constant 'N'");
  });

  it('are stored without comments, but with their directives', () => {
    expect(compact('// why\nfn f() { // what\n  // @unroll i 2\n\n  // @end\n}')).toBe(
      'fn f() {\n  // @unroll i 2\n  // @end\n}',
    );
  });

  it('become kernels that hold what they need', () => {
    const code = specialize(mapShader, {
      constants: { QUADS: 25, ITEMS: 7, WORKGROUP: 4 },
      imports: [libActivations],
      hooks: {
        bindings: `// @import lib/activations
@group(0) @binding(0) var<storage, read> source: array<vec4f, 25>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f, 25>;`,
        element:
          'fn element(index: u32) { result[index] = leaky_relu(source[index], vec4f(0.1)); }',
      },
    });
    expect(code).toMatchInlineSnapshot(`
      "const QUADS: u32 = 25u;
      const ITEMS: u32 = 7u;
      const WORKGROUP: u32 = 4u;
      const GRID_X: u32 = 1u;
      fn leaky_relu(x: vec4f, slope: vec4f) -> vec4f { return select(x, slope * x, x <= vec4f(0.0)); }
      @group(0) @binding(0) var<storage, read> source: array<vec4f, 25>;
      @group(0) @binding(1) var<storage, read_write> result: array<vec4f, 25>;
      fn element(index: u32) { result[index] = leaky_relu(source[index], vec4f(0.1)); }

      @compute @workgroup_size(WORKGROUP)
      fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
        let first = (group.y * GRID_X + group.x) * WORKGROUP * ITEMS + local.x;
        let end = min(QUADS, first + WORKGROUP * ITEMS);
        for (var index = first; index < end; index += WORKGROUP) { element(index); }
      }
      "
    `);
  });
});
