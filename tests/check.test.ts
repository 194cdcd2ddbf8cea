/** latentgpu check, as it is typed: anybody's WGSL, compiled by Tint and by naga. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT, buildCli } from './support/cli.ts';
import { type Ended, run } from './support/run-script.ts';

const files: Record<string, string> = {
  'good.wgsl': `struct P { a: f32, n: u32 }
@group(0) @binding(0) var<uniform> p: P;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(1) @binding(0) var<storage, read_write> y: array<vec4f, 64>;
@id(3) override WG: u32 = 64;
@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x].x = p.a * x[id.x]; }
`,
  'more/render.wgsl': `@group(0) @binding(0) var t: texture_2d<f32>;
@fragment fn fs(@builtin(position) p: vec4f) -> @location(0) vec4f {
  return textureLoad(t, vec2u(p.xy), 0);
}
`,
  'bad/syntax.wgsl': '@compute @workgroup_size(1)\nfn main() {\n\tlet x = 1 +;\n}\n',
  'bad/type.wgsl': '@compute @workgroup_size(1)\nfn main() {\n  let x: f32 = 1u;\n}\n',
  'bad/binding.wgsl': `@group(0) @binding(0) var<storage, read> x: array<f32>;
@compute @workgroup_size(1)
fn main() {
  x[0] = 1.0;
}
`,
  'bad/twice.wgsl': `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(0) var<storage, read_write> z: array<f32>;
@compute @workgroup_size(1)
fn main() { x[0] = z[0]; }
`,
  'bad/limits.wgsl': `var<workgroup> t: array<f32, 10000>;
@compute @workgroup_size(512)
fn wide() {}
@compute @workgroup_size(1)
fn large() { t[0] = 1.0; }
`,
  'bad/noise.wgsl': '\u0000\u0001 what?',
  'tint.wgsl': `requires immediate_address_space;
var<immediate> n: u32;
@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@compute @workgroup_size(1)
fn main() { x[0] = n; }
`,
  'override.wgsl': 'override N: u32;\n@compute @workgroup_size(N)\nfn main() {}\n',
  'expressions.wgsl': `const K = 4;
override N: u32; @id(K + 3) override M = N * 2u;
struct S { @size(K * 4) a: f32, @align((8)) b: u32, }
@group(K - 4) @binding((1)) var<storage, read_write,> s: S;
var<workgroup> t: array<u32, (M + 1u) * 2u>;
@compute @workgroup_size(N, M / N, select(1u, 2u, N > 9u))
fn main(@builtin(local_invocation_index) i: u32) { t[i] = i; s.b = t[0]; }
`,
  'dark.wgsl': `override größe: u32;
@group(0) @binding(0) var<storage, read_write> x: array<u32, array<u32, 70000>()[3] + 8>;
@compute @workgroup_size(größe)
fn main() { x[0] = 1u; }
`,
  'late.wgsl': `override N: u32 = 0u;
override M = 8u / N;
@compute @workgroup_size(M)
fn main() {}
`,
  'windows.wgsl': '\ufeff@compute @workgroup_size(1)\r\nfn main() {\r\n  let x = zork;\r\n}\r\n',
  'aligned.wgsl': `struct Inner { @align(16) a: f32 }
struct Outer { n: f32, inner: Inner }
@group(0) @binding(0) var<storage, read_write> x: Outer;
@compute @workgroup_size(1)
fn main() { x.n = x.inner.a; }
`,
  'notes.wgsl': `@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec2u) { _ = id; }
`,
  'warning.wgsl': '@compute @workgroup_size(1)\nfn main() {\n  return;\n  let x = 1;\n}\n',
};

describe('latentgpu check', () => {
  let folder = '';
  const check = (args: string, env?: Record<string, string>): Ended =>
    run(folder, BUILT, ['check', ...args.split(' ')], env);

  beforeAll(async () => {
    await buildCli();
    folder = mkdtempSync(join(tmpdir(), 'latentgpu-check-'));
    for (const name of ['more', 'bad', 'empty', 'links']) mkdirSync(join(folder, name));
    for (const [name, code] of Object.entries(files)) writeFileSync(join(folder, name), code);
    writeFileSync(join(folder, 'latin.wgsl'), Buffer.from('// a\n// \xe9\n', 'latin1'));
    symlinkSync('nowhere', join(folder, 'links/gone.wgsl'));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('tells what shaders declare, on both hosts, from files and folders', () => {
    const { code, stdout, stderr } = check('good.wgsl more');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^adapter in Dawn: .*\nadapter in Chrome: .*\n/);
    expect(stdout.split('\n').slice(2).join('\n')).toBe(`good.wgsl: compiles
  @compute main, workgroup 64 x 1 x 1
  @group(0) @binding(0)  p  uniform              P                 8 B
  @group(0) @binding(1)  x  storage, read        array<f32>        4 B an element
  @group(1) @binding(0)  y  storage, read_write  array<vec4f, 64>  1024 B
  @id(3) override WG: u32
more/render.wgsl: compiles
  @fragment fs
  @group(0) @binding(0)  t  texture  texture_2d<f32>
2 files, all compile
`);
  });

  test('tells what is wrong and where', () => {
    const { code, stdout, stderr } = check('bad good.wgsl --quiet --host dawn');
    expect([code, stderr]).toEqual([1, '']);
    expect(
      stdout,
    ).toBe(`bad/binding.wgsl:4:8: error: cannot store into a read-only type 'ref<storage, f32, read>'
  4 |   x[0] = 1.0;
    |        ^
bad/limits.wgsl:3: error: entry point 'wide': Entry-point uses workgroup_size(512, 1, 1) that exceeds the maximum allowed (256, 256, 64).
  3 | fn wide() {}
bad/limits.wgsl:5: error: entry point 'large': The total use of workgroup storage (40000 bytes) is larger than the maximum allowed (16384 bytes).
  5 | fn large() { t[0] = 1.0; }
bad/noise.wgsl: error: The WGSL shader contains an illegal character '\\0'
bad/syntax.wgsl:3:13: error: unable to parse right side of + expression
  3 | \tlet x = 1 +;
    | \t           ^
bad/twice.wgsl:2:23: error: entry point 'main' references multiple variables that use the same resource binding '@group(0)', '@binding(0)'
  2 | @group(0) @binding(0) var<storage, read_write> z: array<f32>;
    |                       ${'^'.repeat(38)}
bad/twice.wgsl:1:23: info: first resource binding usage declared here
  1 | @group(0) @binding(0) var<storage, read_write> x: array<f32>;
    |                       ${'^'.repeat(38)}
bad/type.wgsl:3:7: error: cannot initialize 'let' of type 'f32' with value of type 'u32'
  3 |   let x: f32 = 1u;
    |       ^
`);
  });

  test('finds the same on both hosts, in whatever words', () => {
    const { code, stdout } = check('bad --quiet');
    expect(code).toBe(1);
    const places = [...stdout.matchAll(/^(bad\/\w+\.wgsl(?::\d+)?)\S*: error: /gm)].map(
      ([, place]) => place,
    );
    expect([...new Set(places)]).toEqual([
      'bad/binding.wgsl:4',
      'bad/limits.wgsl:3',
      'bad/limits.wgsl:5',
      'bad/noise.wgsl',
      'bad/syntax.wgsl:3',
      'bad/twice.wgsl:2',
      'bad/type.wgsl:3',
    ]);
  });

  test('gives one object, whatever the compiler writes', () => {
    const { code, stdout } = check('warning.wgsl bad/type.wgsl --json');
    expect(code).toBe(1);
    const { ok, adapters, files: checked } = JSON.parse(stdout);
    expect([ok, Object.keys(adapters)]).toEqual([false, ['dawn', 'chrome']]);
    const hosts = ['dawn', 'chrome'];
    expect(checked).toMatchObject([
      {
        file: 'warning.wgsl',
        ok: true,
        diagnostics: [{ severity: 'warning', line: 4, message: 'code is unreachable', hosts }],
        entryPoints: [{ name: 'main', stage: 'compute', workgroupSize: [1, 1, 1] }],
      },
      { file: 'bad/type.wgsl', ok: false, diagnostics: [{ severity: 'error', line: 3, hosts }] },
    ]);
  });

  test('finds what only Tint accepts', () => {
    const { code, stdout } = check('tint.wgsl bad/syntax.wgsl --host all --json');
    expect(code).toBe(1);
    const { adapters, files: checked } = JSON.parse(stdout);
    expect(Object.keys(adapters)).toEqual(['dawn', 'chrome', 'firefox', 'deno']);
    const [tint, syntax] = checked as { diagnostics: { hosts: string[]; line: number }[] }[];
    const hostsOf = (of: typeof tint) => new Set(of?.diagnostics.flatMap(({ hosts }) => hosts));
    expect(hostsOf(tint)).toEqual(new Set(['firefox', 'deno']));
    expect(tint?.diagnostics.every(({ line }) => line === 1)).toBe(true);
    expect(hostsOf(syntax)).toEqual(new Set(['dawn', 'chrome', 'firefox', 'deno']));
    const text = check('tint.wgsl --host deno --quiet').stdout.split('\n');
    // The compiler's own picture of the place is not repeated.
    expect(text[0]).toMatch(/^tint\.wgsl:1:10: error: .*immediate_address_space/);
    expect(text[1]).toBe('  1 | requires immediate_address_space;');
    expect(text).toHaveLength(4);
  }, 120_000);

  test('sets overrides, and asks for those that it needs', () => {
    const asked = check('override.wgsl --host dawn --quiet');
    expect(asked.code).toBe(1);
    expect(asked.stdout).toMatch(
      /^override\.wgsl:3: error: entry point 'main': .*\[N\].*--set NAME=number/,
    );
    expect(check('override.wgsl --host dawn --set N=32u --quiet')).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(check('override.wgsl --host dawn --set N=512').stdout).toMatch(/512.*exceeds/);
    // In a workgroup's size, in memory, in other overrides; attributes that are expressions.
    const { code, stdout } = check('expressions.wgsl --host dawn --set N=0x10 --set M=48');
    expect([code, stdout.split('\n').slice(1).join('\n')]).toEqual([
      0,
      `expressions.wgsl: compiles
  @compute main, workgroup 16 x 3 x 2
  @group(0) @binding(1)  s  storage, read_write  S  24 B
  override N: u32
  @id(7) override M
1 file, all compile
`,
    ]);
  });

  test('reads what it can, and overrides where it cannot read all', () => {
    const { code, stdout } = check('dark.wgsl --host dawn --set größe=0x1f');
    expect([code, stdout.split('\n').slice(1).join('\n')]).toEqual([
      0,
      `dark.wgsl: compiles
  @compute main, workgroup 31 x 1 x 1
  override größe: u32
  x: where it lies takes a compiler to tell
1 file, all compile
`,
    ]);
  });

  test('points to what is wrong only once overrides have values', () => {
    expect(
      check('late.wgsl --quiet').stdout,
    ).toBe(`late.wgsl:2:14: error: entry point 'main': '8 / 0' cannot be represented as 'u32'
  2 | override M = 8u / N;
    |              ^^^^^^
`);
  });

  test('reads files as Windows writes them', () => {
    expect(check('windows.wgsl --host dawn --quiet').stdout).toBe(
      "windows.wgsl:3:11: error: unresolved value 'zork'\n  3 |   let x = zork;\n    |           ^^^^\n",
    );
  });

  test('asks for overrides, and warns of what lies elsewhere, where naga compiles', () => {
    const { code, stdout } = check('override.wgsl aligned.wgsl --host deno --quiet');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^override\.wgsl:3: error: .*'N' \(give it one with --set NAME=number\)$/m,
    );
    expect(stdout).toMatch(/^aligned\.wgsl:2: warning: Outer\.inner lies at byte 16, and at 4 in/m);
  });

  test('tells in one line what naga notes without a place', () => {
    expect(check('notes.wgsl --host deno --quiet').stdout).toMatch(
      /^notes\.wgsl: error: Entry point main at Compute is invalid; Argument 0 [^\n]+\n$/,
    );
  });

  test.each([
    ['nowhere.wgsl', 'nowhere.wgsl is not there'],
    ['good.wgsl --set N=1 SCALE=2', 'SCALE=2 is not there; for an override, type --set SCALE=2'],
    ['good.wgsl nowhere.wgsl', 'nowhere.wgsl is not there'],
    ['empty', 'empty holds no .wgsl file'],
    ['links', 'links/gone.wgsl is not there'],
    ['latin.wgsl', 'latin.wgsl is no UTF-8 in line 2; save it as UTF-8'],
    ['good.wgsl --set WG=1e999', 'It must read NAME=number'],
    ['good.wgsl --set WH=3', "--set WH: no shader here has such an override; did you mean 'WG'?"],
    ['good.wgsl --set WG', 'It must read NAME=number'],
    ['good.wgsl --host safari', 'Allowed choices are both, dawn, chrome, firefox, deno, all'],
  ])('refuses %j', (args, message) => {
    const { code, stdout, stderr } = check(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a host that is missing is a failure, unless it was not asked for', () => {
    const noChrome = { PUPPETEER_EXECUTABLE_PATH: '/bin/false' };
    const failed = check('good.wgsl --quiet', noChrome);
    expect([failed.code, failed.stdout]).toEqual([2, '']);
    expect(failed.stderr).toMatch(/^latentgpu: \/bin\/false .* does not start: .*\n$/);
    expect(check('good.wgsl --quiet --host dawn', noChrome)).toMatchObject({ code: 0, stderr: '' });
    const noFirefox = check('good.wgsl --quiet --host firefox', {
      LATENTGPU_FIREFOX: '/bin/false',
    });
    expect([noFirefox.code, noFirefox.stdout]).toEqual([2, '']);
    expect(noFirefox.stderr).toMatch(/^latentgpu: \/bin\/false .* does not start: .*\n$/);
    const noDawn = { VK_DRIVER_FILES: '/nowhere/icd.json' };
    const other = check('good.wgsl --quiet', noDawn);
    expect([other.code, other.stdout]).toEqual([2, '']);
    expect(other.stderr).toMatch(
      /VK_DRIVER_FILES is .* no such file; name a Vulkan driver manifest/,
    );
  });
});
