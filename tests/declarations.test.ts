/** The package's declarations in the projects of strangers: every compiler, whatever it knows of the platform. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceFile } from 'typescript6';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './support/cli.ts';
import { blocks } from './support/documents.ts';
import { installPackage, link } from './support/package.ts';
import { run } from './support/run-script.ts';

/** A project's settings, and whether its compiler then knows WebGPU. */
interface Project {
  readonly lib: readonly string[];
  readonly types: readonly string[];
  readonly module: 'nodenext' | 'esnext';
}

const projects: Record<string, Project> = {
  'nothing but the language': { lib: ['es2023'], types: [], module: 'nodenext' },
  'Node.js': { lib: ['es2023'], types: ['node'], module: 'nodenext' },
  'Node.js with WebGPU': {
    lib: ['es2023'],
    types: ['node', '@webgpu/types'],
    module: 'nodenext',
  },
  'a page': { lib: ['es2023', 'dom'], types: [], module: 'esnext' },
  'a page with WebGPU': { lib: ['es2023', 'dom'], types: ['@webgpu/types'], module: 'esnext' },
  'a worker': { lib: ['es2023', 'webworker'], types: [], module: 'esnext' },
};

let folder = '';
const declared = () => join(folder, 'node_modules/latentgpu/dist/types');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-types-'));
  await installPackage(folder, []);
  link(folder, ['@types/node', '@webgpu/types', 'vitest']);
  cpSync(join(ROOT, 'tests/consumers/types'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(shownPrograms())) {
    writeFileSync(join(folder, name), text);
  }
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The compiler's options as a configuration file has them. */
function optionsOf({ module, ...rest }: Project) {
  return {
    ...rest,
    target: 'es2022',
    module,
    moduleResolution: module === 'nodenext' ? 'nodenext' : 'bundler',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    // What a project exports has to have a name in declarations of its own.
    declaration: true,
  };
}

/** Whether the lib of a compiler, or a package, says what a GPUDevice is. */
const knowsWebGpu = (major: number, { lib, types }: Project) =>
  types.includes('@webgpu/types') || (major >= 6 && lib.length > 1);

/** Programs that people are shown, each as a file. */
function shownPrograms(): Record<string, string> {
  const programs = blocks('ts');
  const having = (what: string) => programs.find((code) => code.includes(what)) as string;
  return {
    // A graph of one's own is on the parameters of the program before it.
    'shown-first.ts': having('class Autoencoder') + having('plan.explain()'),
    'shown-kept.ts': having('frozen, seed: 2'),
    'shown-loop.ts': having('check.compute'),
    'shown-mixture.ts': having('distributions.Mixture'),
    'shown-flow.ts': having('flow.learn'),
    'shown-objective.ts': having('class MyVae'),
    'shown-diffusion.ts': having('class UNet'),
    'shown-adversaries.ts': having('class Adversaries'),
    'shown-hidden.ts': having('class Hmm'),
  };
}

/** What is compiled: a program that prints wants a platform with a console. */
const filesOf = (major: number, project: Project) => [
  'main.ts',
  ...(knowsWebGpu(major, project) ? ['webgpu.ts'] : []),
  ...(project.types.includes('node') ? Object.keys(shownPrograms()) : []),
];

test('numbers are typed as compilers before 5.7 know them', () => {
  // Their typed arrays take no type of memory.
  const files = readdirSync(declared(), { recursive: true, encoding: 'utf8' });
  const texts = files.filter((name) => name.endsWith('.d.ts'));
  expect(texts.length).toBeGreaterThan(100);
  const newer = texts.filter((name) =>
    /Array<ArrayBuffer/.test(readFileSync(join(declared(), name), 'utf8')),
  );
  expect(newer).toEqual([]);
});

describe.each([
  [5, 'typescript5'],
  [6, 'typescript6'],
] as const)('TypeScript %i', (major, name) => {
  // What projects have in common is parsed once.
  const parsed = new Map<string, SourceFile | undefined>();

  test.each(Object.entries(projects))('%s', async (_, project) => {
    const ts: typeof import('typescript6') = (await import(name)).default;
    const { options, errors } = ts.convertCompilerOptionsFromJson(optionsOf(project), folder);
    expect(errors).toEqual([]);
    const roots = filesOf(major, project).map((file) => join(folder, file));
    const host = ts.createCompilerHost(options);
    const parse = host.getSourceFile;
    host.getSourceFile = (file, ...how) => {
      const key = `${project.module} ${file}`;
      if (!parsed.has(key)) parsed.set(key, parse(file, ...how));
      return parsed.get(key);
    };
    const program = ts.createProgram(roots, options, host);
    expect(program.getOptionsDiagnostics()).toEqual([]);
    const ours = program
      .getSourceFiles()
      .filter(({ fileName }) => roots.includes(fileName) || fileName.includes('/latentgpu/'));
    expect(ours.length).toBeGreaterThan(100);
    const said = ours.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
      ...program.getDeclarationDiagnostics(file),
    ]);
    expect(ts.formatDiagnostics(said, host)).toBe('');

    if (project.module !== 'nodenext') return;
    // Names that mean nothing to a compiler are `any` to it, wherever it does not complain of them.
    const checker = program.getTypeChecker();
    const vague: string[] = [];
    for (const file of ours.filter(({ isDeclarationFile }) => isDeclarationFile)) {
      file.forEachChild(function visit(node): void {
        // A piece of a template is counted among the types, and has none.
        const isType = ts.isTypeNode(node) && !ts.isTemplateLiteralTypeSpan(node);
        if (isType && checker.getTypeFromTypeNode(node).flags & ts.TypeFlags.Any)
          vague.push(`${file.fileName}: ${node.parent.getText(file)}`);
        node.forEachChild(visit);
      });
    }
    expect(vague).toEqual([]);
  });
});

describe('TypeScript 7', () => {
  test.each(Object.entries(projects))('%s', (_, project) => {
    const files = filesOf(7, project);
    const config = { compilerOptions: optionsOf(project), files };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = run(folder, tsc, ['-p', '.', '--pretty', 'false']);
    // Theirs are theirs: @webgpu/types and lib.dom of TypeScript 6 and 7 contradict each other.
    const said = stdout
      .split('\n')
      .filter((line) => /^(main|webgpu|shown-|.*\/latentgpu\/)/.test(line));
    expect(said).toEqual([]);
    if (!project.types.includes('@webgpu/types')) expect(stdout).toBe('');
  });
});
