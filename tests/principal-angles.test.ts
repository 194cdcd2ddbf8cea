/** A linear autoencoder's plane against that of principal components: a formula, and a training run. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Matrix } from 'ml-matrix';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anglesBetween } from '../src/models/index.ts';
import { ROOT } from './support/cli.ts';
import { perform } from './support/perform.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-angles-'));
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['tiny', [1e-9, 1e-6]],
  ['some', [0.2, 1.1]],
  ['right', [0, Math.PI / 2]],
])('angles that are %s are found, whatever basis spans a plane', (_, angles) => {
  const [first, second] = angles as [number, number];
  // Planes of the first two axes, and of those turned towards the third and the fourth.
  const axes = new Matrix([
    [1, 0],
    [0, 1],
    [0, 0],
    [0, 0],
    [0, 0],
  ]);
  const turned = new Matrix([
    [Math.cos(first), 0],
    [0, Math.cos(second)],
    [Math.sin(first), 0],
    [0, Math.sin(second)],
    [0, 0],
  ]);
  const basis = turned.mmul(
    new Matrix([
      [2, -1],
      [0.5, 3],
    ]),
  );
  const found = anglesBetween(basis.to2DArray(), axes.to2DArray());
  expect(found.length).toBe(2);
  expect(Math.abs((found[0] as number) - first)).toBeLessThan(1e-12);
  expect(Math.abs((found[1] as number) - second)).toBeLessThan(1e-12);
});

test('a linear autoencoder comes to the plane of principal components', async () => {
  const run = async (line: string) => {
    const { code, stdout, stderr } = await perform(line.split(' '), folder);
    expect(code, `${line}\n${stderr}`).toBe(0);
    return stdout;
  };
  const iris = join(ROOT, 'tests/fixtures/tables/iris.csv');
  const train = (out: string, how: string) =>
    run(
      `train ae --data ${iris} --label-column Species --standardize --out ${out} --seed 1 --batch 150 ${how} --quiet --set latent=2 encoder.kind=linear decoder.kind=linear optimizer.lr=2e-2 evaluate.every=0`,
    );
  const angles = async (dir: string): Promise<number[]> =>
    JSON.parse(await run(`eval ${dir} --split train --json`)).principalAngles;
  await train('begun', '--steps 1');
  await train('done', '--steps 1500');
  const [begun, done] = [await angles('begun'), await angles('done')];
  expect(begun.length).toBe(2);
  expect(begun[1]).toBeGreaterThan(0.3);
  expect(done[0]).toBeLessThanOrEqual(done[1] as number);
  expect(done[1]).toBeLessThan(0.01);
  expect(await run('eval done --split train')).toMatch(/principal angles +0\.00\d+ radians/);
  const told = JSON.parse(await run('report done --json')).evaluation.principalAngles;
  expect(told).toEqual(done);
  const page = await readFile(join(folder, 'done/report.html'), 'utf8');
  const said = `principal components of the training rows: ${done.map((x) => x.toFixed(4)).join(', ')} radians`;
  expect(page).toContain(said);
  await run(
    `train ae --data ${iris} --label-column Species --standardize --out bent --steps 1 --batch 150 --quiet --set latent=2`,
  );
  expect(await angles('bent')).toBeUndefined();
});
