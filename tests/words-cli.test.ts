/** Tables of numbers and words on the command line: what is learned of both, written, asked, exported. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CommandLine } from './support/command-line.ts';
import { reals } from './support/engine.ts';

vi.setConfig({ testTimeout: 240_000 });

let at: CommandLine;

const AGES = { cook: 30, nurse: 35, smith: 50 };
const JOBS = Object.keys(AGES) as (keyof typeof AGES)[];

/** A job tells an age, and a share of women: 0.9 of nurses, 0.3 of others. */
const people = (count: number) => {
  const [job, sex, more, other] = ['job', 'sex', 'more', 'other'].map((name) =>
    reals(name, count, 0, 1),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  return Array.from({ length: count }, (_, i) => {
    const name = JOBS[Math.floor(3 * (job[i] as number))] as keyof typeof AGES;
    const isFemale = (sex[i] as number) < (name === 'nurse' ? 0.9 : 0.3);
    const age = AGES[name] + 6 * ((more[i] as number) + (other[i] as number) - 1);
    return { age: age.toFixed(1), job: name, sex: isFemale ? 'f' : 'm', pay: (2 * age).toFixed(1) };
  });
};

type Row = Readonly<Record<string, string>>;

const csv = (rows: readonly Row[], names = ['age', 'job', 'sex', 'pay']) =>
  `${[names, ...rows.map((row) => names.map((name) => row[name] ?? ''))].map((r) => r.join()).join('\n')}\n`;

async function rowsOf(path: string): Promise<Row[]> {
  const text = await readFile(at.here(path), 'utf8');
  const [names = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  return lines.map((cells) => Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])));
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const those = (rows: readonly Row[], job: string) => rows.filter((row) => row.job === job);

const KEYS = 'latent=3 encoder.hidden=32 decoder.hidden=32 optimizer.lr=0.01';
const TRAIN = '--data t.csv --standardize --hold-out 100 --batch 50 --seed 1 --quiet';

beforeAll(async () => {
  at = await CommandLine.open('words');
  const all = people(700);
  await writeFile(at.here('t.csv'), csv(all));
  await writeFile(at.here('turned.csv'), csv(all.slice(0, 30), ['sex', 'pay', 'job', 'age']));
  const holes = all.slice(0, 30).map((row, i) => ({ ...row, ...(i % 3 === 0 && { job: '' }) }));
  await writeFile(at.here('holes.csv'), csv(holes));
  await writeFile(at.here('other.csv'), csv([{ ...all[0], job: 'pilot' } as Row]));
  await at.works(`train vae ${TRAIN} --epochs 40 --out vae --set ${KEYS}`);
}, 240_000);
afterAll(() => at.close());

test('draws say of words and numbers together what the data do', async () => {
  const model = JSON.parse(await readFile(at.here('vae/model.json'), 'utf8'));
  expect(model.data.columns).toEqual([
    ...['age', 'job=cook', 'job=nurse', 'job=smith', 'sex=f', 'sex=m', 'pay'],
  ]);
  expect(model.data.categories).toEqual([
    { column: 'job', at: 1, levels: JOBS },
    { column: 'sex', at: 4, levels: ['f', 'm'] },
  ]);
  // A word is 1 or 0 for the model, and no deviation of it is taken.
  const std = (await at.weightsOf('vae')).get('standardize.std')?.data as Float32Array;
  expect([...std.subarray(1, 6)]).toEqual([1, 1, 1, 1, 1]);
  await at.works('sample vae --count 1000 --draw --seed 2 --out more.csv');
  const rows = await rowsOf('more.csv');
  expect(Object.keys(rows[0] as Row)).toEqual(['age', 'job', 'sex', 'pay']);
  for (const job of JOBS) {
    const own = those(rows, job);
    expect(own.length, job).toBeGreaterThan(200);
    expect(Math.abs(mean(own.map(({ age }) => Number(age))) - AGES[job]), job).toBeLessThan(3);
    const women = mean(own.map(({ sex }) => Number(sex === 'f')));
    expect(Math.abs(women - (job === 'nurse' ? 0.9 : 0.3)), job).toBeLessThan(0.2);
  }
});

test('rows come back as they were, in whatever order their columns stand', async () => {
  await at.works('reconstruct vae --data turned.csv --count 30 --out back.csv');
  const [own, back] = [people(30), await rowsOf('back.csv')];
  const right = own.filter((row, i) => row.job === back[i]?.job).length;
  expect(right).toBeGreaterThan(26);
  await at.works('encode vae --data turned.csv --out codes.csv');
  expect(Object.keys((await rowsOf('codes.csv'))[0] as Row)).toEqual(['z1', 'z2', 'z3']);
  await at.works('decode vae --data codes.csv --out decoded.csv');
  expect((await rowsOf('decoded.csv')).map(({ job }) => job)).toEqual(back.map(({ job }) => job));
  await at.works('interpolate vae --from 0 --to 1 --steps 4 --out between.csv');
  await at.works('report vae --out page.html');
  await at.works('export vae --out vae.onnx');
});

test('words that are missing are filled in, and told apart from numbers', async () => {
  await at.works('impute vae --data holes.csv --samples 200 --out filled.csv');
  const [own, filled] = [people(30), await rowsOf('filled.csv')];
  for (const [i, row] of filled.entries()) if (i % 3 !== 0) expect(row.job).toBe(own[i]?.job);
  const right = filled.filter((row, i) => i % 3 === 0 && row.job === own[i]?.job).length;
  expect(right).toBeGreaterThan(6);
  const found = await at.json('impute vae --hide random:0.3 --samples 200 --out some.csv');
  expect(found.words.accuracy).toBeGreaterThan(found.words.frequentAccuracy + 0.1);
  expect(found.mse).toBeLessThan(found.meanMse);
  // A word is one value, however many features it has.
  expect(found.missing).toBe(found.hidden + found.words.hidden);
});

test('of words alone that were hidden no error of numbers is told', async () => {
  const words = people(60).map(({ job, sex }) => ({ job, sex }));
  await writeFile(at.here('w.csv'), csv(words, ['job', 'sex']));
  const net = 'latent=1 encoder.hidden=4 decoder.hidden=4';
  await at.works(`train vae --data w.csv --batch 20 --epochs 1 --quiet --out words --set ${net}`);
  const line = 'impute words --split train --hide random:0.3 --samples 5 --out w.filled.csv';
  const found = await at.json(line);
  expect(found.words.hidden).toBeGreaterThan(10);
  expect([found.hidden, found.mse, found.meanMse]).toEqual([0, undefined, undefined]);
  const { stdout } = await at.works(line);
  expect(stdout).toMatch(/words +0\.\d+ of \d+ hidden ones are right/);
  expect(stdout).not.toMatch(/^error/m);
});

test('extents are columns, with the features that they are', async () => {
  expect((await at.works('inspect vae')).stdout).toContain('vae: 4 columns (7 features)');
  const { stdout } = await at.works('sample vae --count 2 --out two.csv');
  expect(stdout).toContain('2 means of 4 columns (7 features)');
});

test('what was left out by number in training may be missing later on', async () => {
  const rows = people(60).map((row, i) => [`${1000 + 7 * i}`, row.age, row.job, row.pay]);
  const text = (from: number) => `${rows.map((row) => row.slice(from).join()).join('\n')}\n`;
  for (const from of [0, 1, 2]) await writeFile(at.here(`bare${from}.csv`), text(from));
  const net = 'latent=1 encoder.hidden=4 decoder.hidden=4';
  const train = 'train vae --data bare0.csv --drop 1 --standardize --batch 20 --epochs 1 --quiet';
  await at.works(`${train} --test bare1.csv --out bare --set ${net}`);
  const [whole, less] = await Promise.all([
    at.works('score bare --data bare0.csv --out whole.npy'),
    at.works('score bare --data bare1.csv --out less.npy'),
  ]);
  expect(whole.stderr).toContain('bare0.csv: it has no headings; as in training: --drop 1');
  expect(less.stderr).toContain(
    'bare1.csv: it has no headings, and 3 columns, as many as the model takes: --drop 1 of its training is left aside',
  );
  expect(await readFile(at.here('less.npy'))).toEqual(await readFile(at.here('whole.npy')));
  await at.works('eval bare --samples 2');
  // Columns without headings are counted among those that are left.
  const told = 'train cvae --data bare0.csv --drop 1 --standardize --batch 20 --epochs 1 --quiet';
  await at.works(`${told} --condition 2 --out bare-told --set ${net}`);
  await at.works('sample bare-told --where 2=nurse --count 1 --out one.csv');
  expect(await readFile(at.here('one.csv'), 'utf8')).toMatch(/,nurse,/);
  await at.works('train bayes-linear --data bare0.csv --drop 1 --target 3 --out paid --quiet');
  await at.works('predict paid --data bare1.csv --columns 1-3 --out paid.csv');
  const { code, stderr } = await at.run('score bare --data bare2.csv --out x.npy');
  expect(code).toBe(2);
  expect(stderr).toContain('has 1 column and the model takes 3 columns (5 features)');
});

test('a model that is told a word describes the rest of the row', async () => {
  const train = `train cvae ${TRAIN} --condition job --epochs 20 --out told --set ${KEYS}`;
  await at.works(train);
  await at.works('sample told --where job=nurse --count 300 --draw --seed 1 --out n.csv');
  const nurses = await rowsOf('n.csv');
  expect(new Set(nurses.map(({ job }) => job))).toEqual(new Set(['nurse']));
  expect(Math.abs(mean(nurses.map(({ age }) => Number(age))) - AGES.nurse)).toBeLessThan(2);
  await at.works('train bayes-linear --data t.csv --target pay --hold-out 100 --out pay --quiet');
  await at.works('predict pay --data t.csv --out paid.csv');
  await at.refuses({
    'sample told --where job=nusre --out x.csv': `--where: job is "nusre"; it may be "cook", "nurse", "smith"; did you mean "nurse"?`,
    'sample told --where age=3 --out x.csv': 'told is not told "age", but job',
    'score vae --data other.csv --out x.npy': 'column 2 ("job") holds "pilot", which the data',
    'impute vae --hide last:2 --out x.csv': '--hide last:2: t.csv holds words',
    'train ae --data holes.csv --standardize --out x':
      'or train a family that takes words and missing values: vae, iwae, cvae, hvae',
    'train gmm --data holes.csv --standardize --out x':
      'or train a family that takes words and missing values: vae, iwae, cvae, hvae',
    'train gmm --data t.csv --standardize --out x': 'or train a family that takes words: vae',
    'train gmm --data t.csv --categorical job --out x': '--categorical job: gmm takes numbers',
  });
  // What was said of the table stands above these.
  for (const [line, why] of [
    ['train bayes-linear --data t.csv --target job --out x', 'it is a column of words'],
    ['train vae --data t.csv --standardize --set outputBias=data --out x', 'have columns of words'],
  ] as const) {
    const { code, stderr } = await at.run(line);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  }
});

test('categories that are none are refused in model.json', async () => {
  await cp(at.here('vae'), at.here('edited'), { recursive: true });
  const model = JSON.parse(await readFile(at.here('vae/model.json'), 'utf8'));
  const [job, sex] = model.data.categories;
  for (const categories of [
    [{ ...job, at: 3 }, sex],
    [job, { ...sex, levels: ['f', 'f'] }],
    [job, { ...sex, column: 'job' }],
    [sex, job],
  ]) {
    const edited = { ...model, data: { ...model.data, categories } };
    await writeFile(at.here('edited/model.json'), JSON.stringify(edited));
    await at.refuses({
      'sample edited --count 1 --out x.csv': 'data.categories must be a list of',
    });
  }
});

test('columns and words are said as they are, commas and signs in them', async () => {
  const words = ['k=v', 'a,b', '=1', 'a'];
  const rows = words.flatMap((word, i) => [0, 1, 2].map((j) => `${i + j},"${word}",${j % 2}.5`));
  await writeFile(at.here('signs.csv'), `n,"w,x=y",m\n${rows.join('\n')}\n`);
  const train =
    'train cvae --data signs.csv --standardize --batch 6 --epochs 1 --quiet --out signs';
  await at.works(`${train} --condition 2,3 --set latent=1 encoder.hidden=4 decoder.hidden=4`);
  for (const word of words) {
    await at.works(`sample signs --where w,x=y=${word},m=0.5 --count 1 --out one.csv`);
    const line = (await readFile(at.here('one.csv'), 'utf8')).split('\n')[1];
    expect(line?.replaceAll('"', '')).toContain(`,${word},0.5`);
  }
  await at.refuses({
    'sample signs --where w,x=y=k=w,m=1 --out x.csv': `--where: w,x=y is "k=w"; it may be`,
    'sample signs --where w,x=y=a, --out x.csv': '--where "": say a column and a value',
    'sample signs --where z=1 --out x.csv': 'is not told "z", but w,x=y, m',
  });
});

test.each(['ae', 'iwae', 'hvae', 'm2', 'vade'])('%s learns of words', async (family) => {
  const label = family === 'm2' ? '--label-column sex' : '';
  const own = {
    hvae: 'latents=2,1 encoder.hidden=8 decoder.hidden=8 between.hidden=8',
    vade: 'latent=2 components=3 encoder.hidden=8 decoder.hidden=8 pretrain.epochs=1',
  }[family];
  const keys = own ?? 'latent=2 encoder.hidden=8 decoder.hidden=8';
  await at.works(`train ${family} ${TRAIN} ${label} --epochs 3 --out ${family} --set ${keys}`);
  await at.works(`reconstruct ${family} --count 5 --out ${family}.csv`);
  const rows = await rowsOf(`${family}.csv`);
  expect(rows.every((row) => JOBS.includes(row.job as keyof typeof AGES))).toBe(true);
});
