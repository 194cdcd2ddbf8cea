// Classes on the command line: models that are told them, and models that few rows tell them.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { UNKNOWN_CLASS } from '../src/constants.ts';
import { digits } from '../src/data/digits.ts';
import { hideLabels } from '../src/data/hide-labels.ts';
import { loadData } from '../src/data/load.node.ts';
import { readNpy } from '../src/formats/npy.ts';
import type { Run } from './support/cli.ts';
import { perform } from './support/perform.ts';
import { refusal } from './support/refusal.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder = '';
const here = (path: string) => join(folder, path);
const cli = (line: string): Promise<Run> => perform(line.split(' ').filter(Boolean), folder);

async function works(line: string): Promise<Run> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

async function refused(line: string): Promise<string> {
  const run = await cli(line);
  expect(run.code, `${line}\n${run.stderr}`).toBe(2);
  return run.stderr.trimEnd().split('\n').at(-1) as string;
}

/** Two kinds of flowers far apart, of which two rows are of no known kind. */
const FLOWERS = Array.from({ length: 40 }, (_, i) => {
  const kind = i % 2 === 0 ? 'lily' : 'rose';
  const value = (kind === 'lily' ? 5 : -5) + Math.sin(i);
  return `${value},${-value + Math.cos(i)},${i % 4 > 1 ? '' : kind}`;
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-conditional-'));
  await writeFile(here('flowers.csv'), ['a,b,kind', ...FLOWERS].join('\n'));
  const nets = 'latent=2 encoder.hidden=8 decoder.hidden=8';
  await works(
    `train cvae --data digits --limit 60 --steps 4 --batch 20 --set ${nets} evaluate.every=0 --out told --quiet`,
  );
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const rowsOf = async (name: string) => readNpy(await readFile(here(name)), name);

test('a conditional model draws, encodes and decodes as the class it is told', async () => {
  const { data } = JSON.parse(await readFile(here('told/model.json'), 'utf8'));
  expect(data.classNames).toEqual([...'0123456789']);
  await works('sample told --labels 6-8 --count 4 --out three.npy --quiet');
  await works('sample told --label 7 --count 12 --out seven.npy --quiet');
  const [three, seven] = [await rowsOf('three.npy'), await rowsOf('seven.npy')];
  expect(three.shape).toEqual([12, 28, 28]);
  // The same noise: the middle row is of the same class, and only that.
  const row = (of: typeof three, i: number) => [...of.data.slice(i * 784, (i + 1) * 784)];
  for (const i of [4, 7]) expect(row(three, i)).toEqual(row(seven, i));
  for (const i of [0, 3, 8, 11]) expect(row(three, i)).not.toEqual(row(seven, i));
  await works('reconstruct told --rows 0-9 --out own.npy --quiet');
  await works('reconstruct told --rows 0-9 --as 3 --out as.npy --quiet');
  const labels = digits({ count: 10, seed: 0, split: 'test' }).labels as Uint8Array;
  const [own, as] = [await rowsOf('own.npy'), await rowsOf('as.npy')];
  labels.forEach((label, i) => {
    const same = JSON.stringify(row(own, i)) === JSON.stringify(row(as, i));
    expect(same, `row ${i} of class ${label}`).toBe(label === 3);
  });
});

test('of a model of a table, what is drawn, encoded and decoded are tables that it may learn from', async () => {
  const rows = FLOWERS.filter((line) => !line.endsWith(','));
  await writeFile(here('kinds.csv'), ['a,"b, in cm",kind', ...rows].join('\n'));
  const nets = 'latent=2 encoder.hidden=8 decoder.hidden=8 evaluate.every=0';
  const read = '--standardize --label-column kind --steps 2 --batch 10';
  await works(`train cvae --data kinds.csv ${read} --set ${nets} --out kinds --quiet`);
  const table = async (line: string) => {
    const path = line.split(' ').at(-1) as string;
    await works(`${line} --quiet`);
    const [heading, ...lines] = (await readFile(here(path), 'utf8')).trimEnd().split('\n');
    const cells = lines.map((each) => each.split(','));
    const numbers = cells.map((each) => each.slice(0, -1).map(Number));
    return { heading, numbers, kinds: cells.map((each) => each.at(-1)) };
  };
  const drawn = await table('sample kinds --count 12 --seed 3 --out drawn.csv');
  expect(drawn.heading).toBe('a,"b, in cm",kind');
  expect(drawn.kinds).toEqual(Array.from({ length: 12 }, (_, i) => (i % 2 ? 'rose' : 'lily')));
  await works('sample kinds --count 12 --seed 3 --out drawn.npy --quiet');
  expect(drawn.numbers.flat().map(Math.fround)).toEqual([...(await rowsOf('drawn.npy')).data]);
  // What is sampled is data again.
  await works(`train cvae --data drawn.csv ${read} --set ${nets} --out again --quiet`);

  // Codes go out and come back by a table, each row as the class that stands beside it.
  await table('encode kinds --split train --limit 5 --out codes.csv');
  const decoded = await table('decode kinds --data codes.csv --out decoded.csv');
  const made = await table('reconstruct kinds --split train --rows 0-4 --out made.csv');
  expect(decoded).toEqual(made);
  expect(made.kinds).toEqual(['lily', 'rose', 'lily', 'rose', 'lily']);
  const as = await table('decode kinds --data codes.csv --label rose --out as.csv');
  expect(as.kinds).toEqual(new Array(5).fill('rose'));
  expect(as.numbers[1]).toEqual(made.numbers[1]);
  expect(as.numbers[0]).not.toEqual(made.numbers[0]);
  const way = await table(
    'interpolate kinds --split train --from 0 --to 2 --steps 3 --out way.csv',
  );
  expect(way.kinds).toEqual(['lily', 'lily', 'lily']);
  expect(way.numbers[0]).toEqual(made.numbers[0]);

  await writeFile(here('more.csv'), 'z1,z2,z3\n0.5,1,2\n');
  await writeFile(here('oak.csv'), 'z1,z2,kind\n0.5,1,oak\n');
  expect(await refused('decode kinds --data more.csv --out no.csv')).toMatch(/"z3".*--drop z3/);
  expect(await refused('decode kinds --data oak.csv --out no.csv')).toMatch(
    /oak.csv: the class of row 0 is none .* lily, rose$/,
  );
  await table('decode kinds --data more.csv --drop z3 --label lily --out one.csv');
  expect(await refused('sample told --out no.csv')).toMatch(/told a model of images; write a .npy/);
});

test('mistakes with classes are one line', async () => {
  await writeFile(here('known.csv'), 'a,b,kind\n1,2,lily\n2,3,rose\n3,5,lily\n');
  await writeFile(here('others.csv'), 'a,b,kind\n1,2,lily\n2,3,oak\n');
  await writeFile(here('plain.csv'), 'a,b\n1,2\n2,3\n');
  const known = 'train cvae --data known.csv --standardize --label-column kind --batch 2 --out no';
  const said = await Promise.all(
    [
      'sample told --label ten --out x.png',
      'sample told --labels 7-3 --out x.png',
      'manifold told --out x.png',
      'train vae --data digits --hide-labels 0.9',
      'train cvae --data flowers.csv --standardize --label-column kind',
      'train cvae --data flowers.csv --standardize --drop kind',
      `${known} --test others.csv`,
      `${known} --test plain.csv`,
    ].map(refused),
  );
  expect(said).toEqual([
    expect.stringMatching(/--label: there is no class "ten"; there are 0, 1, 2, .*9$/),
    expect.stringMatching(/--labels: 7-3 goes backwards/),
    expect.stringMatching(/told holds a conditional model; say what class .* --label/),
    expect.stringMatching(/--hide-labels 0.9: vae takes no rows of unknown classes; .* m2$/),
    expect.stringMatching(/line 4, column 3 \("kind"\) is empty; every row needs a label/),
    expect.stringMatching(/cvae learns from labels, and flowers.csv has none/),
    'latentgpu: others.csv: row 1 is of class "oak", and the rows to train on are of lily, rose; leave such rows out',
    expect.stringMatching(/conditional, and plain.csv does not tell the classes of its rows/),
  ]);
  expect(await readdir(folder)).not.toContain('no');
});

test('empty cells are rows of unknown classes, which are learned from and told apart', async () => {
  const table = { data: here('flowers.csv'), split: 'train', range: 'any' } as const;
  const labelColumn = { name: 'kind', mayLack: true };
  const read = await loadData({ ...table, labelColumn });
  expect(read.classNames).toEqual(['lily', 'rose']);
  expect([...(read.labels ?? [])].slice(0, 4)).toEqual([0, 1, UNKNOWN_CLASS, UNKNOWN_CLASS]);
  expect(await refusal(loadData({ ...table, labelColumn: { name: 'kind' } }))).toMatch(/is empty/);
  const line =
    'm2 --data flowers.csv --standardize --label-column kind --batch 20 --quiet ' +
    '--set latent=1 encoder.hidden=8 decoder.hidden=8 classifier.hidden=8 optimizer.lr=0.02';
  await works(`train ${line} --steps 60 --out whole`);
  const { stdout } = await works('cluster whole --split train --json');
  expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1, sizes: [20, 20] });
  // Rows of which no class is known are decoded as the likeliest.
  await writeFile(here('unknown.csv'), 'a,b\n5,-5\n-5,5\n');
  await works('reconstruct whole --data unknown.csv --out again.npy --quiet');
  const again = await rowsOf('again.npy');
  expect(Array.from(again.data as Float32Array, (x) => Math.sign(Number(x))).slice(0, 4)).toEqual([
    1, -1, -1, 1,
  ]);
  const evaluated = await works('eval whole --split train --samples 20 --json');
  const { negativeElbo, nll } = JSON.parse(evaluated.stdout);
  expect(nll.value).toBeLessThan(negativeElbo);
});

test('the classes of a share of the rows of each class are hidden, the same each time', () => {
  const data = digits({ count: 200, seed: 1 });
  const hidden = hideLabels(data, 0.9, 0);
  expect(hideLabels(data, 0.9, 0).labels).toEqual(hidden.labels);
  const known = (c: number) => [...(hidden.labels ?? [])].filter((label) => label === c).length;
  const all = (c: number) => [...(data.labels ?? [])].filter((label) => label === c).length;
  for (let c = 0; c < 10; c++) expect(known(c)).toBe(Math.max(1, Math.round((1 - 0.9) * all(c))));
  hidden.labels?.forEach((label, row) => {
    if (label !== UNKNOWN_CLASS) expect(label).toBe(data.labels?.[row]);
  });
});
