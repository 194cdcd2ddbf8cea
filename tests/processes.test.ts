/**
 * Every command as a process of its own says and leaves what it does when it is performed within the tests,
 * where most of them are asked: codes, both streams, silent drivers, bytes of files.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildProgram } from '../src/cli/program.ts';
import { buildCli, ROOT, type Run, start } from './support/cli.ts';
import { contentsOf } from './support/folders.ts';
import { perform } from './support/perform.ts';

vi.setConfig({ testTimeout: 120_000 });

const FEW = '--batch 20 --steps 4 --seed 1';
const NETS = 'encoder.hidden=8 decoder.hidden=8 latent=2';

/** Each finds what those before it have left. */
const LINES = [
  '--version',
  `train vae --data iris.csv --label-column Species --standardize ${FEW} --out vae --set ${NETS}`,
  'train vae --resume --steps 6 --out vae',
  `train realnvp --data iris.csv --drop Species --standardize ${FEW} --out flow --set depth=2 net.hidden=8`,
  `train gmm --data iris.csv --label-column Species --epochs 2 --seed 1 --out gmm --set components=2`,
  `train bayes-linear --data iris.csv --drop Species --target Sepal.Width --standardize --seed 1 --out width`,
  'eval vae --split train --limit 9 --samples 3 --json',
  'score vae --split train --limit 9 --samples 3 --out s.npy',
  'predict width --data iris.csv --out p.csv',
  'impute gmm --data holes.csv --out filled.csv',
  'anomaly gmm --split train --against iris.csv --out roc.png',
  'sample vae --count 3 --seed 2 --out drawn.npy',
  'cluster gmm --split train --out c.csv',
  'encode vae --split train --limit 9 --out z.npy',
  'decode vae --data z.npy --out x.npy',
  'reconstruct vae --split train --count 4 --out r.png',
  'interpolate vae --split train --from 0 --to 1 --steps 3 --out i.npy',
  'manifold vae --side 3 --out m.png',
  'latent vae --split train --out l.png',
  'prior vae --split train --fit normal --seed 1',
  'report vae --split train --limit 20',
  'certify flow --points 1',
  'gradients vae --split train --estimators stl --rows 5 --samples 1 --repeats 3 --seed 1',
  'inspect vae',
  'export vae --out vae.onnx',
  'import weights.safetensors --config model.json --out imported',
];

const MISTAKES = [
  'eval nowhere',
  'eval nowhere --json',
  'train vae --data iris.csv --set latnt=3 --out none',
  'trian',
];

/** Commands that are processes in other tests, because they time, take time, or tell of their process. */
const ELSEWHERE = ['start', 'bench', 'tune', 'check', 'check-dawn', 'doctor'];

const folders = { process: '', here: '' };

beforeAll(async () => {
  await buildCli();
  const iris = readFileSync(join(ROOT, 'tests/fixtures/tables/iris.csv'), 'utf8');
  for (const name of ['process', 'here'] as const) {
    folders[name] = mkdtempSync(join(tmpdir(), `latentgpu-${name}-`));
    const into = (file: string) => join(folders[name], file);
    writeFileSync(into('iris.csv'), iris);
    writeFileSync(into('holes.csv'), iris.replace(/^5\.1,/m, ','));
    for (const file of ['model.json', 'weights.safetensors']) {
      copyFileSync(join(ROOT, 'tests/fixtures/torch-vae', file), into(file));
    }
  }
}, 60_000);
afterAll(() => {
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
});

/** Without what the clock says, and the numbers that tensors get as they are made. */
const lasting = ({ code, stdout, stderr }: Run) => ({
  code,
  stdout: stdout
    .replace(/\b\d+:\d\d\b|\b[\d.,]+ (?=(m?s|steps\/s)\b)|(?<=[sS]econds":)[\d.]+/g, '')
    .replace(/#\d+/g, '#'),
  stderr,
});

const both = async (line: string) => {
  const apart = lasting(await start(line.split(' '), folders.process).run);
  expect(apart).toEqual(lasting(await perform(line.split(' '), folders.here)));
  return apart;
};

test.each(LINES)('%s', async (line) => {
  expect((await both(line)).code).toBe(0);
});

test.each(MISTAKES)('%s', async (line) => {
  const { code, stderr } = await both(line);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^latentgpu: [^\n]+\n$/);
});

test('doctor', async () => {
  expect(await start(['doctor'], folders.process).run).toMatchObject({ code: 0, stderr: '' });
});

test('is every command, and leaves the same', () => {
  const asked = LINES.map((line) => line.split(' ')[0]);
  for (const { commands } of [buildProgram()]) {
    const missing = commands.map((each) => each.name()).filter((name) => !asked.includes(name));
    expect(missing.sort()).toEqual([...ELSEWHERE].sort());
  }
  // These tell of times.
  const told = /(metrics\.jsonl|training\.json|report\.html)$/;
  const left = (folder: string) =>
    Object.entries(contentsOf(folder)).filter(([name]) => !told.test(name));
  expect(left(folders.process)).toEqual(left(folders.here));
});
