/** What people are told to type: every command line is parsed and settled, every program runs, every link leads somewhere. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { Command, CommanderError } from 'commander';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildProgram } from '../src/cli/program.ts';
import { fresh, type TrainOptions } from '../src/cli/training/request.ts';
import { familyNames, findFamily } from '../src/models/index.ts';
import { buildCli, ROOT } from './support/cli.ts';
import { blocks, pages } from './support/documents.ts';
import { run } from './support/run-script.ts';
import './families/laplace.ts';

const commands = buildProgram().commands.map((command) => command.name());

/** Lines of shell blocks, continued ones joined, and what stands in a sentence or a table as code. */
function commandLines(): string[] {
  const inBlocks = blocks('sh').flatMap((block) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '')),
  );
  const prose = [...pages.values()].join('\n\n').replace(/```[\s\S]*?```/g, '');
  const inProse = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) =>
    (code as string).replaceAll(/\s*\n\s*/g, ' ').replaceAll('\\|', '|'),
  );
  return [...inBlocks, ...inProse]
    .map((line) => line.replace(/^npx /, '').replace(/^latentgpu /, ''))
    .map((line) => line.replace(/^--with \S+ /, ''))
    .filter((line) => commands.some((name) => line.startsWith(`${name} `) && line !== `${name} …`))
    .filter((line) => !line.startsWith('import {'));
}

/** Words as a shell has them; of alternatives, `gmm|ppca`, the first; the rest of a list, `…`, is nobody's. */
const words = (line: string) =>
  [...line.matchAll(/"([^"]*)"|\S+/g)]
    .map(([word, quoted]) => quoted ?? (word as string).replace(/\|.*$/, ''))
    .filter((word) => word !== '…');

/** The command that a line names, with its options, as the command line reads them. */
function parsed(line: string): { name: string; args: readonly string[]; options: TrainOptions } {
  let found: { name: string; args: readonly string[]; options: TrainOptions } | undefined;
  const program = buildProgram();
  for (const command of program.commands) {
    command
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        found = { name: self.name(), args: self.args, options: self.opts() };
      });
  }
  program.parse(words(line), { from: 'user' });
  if (!found) throw new Error(`no command ran: ${line}`);
  return found;
}

/** What is short of nothing but the rest of a line, `sample --seed`, is the mention of an option. */
function attempt(line: string) {
  try {
    return parsed(line);
  } catch (error) {
    if (/\.(missing|optionMissing)/.test((error as CommanderError).code)) return undefined;
    throw error;
  }
}

let folder = '';
const before = process.cwd();
beforeAll(async () => {
  await buildCli();
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-readme-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/latentgpu'));
  const layers = blocks('json').find((block) => block.includes('"layers"'));
  writeFileSync(join(folder, 'layers.json'), layers as string);
  process.chdir(folder);
}, 120_000);
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

describe('command lines', () => {
  const lines = [...new Set(commandLines())];
  test('are found', () => expect(lines.length).toBeGreaterThan(100));

  test.each(lines)('%s', async (line) => {
    const said = attempt(line);
    if (!said) return;
    const { name, args, options } = said;
    if (name !== 'train' || options.keys || options.resume || args[0] === 'FAMILY') return;
    const family = findFamily(args[0]);
    if (!family) throw new Error(`no family '${args[0]}'`);
    await fresh(family, { data: 'digits', ...options }, { seed: undefined } as never);
  });
});

/** A program of a page, its runs cut to a few steps. */
async function runs(source: string): Promise<string> {
  const short = source.replace(/\.run\(\d+\)/g, '.run(3)');
  const { code } = await transform(short, { loader: 'ts', format: 'esm', target: 'es2022' });
  writeFileSync(join(folder, 'program.mjs'), code);
  const ended = run(folder, join(folder, 'program.mjs'), []);
  expect(ended.stderr).toBe('');
  return ended.stdout;
}

describe('programs', () => {
  const programs = blocks('ts');
  const having = (text: string) => programs.find((each) => each.includes(text)) as string;

  test("a first program, and a graph of one's own on its parameters", async () => {
    const graph = having('plan.explain()');
    const first = having('class Autoencoder').replace('trainer.destroy();', graph);
    expect(await runs(`${first}\nconsole.log(pixels.length);\nawait trainer.destroy();`)).toMatch(
      new RegExp(`dispatch[\\s\\S]*\n${16 * 784}\n$`),
    );
  }, 60_000);

  test('a part that is kept, from weights of a file', async () => {
    expect(await runs(having('frozen, seed: 2'))).toMatch(/loss: \d+/);
  }, 60_000);

  test.each([
    ['a mixture density net', 'distributions.Mixture', 8],
    ['a flow that is told a context', 'flow.learn', 2],
  ])(
    '%s',
    async (_, text, count) => {
      expect(await runs(having(text))).toMatch(new RegExp(`Float32Array\\(${count}\\)`));
    },
    60_000,
  );

  test('a diffusion model', async () => {
    const source = having('class UNet')
      .replace('draws(64, 200', 'draws(4, 3')
      .replace('count: 64', 'count: 4')
      .replace('i < 6', 'i < 1');
    expect(await runs(source)).toMatch(/loss: [01]\.\d/);
    expect(existsSync(join(folder, 'diffusion.png'))).toBe(true);
  }, 120_000);

  test('adversaries, and a penalty on a slope', async () => {
    expect(await runs(having('class Adversaries'))).toMatch(/penalty: \d/);
    expect(existsSync(join(folder, 'adversaries.png'))).toBe(true);
  }, 60_000);

  test('a hidden Markov model', async () => {
    expect(await runs(having('class Hmm'))).toMatch(/means: Float32Array\(3\)(?![\s\S]*NaN)/);
  }, 60_000);

  test("a loop of one's own, and rows that are held out", async () => {
    expect(await runs(having('check.compute').replace('i < 25', 'i < 2'))).toMatch(
      /held out: 0\.\d/,
    );
  }, 60_000);

  test('bounds over K and a walk', async () => {
    const source = having('class MyVae').replace('{ digits,', '{ digits, input,');
    const written = await runs(
      `${source.replace('trainer.destroy();', having("input('z', [7, 20])"))}trainer.destroy();`,
    );
    expect(written).toMatch(/\n1 -\d+[\s\S]*\n50 -\d+[\s\S]*\n7 images along/);
  }, 60_000);

  test('a bound and its estimator', async () => {
    expect(await runs(having('class MyVae'))).toMatch(/loss: \d+/);
  }, 60_000);

  test('every other objective in its place', async () => {
    const page = pages.get('docs/objectives.md') as string;
    const table = page.slice(page.indexOf('| in place of `objectives.stl'));
    const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
    const calls = rows.flatMap((row) =>
      [...row.matchAll(/`([^`]*\(.*?\))`/g)]
        .map(([, call]) => (call as string).replace('(…)', '(model, batch, { temperature: 0.5 })'))
        .filter((call) => call.includes('model'))
        .map((call) => (row.includes('discrete') ? call.replace('model', 'discrete') : call)),
    );
    expect(calls).toHaveLength(9);
    const source = having('class MyVae');
    const written = await runs(`${source.slice(0, source.indexOf('const model'))}
      class Discrete extends MyVae {
        encoder = new nn.MLP([784, 300, 9], 'relu');
        decoder = new nn.MLP([9, 300, 784], 'relu');
        posterior = ({ x }) => new distributions.OneHot(this.encoder.call(x), 3);
        prior = () => new distributions.UniformOneHot(3, 3);
      }
      const [model, discrete] = [new MyVae(), new Discrete()];
      const batch = { x: ops.randomUniform([4, 784]) };
      const constraint = new objectives.Constraint({ on: 'kl', target: 10 });
      for (const estimate of [${calls.join(', ')}]) console.log(estimate.surrogate?.shape ?? estimate.loss.shape);`);
    expect(written.trimEnd().split('\n')).toEqual([...Array(8).fill('[ 4 ]'), '[]']);
  }, 60_000);
});

describe('links', () => {
  /** What a heading is called in an address. */
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  const headings = (path: string) =>
    [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text]) => slug(text as string));

  test.each([...pages])('of %s lead to files and headings', (path, text) => {
    const prose = text.replace(/```[\s\S]*?```/g, '');
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [file = '', heading] = (target as string).split('#');
      if (/^https?:/.test(file)) continue;
      const to = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
      expect(existsSync(to), `${path}: ${target}`).toBe(true);
      if (heading) expect(headings(to), `${path}: ${target}`).toContain(heading);
    }
  });

  test('the table of the README has every family, and no other', () => {
    const readme = pages.get('README.md') as string;
    const table = readme.slice(readme.indexOf('| `train …` |'));
    const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
    const named = rows.flatMap((row) =>
      [...(row.split('|')[1] as string).matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    const own = familyNames().filter((name) => name !== 'laplace-vae');
    expect(named.sort()).toEqual(own.sort());
  });

  test('every page is reached from the README', () => {
    const readme = pages.get('README.md') as string;
    for (const path of pages.keys()) {
      if (path !== 'README.md') expect(readme).toContain(`](${relative('.', path)}`);
    }
  });
});

test("the sampler's page is the one that the tests look at", () => {
  const page = readFileSync(join(ROOT, 'tests/pages/sampler.html'), 'utf8');
  expect(blocks('html')).toContain(page);
});
