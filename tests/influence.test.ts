/** What one channel's past tells of another: found where a series was made so, and nowhere else. */
import { expect, test } from 'vitest';
import { variable } from '../src/graph/variable.ts';
import { buildModel, channelInfluence, type Model, Vae } from '../src/models/index.ts';
import { settledConfig } from '../src/models/model-json.ts';
import { sum } from '../src/ops/index.ts';
import { matrixPicture } from '../src/pictures/matrix.ts';
import { boxMuller, Random } from '../src/random.ts';
import { device } from './support/device.ts';
import { drawnParameters, reals } from './support/engine.ts';
import { fitted } from './support/fitted.ts';

const [ROWS, STEPS, CHANNELS, LAG] = [120, 12, 3, 2];
const SIZE = STEPS * CHANNELS;

/** Channel 0 is noise, 1 follows it two steps later, 2 follows itself. */
function windows(): Float32Array {
  const random = new Random(5, 0, 0);
  const noise = () => boxMuller(() => random.uniform(), 1);
  const x = new Float32Array(ROWS * SIZE);
  const at = (row: number, t: number, channel: number) => row * SIZE + t * CHANNELS + channel;
  for (let row = 0; row < ROWS; row++) {
    for (let t = 0; t < STEPS; t++) {
      x[at(row, t, 0)] = noise();
      const before = t < LAG ? noise() : (x[at(row, t - LAG, 0)] as number);
      x[at(row, t, 1)] = 0.9 * before + 0.3 * noise();
      x[at(row, t, 2)] =
        t === 0 ? noise() : 0.9 * (x[at(row, t - 1, 2)] as number) + 0.44 * noise();
    }
  }
  return x;
}

const modelOf = (family: string, keys: object): Model =>
  buildModel(
    settledConfig({ family, data: { shape: [STEPS, CHANNELS], sequence: {} }, ...keys }),
    3,
  );

test('the matrix shows who drives whom', async () => {
  const data = windows();
  const dataset = {
    name: 'made',
    source: 'made',
    count: ROWS,
    shape: [STEPS, CHANNELS],
    sequence: {},
    data,
  };
  const { model, runtime, rows } = await fitted(device, 'ar', dataset, [
    `order=${(LAG + 1) * CHANNELS}`,
  ]);
  const { matrix, logProb, channels } = await channelInfluence(runtime, model, rows, ROWS);
  expect(channels).toBe(CHANNELS);
  const from = (i: number, j: number) => matrix[i * CHANNELS + j] as number;
  // Withheld, the lag of a series of deviation 1 costs about (0.9² · 2 / 0.3²) / 2 = 9 nats, at 10 steps of 12.
  expect(from(0, 1)).toBeGreaterThan(4);
  expect(from(2, 2)).toBeGreaterThan(1);
  for (const [i, j] of [
    [0, 0],
    [0, 2],
    [1, 0],
    [1, 2],
    [2, 0],
    [2, 1],
  ] as const) {
    expect(Math.abs(from(i, j)), `${i} to ${j}`).toBeLessThan(0.15);
  }
  expect(logProb.every(Number.isFinite)).toBe(true);
  const picture = matrixPicture(matrix, CHANNELS);
  const middle = (i: number, j: number) => {
    const [x, y] = [34 + j * 64 + 4, 34 + i * 64 + 4];
    return picture.data[
      (y * picture.width + x) * (picture.data.length / (picture.width * picture.height))
    ] as number;
  };
  expect(middle(0, 1)).toBeLessThan(80);
  expect(middle(1, 0)).toBeGreaterThan(230);
  await expect(channelInfluence(runtime, model, rows, 1)).rejects.toThrow(/count/);
  runtime.destroy();
}, 120_000);

test.each([
  ['ar', { net: { kind: 'linear' } }],
  ['ar', { net: { kind: 'mlp', hidden: [8], activation: 'tanh' } }],
  ['ar', { net: { kind: 'recurrent', hidden: [4], cell: 'gru' } }],
  [
    'vae',
    {
      latent: 2,
      decoder: { kind: 'mlp', hidden: [5], receptive: 4 },
      likelihood: { kind: 'normal', sigma: 'pixel' },
    },
  ],
])(
  'of %s %j, channels add up to the density, and see only what came before',
  async (family, keys) => {
    const model = modelOf(family, keys);
    const ability = model.can.byChannel;
    const exact = model.can.logWeights;
    const [x, seen] = [variable('x', [2, SIZE]), variable('seen', [2, SIZE])];
    const values = [reals('x', 2 * SIZE), reals('seen', 2 * SIZE)] as const;
    await drawnParameters(device, model, async (runtime) => {
      const each = ability?.logProb({ x }, x);
      const other = ability?.logProb({ x }, seen);
      const whole =
        model instanceof Vae
          ? model.decode(model.posterior({ x }).mean).logProb(x)
          : exact?.of({ x }, 1);
      if (!each || !other || !whole) throw new Error('no density of channels');
      const plan = await runtime.compile({ outputs: { each, other, whole, total: sum(each, -1) } });
      runtime.write(x, values[0]);
      // The last step of what is seen tells nothing: no step comes after it.
      const moved = values[0].slice();
      for (let row = 0; row < 2; row++) moved.set([9, 9], (row + 1) * SIZE - 2);
      runtime.write(seen, moved);
      await plan.run();
      const [total, density] = [await plan.read('total'), await plan.read('whole')];
      for (let row = 0; row < 2; row++) {
        expect(Math.abs((total[row] as number) - (density[row] as number))).toBeLessThan(
          1e-5 * Math.abs(density[row] as number) + 1e-4,
        );
      }
      const [own, others] = [await plan.read('each'), await plan.read('other')];
      // Channel 0 comes before those that were moved, within the step as well.
      expect([others[0], others[3]]).toEqual([own[0], own[3]]);
      plan.destroy();
    });
  },
);
