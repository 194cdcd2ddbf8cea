/** Groups on the command line: what training and clustering leave and say, and what is refused. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { agreement, bestMatching } from '../src/models/ask/agreement.ts';
import { boxMuller, Random } from '../src/random.ts';
import { ROOT, type Run } from './support/cli.ts';
import { perform } from './support/perform.ts';

vi.setConfig({ testTimeout: 180_000 });

const TABLES = join(ROOT, 'tests/fixtures/tables');
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
  const lines = run.stderr.trimEnd().split('\n');
  return lines.at(-1) as string;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-cluster-'));
  await works(
    `train gmm --data ${TABLES}/iris.csv --label-column Species --set components=3 starts=2 --out iris --quiet`,
  );
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('iris falls into its species', async () => {
  const { stdout } = await works('cluster iris --split train --out g.csv --picture g.png --json');
  const found = JSON.parse(stdout);
  // scikit-learn 1.2.1 of the same fit: 145 of 150 rows, ARI 0.9039.
  expect(found.sizes.toSorted((a: number, b: number) => a - b)).toEqual([45, 50, 55]);
  expect(found.accuracy).toBeCloseTo(145 / 150, 12);
  expect(found.adjustedRandIndex).toBeCloseTo(0.9039, 4);
  expect(found.normalizedMutualInformation).toBeCloseTo(0.8997, 4);
  const lines = (await readFile(here('g.csv'), 'utf8')).trimEnd().split('\n');
  expect(lines[0]).toBe('group,p0,p1,p2');
  expect(lines.length).toBe(151);
  for (const line of lines.slice(1)) {
    const [group, ...shares] = line.split(',').map(Number) as [number, ...number[]];
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(shares[group]).toBe(Math.max(...shares));
  }
  const png = await readFile(here('g.png'));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
});

test('draws of its components', async () => {
  await works('sample iris --count 7 --out s.npy --quiet');
  const { shape, data } = readNpy(new Uint8Array(await readFile(here('s.npy'))));
  expect(shape).toEqual([7, 4]);
  expect(Array.from(data as Float32Array).every(Number.isFinite)).toBe(true);
  // Of one component: about the mean of the rows that are sorted into it, with their spread.
  await works('cluster iris --split train --out own.csv --quiet');
  await works('sample iris --cluster 1 --count 400 --out own.npy --quiet');
  const lines = (await readFile(here('own.csv'), 'utf8')).trimEnd().split('\n').slice(1);
  const iris = (await readFile(join(TABLES, 'iris.csv'), 'utf8')).trimEnd().split('\n').slice(1);
  const own = iris.filter((_, i) => lines[i]?.startsWith('1,')).map((line) => line.split(','));
  const drawn = readNpy(new Uint8Array(await readFile(here('own.npy')))).data as Float32Array;
  for (let j = 0; j < 4; j++) {
    const [seen, made] = [
      own.map((row) => Number(row[j])),
      Array.from({ length: 400 }, (_, i) => drawn[4 * i + j] as number),
    ].map(momentsOf) as [Moments, Moments];
    const error = seen.std * Math.sqrt(1 / own.length + 1 / 400);
    expect(Math.abs(made.mean - seen.mean)).toBeLessThan(5 * error);
    expect(made.std / seen.std).toBeGreaterThan(0.7);
    expect(made.std / seen.std).toBeLessThan(1.4);
  }
});

interface Moments {
  readonly mean: number;
  readonly std: number;
}

function momentsOf(values: number[]): Moments {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
}

test('principal components as a table with classes, which a mixture is trained on', async () => {
  await works(
    `train ppca --data ${TABLES}/iris.csv --label-column Species --set latent=3 --out axes --quiet`,
  );
  await works('encode axes --split train --components --out pcs.csv --quiet');
  const [heading, first] = (await readFile(here('pcs.csv'), 'utf8')).split('\n');
  expect(heading).toBe('pc1,pc2,pc3,Species');
  // prcomp(iris[, 1:4])$x[1, 1:3] of R 4.2, whose second and third axes point the other way.
  const known = [-2.684126, 0.319397, -0.027915];
  (first as string).split(',').forEach((cell, i) => {
    if (i < 3) expect(Math.abs(Number(cell))).toBeCloseTo(Math.abs(known[i] as number), 4);
    else expect(cell).toBe('setosa');
  });
  await works(
    'train gmm --data pcs.csv --label-column Species --set components=3 --out inpcs --quiet',
  );
  const { stdout } = await works('cluster inpcs --split train --json');
  expect(JSON.parse(stdout).accuracy).toBeGreaterThan(0.85);
  expect(await refused('encode iris --split train --components --out c.npy')).toMatch(
    /without principal axes; train ppca/,
  );
});

test('a VAE whose prior is a mixture sorts by its components, and draws from each', async () => {
  // Three groups about opposite corners, ten deviations apart.
  const random = new Random(3, 900, 0);
  const row = (i: number) => {
    const centre = [0.2, 0.5, 0.8][i % 3] as number;
    const at = (j: number) =>
      ((j + (i % 3)) % 2 ? centre : 1 - centre) + boxMuller(() => random.uniform(), 0.03);
    return [...Array.from({ length: 6 }, (_, j) => at(j).toFixed(4)), 'uvw'[i % 3]];
  };
  const rows = Array.from({ length: 180 }, (_, i) => row(i).join(','));
  await writeFile(here('blobs.csv'), ['a,b,c,d,e,f,kind', ...rows].join('\n'));
  const train = 'train vae --data blobs.csv --label-column kind --standardize --batch 45 --seed 1';
  const nets = 'encoder.hidden=16 decoder.hidden=16 latent=2 evaluate.every=0 optimizer.lr=1e-2';
  const of = (kind: string) => `--set ${nets} prior.kind=${kind} prior.components=3 --quiet`;
  await works(`${train} --epochs 60 --out mixed ${of('mixture')}`);
  const { stdout } = await works('cluster mixed --split train --out m.csv --json');
  expect(JSON.parse(stdout)).toMatchObject({ sizes: [60, 60, 60], accuracy: 1 });
  // A report has pictures of its codes beside that of its groups.
  for (const picture of ['clusters.png', 'latent.png', 'reconstructions.png']) {
    expect(existsSync(here(`mixed/${picture}`))).toBe(true);
  }
  // What is drawn from a component is sorted into it.
  await works('sample mixed --cluster all --count 20 --out drawn.npy --quiet');
  const { data } = readNpy(new Uint8Array(await readFile(here('drawn.npy'))));
  const lines = Array.from({ length: 60 }, (_, i) =>
    (data as Float32Array).slice(6 * i, 6 * i + 6),
  );
  await writeFile(here('drawn.csv'), ['a,b,c,d,e,f', ...lines.map(String)].join('\n'));
  await works('cluster mixed --data drawn.csv --out again.csv --quiet');
  const again = (await readFile(here('again.csv'), 'utf8')).trimEnd().split('\n').slice(1);
  const right = again.filter((line, i) => line.startsWith(`${Math.floor(i / 20)},`)).length;
  expect(right).toBeGreaterThanOrEqual(45);
  expect(await refused('sample mixed --cluster 0 --label u --out s.npy')).toMatch(
    /told no classes/,
  );
  await works(`${train} --epochs 1 --out pseudo ${of('vamp')}`);
  for (const asked of ['cluster pseudo --split train', 'sample pseudo --cluster 0 --out s.npy']) {
    expect(await refused(asked)).toMatch(/pseudo-inputs are places of one prior.*train vade/);
  }
});

test('its likelihood, BIC, AIC and ICL', async () => {
  const { stdout } = await works('eval iris --split train --json');
  const { criteria, negativeLogLikelihood } = JSON.parse(stdout);
  // mclust 6.0.0: log-likelihood -180.18548, 44 free parameters.
  expect(Math.abs(criteria.logLikelihood + 180.18548)).toBeLessThan(1e-3);
  expect(-150 * negativeLogLikelihood).toBeCloseTo(criteria.logLikelihood, 6);
  expect(criteria.freedom).toBe(44);
  expect(criteria.bic).toBeCloseTo(44 * Math.log(150) - 2 * criteria.logLikelihood, 6);
  expect(criteria.aic).toBeCloseTo(88 - 2 * criteria.logLikelihood, 6);
  expect(criteria.icl).toBeGreaterThan(criteria.bic);
});

test('a range of sizes: that of the lowest BIC is trained', async () => {
  const { stdout } = await works(
    `train gmm --data ${TABLES}/faithful.csv --set components=1..2 starts=1 --out best --json`,
  );
  const { selection, files } = JSON.parse(stdout);
  // mclust 6.0.0, VVV: -2607.623 and -2322.192, signs turned.
  expect(selection.best).toBe(2);
  expect(selection.candidates[0].bic).toBeCloseTo(2607.623, 2);
  expect(selection.candidates[1].bic).toBeCloseTo(2322.192, 2);
  expect(files).toContain('selection.svg');
  expect(JSON.parse(await readFile(here('best/model.json'), 'utf8')).components).toBe(2);
});

test('of rows with holes, stepwise comes to what passes come to, and sizes are compared', async () => {
  const train = `train gmm --data ${TABLES}/iris.csv --label-column Species --hide random:0.15 --seed 1 --quiet`;
  await works(`${train} --set components=3 starts=2 --out passes`);
  await works(`${train} --set components=3 starts=2 fit=stepwise --out steps`);
  const loss = async (dir: string) =>
    JSON.parse((await works(`eval ${dir} --split train --json`)).stdout).negativeLogLikelihood;
  const [passes, steps] = [await loss('passes'), await loss('steps')];
  expect(Math.abs(steps - passes)).toBeLessThan(0.05);
  const { stdout } = await works(`${train} --set components=1..3 starts=2 --out sizes --json`);
  const { candidates, best } = JSON.parse(stdout).selection;
  expect(candidates.map(({ value }: { value: number }) => value)).toEqual([1, 2, 3]);
  expect(candidates[2].logLikelihood).toBeCloseTo(-150 * passes, 1);
  const least = candidates.toSorted((a: { bic: number }, b: { bic: number }) => a.bic - b.bic)[0];
  expect(best).toBe(least.value);
});

test('mistakes are told in one line', async () => {
  const few = 'a,b\n1,2\n2,3\n3,5\n';
  await writeFile(here('few.csv'), few);
  await writeFile(
    here('still.csv'),
    `a,b\n${Array.from({ length: 20 }, (_, i) => `${i * i},4`).join('\n')}\n`,
  );
  await writeFile(
    here('twins.csv'),
    `a,b\n${Array.from({ length: 40 }, (_, i) => `${(i * 37) % 41},${2 * ((i * 37) % 41)}`).join('\n')}\n`,
  );
  expect(await refused('train gmm --data few.csv --set components=5 --out x')).toMatch(
    /components is 5 and there are 3 rows/,
  );
  expect(await refused('train gmm --data still.csv --set components=2 --out x')).toMatch(
    /column 'b' of the data is constant.*regularize/,
  );
  expect(await refused('train gmm --data twins.csv --set components=2 --out x')).toMatch(
    /the covariance of component [01] has become singular at column 'b'.*regularize=1e-6/,
  );
  // Steps would go on to a mixture that is as narrow as they have come.
  for (const fit of ['stepwise', 'gradient']) {
    expect(await refused(`train gmm --data twins.csv --set fit=${fit} --out x`)).toMatch(
      /the covariance of component 0 has become singular at column 'b'.*regularize=1e-6/,
    );
  }
  expect(existsSync(here('x'))).toBe(false);
  // What was there stays when what was to replace it comes to nothing.
  const held = () => readdir(here('iris'));
  const [files, weights] = [await held(), await readFile(here('iris/weights.safetensors'))];
  expect(
    await refused(
      'train gmm --data twins.csv --set components=2 checkpointEvery=1 --force --out iris',
    ),
  ).toMatch(/has become singular/);
  expect(await held()).toEqual(files);
  expect(await readFile(here('iris/weights.safetensors'))).toEqual(weights);
  expect(await refused('train gmm --data few.csv --set components=3..1 --out x')).toMatch(
    /a range goes from 1 or more up/,
  );
  expect(await refused('train ppca --data few.csv --set latent=2 --out y')).toMatch(
    /latent is 2 and data points have 2 numbers/,
  );
  // Stepwise, a covariance shrinks batch by batch.
  expect(await refused('train gmm --data few.csv --set components=3 fit=stepwise --out x')).toMatch(
    /the covariance of component [012] has become singular at column '[ab]'/,
  );
  expect(existsSync(here('x'))).toBe(false);
  await works(`train ppca --data ${TABLES}/faithful.csv --set latent=1 --out line --quiet`);
  expect(await refused('cluster line --split train')).toMatch(/line holds .*no groups/);
  expect(await refused('cluster iris --split train --label-column Sepal --out g.csv')).toMatch(
    /Sepal/,
  );
  await writeFile(here('single.csv'), 'a\n1\n2\n4\n');
  expect(await refused('train ppca --data single.csv --set latent=1 --out y')).toMatch(
    /single numbers, and ppca takes two numbers or more; train gmm/,
  );
  // Where nothing is left of any density, no group is the likeliest.
  const heads = 'Sepal.Length,Sepal.Width,Petal.Length,Petal.Width';
  await writeFile(here('far.csv'), `${heads}\n1,2,3,1\n1e25,2,3,1\n1,2,3,-1e30\n`);
  expect(await refused('cluster iris --data far.csv --out far-groups.csv')).toMatch(
    /far\.csv: row 1 and 1 more lie further from every group than float32 reaches/,
  );
  expect(existsSync(here('far-groups.csv'))).toBe(false);
  // Classes that data have by themselves are not those that were asked for.
  const array = (...shape: number[]) =>
    writeNpy(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  await writeFile(here('some.npz'), zipSync({ 'x.npy': array(8, 4), 'y.npy': array(8) }));
  await works(
    'train gmm --data digits --limit 40 --set components=2 covariance=spherical --epochs 1 --out drawn --quiet',
  );
  for (const data of ['digits', 'some.npz']) {
    expect(await refused(`cluster drawn --data ${data} --label-column nosuch`)).toMatch(/nosuch/);
  }
});

test('matchings are the best there are, by all permutations', () => {
  const permutations = (n: number): number[][] =>
    n === 0
      ? [[]]
      : permutations(n - 1).flatMap((p) =>
          Array.from({ length: n }, (_, at) => [...p.slice(0, at), n - 1, ...p.slice(at)]),
        );
  for (let seed = 1; seed < 40; seed++) {
    const [rows, columns] = [1 + (seed % 4), 1 + ((seed * 7) % 5)];
    const table = Float64Array.from(
      { length: rows * columns },
      (_, i) => (seed * 7919 * (i + 1) * (i + 3)) % 23,
    );
    const sum = (found: readonly (number | undefined)[]) =>
      found.reduce<number>(
        (total, c, r) =>
          total +
          (c === undefined || r >= rows || c >= columns ? 0 : (table[r * columns + c] as number)),
        0,
      );
    const best = Math.max(...permutations(Math.max(rows, columns)).map(sum));
    expect(sum(bestMatching(table, rows, columns))).toBe(best);
  }
});

test('agreement of groups with classes', () => {
  const classes = [0, 0, 0, 1, 1, 1, 2, 2];
  const turned = classes.map((c) => (c + 1) % 3);
  expect(agreement(turned, 3, classes, 3)).toMatchObject({
    accuracy: 1,
    adjustedRandIndex: 1,
    classes: [2, 0, 1],
  });
  // scikit-learn 1.2.1: adjusted_rand_score, normalized_mutual_info_score.
  const off = agreement([0, 0, 1, 1, 1, 1, 2, 0], 3, classes, 3);
  expect(off.accuracy).toBe(6 / 8);
  expect(off.adjustedRandIndex).toBeCloseTo(0.30434782608695654, 9);
  expect(off.normalizedMutualInformation).toBeCloseTo(0.5468828911699957, 9);
});
