/** `anomaly` on the command line: every area from the scores that other commands tell, by counting pairs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy } from '../src/formats/npy.ts';
import { quantile } from '../src/quantile.ts';
import { ROOT } from './support/cli.ts';
import { CommandLine } from './support/command-line.ts';

vi.setConfig({ testTimeout: 180_000 });

let at: CommandLine;

const numbers = async (name: string): Promise<number[]> =>
  Array.from(readNpy(new Uint8Array(await readFile(at.here(name)))).data as Float32Array);

/** The share of pairs in which the strange row has the higher score. */
function areaOf(normal: readonly number[], strange: readonly number[]): number {
  let wins = 0;
  for (const a of normal) for (const b of strange) wins += b > a ? 1 : b === a ? 0.5 : 0;
  return wins / (normal.length * strange.length);
}

/** Mean precision at each strange row, without ties. */
function precisionOf(normal: readonly number[], strange: readonly number[]): number {
  const shares = strange.map((own) => {
    const above = (of: readonly number[]) => of.filter((score) => score >= own).length;
    return above(strange) / (above(strange) + above(normal));
  });
  return shares.reduce((a, b) => a + b, 0) / strange.length;
}

const [NORMAL, STRANGE] = [100, 50];

beforeAll(async () => {
  at = await CommandLine.open('anomaly');
  const text = await readFile(join(ROOT, 'tests/fixtures/tables/iris.csv'), 'utf8');
  const [heading, ...lines] = text.trimEnd().split('\n') as [string, ...string[]];
  const write = (name: string, rows: string[]) =>
    writeFile(at.here(name), `${[heading, ...rows].join('\n')}\n`);
  await write('two.csv', lines.slice(0, NORMAL));
  await write('third.csv', lines.slice(NORMAL));
  const train = 'train ppca --data two.csv --label-column Species --seed 1 --quiet';
  await at.works(`${train} --out own --set latent=2`);
  await at.works(`${train} --out background --set latent=2 noise=0.4`);
  await at.works(
    'train classifier --data two.csv --label-column Species --standardize --epochs 60 --batch 20 --out classes --seed 1 --quiet',
  );
}, 180_000);
afterAll(() => at.close());

test('areas are those of log p(x), of its ratio to the background and of reconstructions', async () => {
  const found = await at.json(
    'anomaly own --split train --against third.csv --background background --out roc.png',
  );
  expect([found.count, found.anomalies]).toEqual([NORMAL, STRANGE]);
  const scores: Record<string, number[]> = {};
  for (const [kind, data] of [
    ['normal', 'two.csv'],
    ['strange', 'third.csv'],
  ] as const) {
    for (const model of ['own', 'background']) {
      await at.works(`score ${model} --split train --data ${data} --out s.npy --quiet`);
      scores[`${model} ${kind}`] = await numbers('s.npy');
    }
    await at.works(`reconstruct own --split train --data ${data} --out r.npy --quiet`);
    const again = await numbers('r.npy');
    const rows = (await readFile(at.here(data), 'utf8')).trimEnd().split('\n').slice(1);
    scores[`error ${kind}`] = rows.map((line, i) =>
      line
        .split(',')
        .slice(0, 4)
        .reduce((sum, cell, j) => sum + (Number(cell) - (again[4 * i + j] as number)) ** 2, 0),
    );
  }
  const of = (name: string) => scores[name] as number[];
  const minus = (kind: string) =>
    of(`own ${kind}`).map((value, i) => (of(`background ${kind}`)[i] as number) - value);
  const unlikely = (kind: string) => of(`own ${kind}`).map((value) => -value);
  const want = {
    logProb: [unlikely('normal'), unlikely('strange')],
    likelihoodRatio: [minus('normal'), minus('strange')],
    reconstruction: [of('error normal'), of('error strange')],
  } as const;
  for (const [name, [normal, strange]] of Object.entries(want)) {
    expect(found.auroc[name], name).toBeCloseTo(areaOf(normal, strange), 3);
    expect(found.auprc[name], name).toBeCloseTo(precisionOf(normal, strange), 2);
  }
  // Another species is strange to a density, and the background has learned less of what is usual.
  expect(found.auroc.logProb).toBeGreaterThan(0.9);
  expect(found.auroc.likelihoodRatio).not.toBe(found.auroc.logProb);
  const png = await readFile(at.here('roc.png'));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
});

test('rows of which a classifier is sure and the density is not', async () => {
  const found = await at.json('anomaly own --split train --against third.csv --classifier classes');
  await at.works('score own --split train --data two.csv --out own.npy --quiet');
  await at.works('score own --split train --data third.csv --out s.npy --quiet');
  await at.works('predict classes --data third.csv --out p.npy --quiet');
  const least = quantile(await numbers('own.npy'), 0.05);
  const [logProb, p] = [await numbers('s.npy'), await numbers('p.npy')];
  const sure = logProb
    .map((value, row) => ({ row, value, p: Math.max(...p.slice(2 * row, 2 * row + 2)) }))
    .filter((each) => each.value < least && each.p >= 0.9)
    .sort((a, b) => a.value + Math.log(a.p) - b.value - Math.log(b.p));
  expect(sure.length).toBeGreaterThan(5);
  const rows = found.confidentButUnlikely as { row: number; class: number; confidence: number }[];
  expect(rows.map(({ row }) => row)).toEqual(sure.map(({ row }) => row));
  for (const { row, class: best, confidence } of rows) {
    expect(confidence).toBeCloseTo(p[2 * row + best] as number, 6);
    expect(p[2 * row + best]).toBe(Math.max(...p.slice(2 * row, 2 * row + 2)));
  }
});

test('mistakes are told in one line', async () => {
  await at.works(
    'train ppca --data third.csv --label-column Species --set latent=2 --out other --quiet',
  );
  const refused = {
    'anomaly own --split train --against third.csv --background other':
      '--background other was trained on other data than own',
    'anomaly own --split train --against third.csv --classifier own':
      'own holds a model that knows no classes',
    'anomaly own --split train --against rotated': 'rotated',
    'anomaly classes --split train --against third.csv':
      'classes gives data neither probability nor reconstruction',
  };
  for (const [line, words] of Object.entries(refused)) {
    const { code, stdout, stderr } = await at.run(line);
    expect([code, stdout], line).toEqual([2, '']);
    // A remark on the model may stand before it.
    expect(stderr.trimEnd().split('\n').at(-1), line).toContain(words);
  }
});
