/** Models that are told columns of a table: p(x | columns) is what it should be, on the command line. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy } from '../src/formats/npy.ts';
import { CommandLine } from './support/command-line.ts';
import { reals } from './support/engine.ts';

vi.setConfig({ testTimeout: 240_000 });

let at: CommandLine;

/** y = 2a - b + noise of deviation 0.5, and z = -a + noise of 0.3; columns in other units than their deviations. */
const rows = (count: number) => {
  const uniform = (name: string) => reals(name, count, 0, 1);
  const [a, b, n, m] = ['a', 'b', 'n', 'm'].map(uniform) as Float32Array[];
  // Sums of two uniforms would not do: only means and deviations are asked for.
  const noise = (u: Float32Array, i: number) => Math.sqrt(12) * ((u[i] as number) - 0.5);
  return Array.from({ length: count }, (_, i) => {
    const [own, other] = [10 * (a?.[i] as number), 4 * (b?.[i] as number)];
    const y = 2 * own - other + 0.5 * noise(n as Float32Array, i);
    return [own, y, other, -own + 0.3 * noise(m as Float32Array, i)];
  });
};

const csv = (values: readonly (readonly (number | string)[])[], header = 'age,y,dose,z') =>
  `${header}\n${values.map((row) => row.join(',')).join('\n')}\n`;

beforeAll(async () => {
  at = await CommandLine.open('told');
  const all = rows(600);
  await writeFile(at.here('t.csv'), csv(all));
  await writeFile(
    at.here('turned.csv'),
    csv(
      all.slice(0, 50).map(([a, y, b, z]) => [z as number, b as number, y as number, a as number]),
      'z,dose,y,age',
    ),
  );
  await writeFile(
    at.here('holes.csv'),
    csv(all.slice(0, 20).map((r, i) => (i === 7 ? ['', ...r.slice(1)] : r))),
  );
  const gap = all.slice(0, 20).map(([a, y, b, z], i) => [a, i === 3 ? '' : y, b, z] as number[]);
  await writeFile(at.here('gap.csv'), csv(gap));
  await writeFile(at.here('other.csv'), csv(all.slice(0, 20), 'age,y,weight,z'));
}, 240_000);
afterAll(() => at.close());

const KEYS = 'latent=1 encoder.hidden=16 decoder.hidden=16 optimizer.lr=0.01';
const TRAIN = `train cvae --data t.csv --standardize --hold-out 100 --batch 50 --seed 1 --quiet`;

async function array(path: string): Promise<{ shape: number[]; data: Float32Array }> {
  const { shape, data } = readNpy(new Uint8Array(await readFile(at.here(path))));
  return { shape, data: data as Float32Array };
}

const meanOf = (data: Float32Array, column: number) => {
  const values = [...data].filter((_, i) => i % 4 === column);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};

test('draws, densities and codes are given what is told; runs resume to the same bits', async () => {
  const train = `${TRAIN} --condition age,dose`;
  await Promise.all([
    at.works(`${train} --steps 400 --out whole --set ${KEYS}`),
    at.works(`${train} --steps 150 --out parts --set ${KEYS}`),
  ]);
  await at.works('train cvae --resume --steps 400 --out parts --quiet');
  expect([...(await at.weightsOf('parts'))]).toEqual([...(await at.weightsOf('whole'))]);
  const model = JSON.parse(await readFile(at.here('whole/model.json'), 'utf8'));
  expect(model.condition).toEqual([0, 2]);
  expect(model.data.columns).toEqual(['age', 'y', 'dose', 'z']);

  // Of what is told draws are what they should be, and what is told comes back as it was said.
  await at.works('sample whole --count 400 --draw --where age=8,dose=1 --seed 3 --out high.npy');
  await at.works('sample whole --count 400 --draw --where dose=1,age=2 --seed 3 --out low.npy');
  const [high, low] = [await array('high.npy'), await array('low.npy')];
  expect(high.shape).toEqual([400, 4]);
  for (const [data, age] of [
    [high.data, 8],
    [low.data, 2],
  ] as const) {
    expect(meanOf(data, 0)).toBeCloseTo(age, 4);
    expect(meanOf(data, 2)).toBeCloseTo(1, 4);
    // Half a deviation of the noise: the fit is of 500 rows, the mean of 400 draws.
    expect(Math.abs(meanOf(data, 1) - (2 * age - 1))).toBeLessThan(0.6);
    expect(Math.abs(meanOf(data, 3) + age)).toBeLessThan(0.4);
  }
  // Of some columns: the others are those of training rows in turn. Of none: all of them.
  await at.works('sample whole --count 300 --where dose=1 --out some.npy');
  const some = await array('some.npy');
  expect(meanOf(some.data, 2)).toBeCloseTo(1, 4);
  expect(new Set([...some.data].filter((_, i) => i % 4 === 0)).size).toBeGreaterThan(200);
  await at.works('sample whole --count 10 --out any.npy');

  // The same rows with their columns in another order are the same rows.
  await at.works('reconstruct whole --data turned.csv --out r.npy');
  const again = await array('r.npy');
  const [first] = rows(600);
  expect(again.data[0]).toBeCloseTo(first?.[0] as number, 3);
  expect(again.data[2]).toBeCloseTo(first?.[2] as number, 3);
  await at.works('reconstruct whole --data turned.csv --where age=5 --out as.npy');
  const as = await array('as.npy');
  expect([...as.data].filter((_, i) => i % 4 === 0).every((v) => Math.abs(v - 5) < 1e-4)).toBe(
    true,
  );

  // p(y, z | age, dose): about the entropy of two noises, log √12·0.5 + log √12·0.3 = 0.59 nats.
  const found = await at.json('eval whole --samples 50');
  expect(found.nll.value).toBeGreaterThan(0.4);
  expect(found.nll.value).toBeLessThan(1.6);
  await at.works('encode whole --out z.npy');
  await at.works('decode whole --data z.npy --where age=1,dose=2 --out d.npy');
  await at.works('manifold whole --where age=1,dose=2 --side 4 --out m.npy');
  await at.works('interpolate whole --from 0 --to 1 --where age=1,dose=2 --out i.npy');
  await at.works('impute whole --data gap.csv --samples 200 --draws 2 --out x.csv');
  await at.works('export whole --out whole.onnx');
  await at.works('report whole --out page.html');
  await at.refuses({
    'sample whole --where weight=3 --out x.npy': `--where: whole is not told "weight", but age, dose; did you mean 'age'?`,
    'sample whole --where y=3 --out x.npy': 'whole is not told "y", but age, dose',
    'sample whole --where age=old --out x.npy': '--where: age is "old"; it must be a number',
    'sample whole --where age --out x.npy': '--where "age": say a column and a value, age=1',
    'sample whole --where age=1,age=2 --out x.npy': '--where: age is said twice',
    'decode whole --data z.npy --where age=1 --out x.npy':
      'whole holds a model that is told age, dose; say --where age=…,dose=…',
    'score whole --data other.csv --out s.npy': 'weight',
    'score whole --data holes.csv --out s.npy': 'row 7 lacks "age", which the model is told',
    'export whole --to web --out site': 'whole is not exported: it is told columns of each row',
    'train cvae --resume --condition age --out whole': '--condition: a continued run is told',
  });
});

test('headings with commas and signs in them are said as they stand', async () => {
  const names = ['a,b', 'y', 'c=d', '--e'];
  const text = csv(rows(60), names.map((name) => (name.includes(',') ? `"${name}"` : name)).join());
  await writeFile(at.here('odd.csv'), text);
  const train = 'train cvae --data odd.csv --standardize --batch 20 --steps 2 --quiet';
  await at.works(`${train} --condition a,b --out odd --set ${KEYS}`);
  await at.works('sample odd --count 3 --where a,b=7 --out o.npy');
  expect(meanOf((await array('o.npy')).data, 0)).toBeCloseTo(7, 4);
  await at.works(`${train} --condition 1,c=d,--e --out three --set ${KEYS}`);
  await at.works('sample three --count 3 --where c=d=2,a,b=7,--e=1 --out o.npy');
  const { data } = await array('o.npy');
  for (const [column, value] of [
    [0, 7],
    [2, 2],
    [3, 1],
  ] as const) {
    expect(meanOf(data, column)).toBeCloseTo(value, 4);
  }
  await at.refuses({
    'sample three --where a,b --out x.npy': '--where "a,b": say a column and a value',
  });
});

test('what cannot be told is refused in a line', async () => {
  await at.refuses({
    [`${TRAIN} --condition age,weight --out no`]: '--condition weight: t.csv has no such column',
    [`${TRAIN} --condition age,age --out no`]: 'condition has column 0: named twice',
    [`${TRAIN} --condition 1,2,3,4 --out no`]: 'condition names all 4 columns',
    'train vae --data t.csv --standardize --condition age --out no':
      '--condition: vae is told no columns; train cvae, or leave it out',
    [`${TRAIN} --condition age --out no --set outputBias=data`]:
      'outputBias=data is of all columns',
    'train cvae --data ecg --condition 3 --out no':
      'condition names columns of a table, and data points are series',
  });
});
