/** Where VaDE's clusters begin: rows that hang together, copies of images that count as one, and the moments of their codes. */
import { expect, test } from 'vitest';
import type { ImageDataset } from '../src/data/dataset.ts';
import { kMeans } from '../src/models/families/gmm/k-means.ts';
import { linkedClusters, NOWHERE } from '../src/models/families/vade/linkage.ts';
import { mover } from '../src/models/families/vade/moved.ts';
import { nearestRows } from '../src/models/families/vade/neighbours.ts';
import { mixtureOfParts, partsOf } from '../src/models/families/vade/parts.ts';
import { Random } from '../src/random.ts';
import { device } from './support/device.ts';
import { trainerOn } from './support/fitted.ts';

/** Two half circles that reach into each other, row i of moon i mod 2, and so many rows far from all. */
function moons(count: number, apart = 0): Float32Array {
  const random = new Random(3, 900, 0);
  const rows = new Float32Array(2 * (count + apart));
  for (let i = 0; i < count; i++) {
    const angle = Math.PI * random.uniform();
    const side = i % 2 === 0 ? 1 : -1;
    const noise = () => 0.1 * (random.uniform() - 0.5);
    rows[2 * i] = side * (Math.cos(angle) - 0.5) + noise();
    rows[2 * i + 1] = side * (Math.sin(angle) - 0.25) + noise();
  }
  for (let i = count; i < count + apart; i++) rows.set([30 + 0.01 * i, -30], 2 * i);
  return rows;
}

/** The share of rows on the side of most of their moon. */
function agreement(labels: Iterable<number>): number {
  const list = [...labels];
  const right = list.filter((label, i) => label === i % 2).length / list.length;
  return Math.max(right, 1 - right);
}

test('clusters of any shape are found where k-means cuts across; rows far from all are in none', async () => {
  const rows = moons(400, 6);
  const labels = await linkedClusters(await nearestRows(rows, 2, 20), 2);
  expect(agreement(labels.subarray(0, 400))).toBe(1);
  expect(Array.from(labels.subarray(400))).toEqual(new Array(6).fill(NOWHERE));
  const cut = kMeans(Float64Array.from(moons(400)), 2, 2, new Random(1, 304, 0)).labels;
  expect(agreement(cut)).toBeLessThan(0.9);
});

test('as many clusters as rows are the rows, and equal rows do no harm', async () => {
  const apart = Float32Array.of(0, 1, 5, 6);
  expect(new Set(await linkedClusters(await nearestRows(apart, 1, 20), 4)).size).toBe(4);
  const equal = new Float32Array(24);
  const labels = await linkedClusters(await nearestRows(equal, 2, 5), 3);
  expect(new Set([...labels].filter((label) => label !== NOWHERE)).size).toBe(3);
});

test('nearest rows are those of all distances', async () => {
  const random = new Random(5, 900, 0);
  const [size, features, count] = [37, 131, 4];
  const rows = Float32Array.from({ length: size * features }, () => random.uniform());
  const { nearest, distances } = await nearestRows(rows, features, count);
  for (let i = 0; i < size; i++) {
    const all = Array.from({ length: size }, (_, j) => {
      let total = 0;
      for (let d = 0; d < features; d++) {
        total += ((rows[i * features + d] as number) - (rows[j * features + d] as number)) ** 2;
      }
      return { j, total };
    })
      .filter(({ j }) => j !== i)
      .sort((a, b) => a.total - b.total);
    for (let k = 0; k < count; k++) {
      expect(nearest[i * count + k]).toBe(all[k]?.j);
      expect(distances[i * count + k]).toBeCloseTo(all[k]?.total as number, 9);
    }
  }
});

test('copies of an image are itself, turned and shifted, and near what they are copies of', async () => {
  const image = Float32Array.of(0, 0, 0, 0, 1, 2, 0, 0, 0);
  const { count, of } = mover([3, 3], { shift: 1, turn: 90 });
  expect(count).toBe(15);
  const copies = Array.from({ length: count }, (_, c) =>
    Array.from(of(image, 0).subarray(9 * c, 9 * c + 9), (x) => Math.round(x * 1e6) / 1e6 || 0),
  );
  expect(copies[0]).toEqual(Array.from(image));
  expect(copies.slice(1, 5)).toEqual([
    [0, 0, 0, 0, 0, 1, 0, 0, 0],
    [0, 0, 0, 1, 2, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0, 1, 2],
    [0, 1, 2, 0, 0, 0, 0, 0, 0],
  ]);
  const turned = [
    [0, 2, 0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 1, 0, 0, 2, 0],
  ];
  expect([copies[5], copies[10]]).toEqual(expect.arrayContaining(turned));
  // Of three rows the turned one is nearer than one that differs a little.
  const rows = Float32Array.from([
    ...image,
    0,
    0,
    0,
    0,
    1,
    1.2,
    0,
    0,
    0,
    ...(turned[0] as number[]),
  ]);
  expect((await nearestRows(rows, 9, 1)).nearest[0]).toBe(1);
  const turning = mover([3, 3], { shift: 0, turn: 90 });
  expect((await nearestRows(rows, 9, 1, turning)).nearest[0]).toBe(2);
  const colours = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  const right = mover([2, 2, 3], { shift: 1, turn: 0 }).of(colours, 0).slice(12, 24);
  expect(Array.from(right)).toEqual([0, 0, 0, 1, 2, 3, 0, 0, 0, 7, 8, 9]);
});

test('a mixture has the moments of the codes of what hangs together', async () => {
  const count = 400;
  const data = moons(count);
  const random = new Random(9, 900, 0);
  const codes = Float32Array.from({ length: count }, (_, i) => (i % 2 ? 3 : -3) + random.uniform());
  const rows = (start: number, end: number) => data.subarray(2 * start, 2 * end);
  const options = {
    kind: 'full',
    components: 2,
    features: 1,
    how: 'kmeans',
    regularize: 0,
  } as const;
  const fit = async (seed: number) => {
    const parts = await partsOf({ count, rows }, 2, undefined, seed);
    return mixtureOfParts(codes, parts, { ...options, columns: undefined });
  };
  const { logWeights, mean, factor } = await fit(1);
  expect(Array.from(logWeights, Math.exp)).toEqual([0.5, 0.5]);
  const [low, high] = [...mean].sort((a, b) => a - b) as [number, number];
  expect(low).toBeCloseTo(-2.5, 1);
  expect(high).toBeCloseTo(3.5, 1);
  // Uniform on a unit: σ² = 1/12.
  for (const log of factor) expect(Math.exp(-2 * log)).toBeCloseTo(1 / 12, 1);
  expect(await fit(1)).toEqual(await fit(1));
});

test('images alone are moved', async () => {
  const data: ImageDataset<Float32Array> = {
    ...{ name: 'moons', source: 'moons', count: 400, shape: [2] },
    data: moons(400),
  };
  const few = ['components=2', 'latent=2', 'epochs=2', 'pretrain.epochs=1'];
  await expect(trainerOn(device, 'vade', data, [...few, 'start.turn=10'])).rejects.toThrow(
    'start.turn is 10, and the data are rows without places, which are not moved as images are; leave it out',
  );
  await expect(
    trainerOn(device, 'vade', data, [...few, 'start.kind=em', 'start.turn=10']),
  ).rejects.toThrow(/start\.turn/);
});
