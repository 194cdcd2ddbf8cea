/**
 * Makes the declarations in dist/types fit for every project, after `tsc -p tsconfig.types.json`.
 *
 * They mention types of the platform (`GPUDevice`, `AbortSignal`) that a project's compiler need not
 * know: WebGPU's are in `lib: ["DOM"]` of TypeScript 6 and newer and in `@webgpu/types`, which
 * contradict each other, so that a package must ask for neither. Each file that mentions some imports
 * them from `platform.d.ts`, written here, where each is the type that the project's compiler has, or
 * else a stand-in that is no `any`. Imports are written as they are resolved: `./x.js`, not `./x.ts`.
 * Files that no entry leads to are left out.
 *
 * Usage: node src/build/declarations.mjs [folder]
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRIES = ['index', 'node', 'sampler/index', 'testing/index', 'testing/vitest'];
const FOLDER = resolve(process.argv[2] ?? 'dist/types');
const OUTPUT = join(FOLDER, 'platform.d.ts');

/** Types that no global variable stands for. */
const aliases = {
  GPUBufferUsageFlags: 'number',
  GPUCompareFunction:
    "'never' | 'less' | 'equal' | 'less-equal' | 'greater' | 'not-equal' | 'greater-equal' | 'always'",
  GPUDeviceLostReason: "'unknown' | 'destroyed'",
  GPUErrorFilter: "'validation' | 'out-of-memory' | 'internal'",
  GPUFeatureName:
    'GPUAdapter extends { requestDevice(descriptor?: infer D): unknown } ? ' +
    'NonNullable<D> extends { requiredFeatures?: Iterable<infer F> } ? Extract<F, string> : string : string',
  GPUPowerPreference: "'low-power' | 'high-performance'",
};

/** What this package uses of types that are not WebGPU's. */
const standIns = {
  AbortSignal: '{ readonly aborted: boolean; readonly reason: unknown }',
  ImageData:
    '{ readonly width: number; readonly height: number; readonly data: Uint8ClampedArray }',
  URL: '{ readonly href: string; toString(): string }',
};

const HEADER = `/**
 * Types of the platform that this package's declarations mention, as your compiler knows them; where
 * it knows none, a stand-in. WebGPU's objects can then be handed on but not used: add \`@webgpu/types\`,
 * or TypeScript 6 or newer with \`"DOM"\` in \`lib\`.
 */
`;

const webgpu = createRequire(import.meta.url).resolve('@webgpu/types/dist/index.d.ts');
/** WebGPU's classes: a global variable of that name has the type as its prototype. */
const classes = new Set(
  [...readFileSync(webgpu, 'utf8').matchAll(/^declare var (GPU\w*): \{\n {2}prototype:/gm)].map(
    ([, name]) => name,
  ),
);

function declarationOf(name) {
  if (aliases[name]) return `export type ${name} = ${aliases[name]};\n`;
  // Without a name of its own: declarations that are made of a project's exports spell it out.
  const standIn = standIns[name] ?? `{ readonly __webgpu: '${name}' }`;
  return (
    `export type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ` +
    `? T : ${standIn};\n`
  );
}

const RELATIVE = /(['"])(\.\.?\/[^'"]*?)\.ts\1/g;

/** The files that the entries lead to, with their text. */
function reachable() {
  const texts = new Map();
  const open = ENTRIES.map((name) => join(FOLDER, `${name}.d.ts`));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (texts.has(path)) continue;
    const text = readFileSync(path, 'utf8');
    texts.set(path, text);
    for (const [, , name] of text.matchAll(RELATIVE)) {
      const next = join(dirname(path), `${name}.d.ts`);
      // What a comment gives as an example is no file.
      if (existsSync(next)) open.push(next);
    }
  }
  return texts;
}

/** The platform's types in a text; words in comments and in the text of shaders are none. */
function mentioned(text) {
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, '');
  return [...new Set(bare.match(/\b(?:GPU[A-Z]?\w*|AbortSignal|ImageData|URL)\b/g) ?? [])].sort();
}

const texts = reachable();
const used = new Set();
for (const [path, text] of texts) {
  const names = mentioned(text);
  for (const name of names) {
    if (!classes.has(name) && !aliases[name] && !standIns[name]) {
      const here = relative('.', fileURLToPath(import.meta.url));
      throw new Error(`${path} mentions ${name}: say in ${here} what it stands for`);
    }
    used.add(name);
    if (name === 'GPUFeatureName') used.add('GPUAdapter');
  }
  const to = relative(dirname(path), OUTPUT.replace(/\.d\.ts$/, '.js'))
    .split(sep)
    .join('/');
  const from = to.startsWith('.') ? to : `./${to}`;
  const imports = names.length ? `import type { ${names.join(', ')} } from '${from}';\n` : '';
  writeFileSync(path, imports + text.replace(RELATIVE, '$1$2.js$1'));
}
writeFileSync(OUTPUT, HEADER + [...used].sort().map(declarationOf).join(''));

for (const name of readdirSync(FOLDER, { recursive: true })) {
  const path = join(FOLDER, name);
  if (path.endsWith('.d.ts') && path !== OUTPUT && !texts.has(path)) rmSync(path);
}
