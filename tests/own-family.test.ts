/** The family of one's own that is shown to people, taken from its page, on the command line. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BUILT, buildCli, ROOT, type Run, start } from './support/cli.ts';
import { blocks } from './support/documents.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder = '';
const cli = (line: string): Promise<Run> => start(line.split(' ').filter(Boolean), folder).run;

async function works(line: string): Promise<Run> {
  const run = await cli(`--with ./mine.mjs ${line}`);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

beforeAll(async () => {
  await buildCli();
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-own-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/latentgpu'));
  const [mine, second] = blocks('js').filter((code) => /defineFamily/.test(code));
  expect(second).toBeUndefined();
  writeFileSync(join(folder, 'mine.mjs'), mine as string);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const TRAIN =
  'train laplace-vae --data digits --limit 100 --quiet --set latent=3 width=16 batch=20';
const weights = (name: string) => readFileSync(join(folder, name, 'weights.safetensors'));

test('trains, and a run that is continued ends in the same bits', async () => {
  await works(`${TRAIN} evaluate.limit=50 --steps 30 --out whole`);
  await works(`${TRAIN} evaluate.limit=50 --steps 18 --out halves`);
  await works('train laplace-vae --resume --steps 30 --quiet --out halves');
  expect(weights('halves')).toEqual(weights('whole'));
});

test('is evaluated, drawn from, reported and exported', async () => {
  const evaluated = await works('eval whole --limit 40 --samples 10 --json');
  const { negativeElbo, nll } = JSON.parse(evaluated.stdout);
  expect(nll.value).toBeLessThan(negativeElbo);
  await works('sample whole --count 4 --out drawn.png --quiet');
  await works('report whole --limit 20 --out page.html --quiet');
  expect(readFileSync(join(folder, 'page.html'), 'utf8')).toContain('Laplace VAE');
  const exported = await works('export whole --out mine.onnx');
  expect(exported.stdout.trimEnd().split('\n')).toEqual([
    'mine.onnx          x [batch, 28, 28] -> mean [batch, 3], reconstruction [batch, 28, 28]',
    'mine.encoder.onnx  x [batch, 28, 28] -> mean [batch, 3]',
    'mine.decoder.onnx  z [batch, 3] -> x [batch, 28, 28]',
  ]);
});

test('is listed beside the others, with its keys', async () => {
  const all = await works('train --keys');
  expect(all.stdout).toMatch(/^laplace-vae +\S/m);
  const keys = await works('train laplace-vae --keys');
  expect(keys.stdout).toMatch(/^ *scale +.*0\.1/m);
});

/** A copy of the library beside the one of the command line. */
function another(): string {
  const copy = join(folder, 'copy');
  mkdirSync(copy);
  const dist = dirname(BUILT);
  for (const name of readdirSync(dist)) {
    if (/^(node|part-.*)\.js$/.test(name)) cpSync(join(dist, name), join(copy, name));
  }
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
  return pathToFileURL(join(copy, 'node.js')).href;
}

test('what goes wrong is one line', async () => {
  writeFileSync(join(folder, 'empty.mjs'), 'export {};');
  writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("out of order");');
  const text = readFileSync(join(folder, 'mine.mjs'), 'utf8');
  writeFileSync(
    join(folder, 'foreign.mjs'),
    text.replace(/from 'latentgpu'/, `from '${another()}'`),
  );
  for (const [line, why] of [
    ['eval whole', '"laplace-vae"; it must be one of'],
    ['eval whole', 'or one of your own (defineFamily)'],
    ['--with none.mjs eval whole', '--with none.mjs: '],
    ['--with empty.mjs eval whole', 'it defines no family'],
    ['--with broken.mjs eval whole', 'out of order'],
    ['--with foreign.mjs eval whole', 'with another copy of latentgpu'],
    ['--with', 'name a module'],
    ['--with ./mine.mjs sample whole --draw --out s.png', 'only decodes means; leave out --draw'],
    ['--with ./mine.mjs certify whole', "a model that has no 'bijection'"],
    ['--with ./mine.mjs encode whole --std --out s.npy', 'std'],
  ] as const) {
    const run = await cli(line);
    expect(run, line).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr, line).toMatch(/^latentgpu: [^\n]*\n$/);
    expect(run.stderr, line).toContain(why);
  }
});
