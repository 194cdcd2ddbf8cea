/** Gated PixelCNNs: what a pixel sees, and draws whose log-probability is that of teacher forcing. */
import { expect, test } from 'vitest';
import { variable } from '../src/graph/variable.ts';
import { AncestralInference, buildModel, logDensities } from '../src/models/index.ts';
import { settledConfig } from '../src/models/model-json.ts';
import { PixelCnn, PixelWalk } from '../src/nn/index.ts';
import { reshape, scatterRows } from '../src/ops/index.ts';
import { device } from './support/device.ts';
import { drawnParameters, reals } from './support/engine.ts';

const [H, W] = [5, 6];

test.each([
  ['masks of 3, then 3', 1, 1, 3, 1],
  ['masks of 5, then 1: a window', 2, 0, 3, 1],
  ['three colours', 1, 1, 2, 3],
] as const)(
  '%s: a pixel sees what lies before it as far as it reaches, and nothing else',
  async (_, reach, innerReach, layers, colours) => {
    const net = new PixelCnn({
      height: H,
      width: W,
      colours,
      outputs: 1,
      channels: 8,
      layers,
      reach,
      innerReach,
    });
    const n = H * W * colours;
    const x = variable('x', [n + 1, n]);
    const base = reals('image', n, 0, 1);
    await drawnParameters(device, net, async (runtime) => {
      runtime.write(
        x,
        Float32Array.from(
          { length: (n + 1) * n },
          (_, at) => (base[at % n] as number) + (Math.floor(at / n) === (at % n) + 1 ? 2 : 0),
        ),
      );
      const plan = await runtime.compile({ outputs: { y: net.call(x) } });
      await plan.run();
      const y = await plan.read('y');
      // Up to so many rows above, as many columns to either side of each, and so many to the left.
      const far = reach + (layers - 1) * innerReach;
      for (let j = 0; j < n; j++) {
        for (let i = 0; i < n; i++) {
          const [own, other] = [Math.floor(i / colours), Math.floor(j / colours)];
          const [up, across] = [
            Math.floor(own / W) - Math.floor(other / W),
            (own % W) - (other % W),
          ];
          const sees = y[(1 + j) * n + i] !== y[i];
          // Of the pixel itself, the colours before its own.
          const isBefore = up > 0 || (up === 0 && across > 0) || (own === other && j < i);
          const isNear = up <= far && Math.abs(across) <= far;
          if (!isBefore || !isNear) expect(sees, `pixel ${i} sees ${j}`).toBe(false);
          // No blind spot: the corners of the window above are seen too.
          else expect(sees, `pixel ${i} does not see ${j}`).toBe(true);
        }
      }
      plan.destroy();
    });
  },
);

const LIKELIHOODS = {
  bernoulli: { kind: 'bernoulli' },
  categorical: { kind: 'categorical', levels: 5 },
  'logistic mixture': { kind: 'logistic-mixture', levels: 16, mixture: 3 },
} as const;

const KINDS = Object.keys(LIKELIHOODS) as (keyof typeof LIKELIHOODS)[];

test.each(KINDS.flatMap((name) => [1, 3].map((colours) => [name, colours] as const)))(
  '%s, colours %i: draws tell the log-probability that teacher forcing gives',
  async (name, colours) => {
    const likelihood = LIKELIHOODS[name];
    const net = { channels: 6, layers: 3, kernel: 5, inner: 3 };
    const model = buildModel(
      settledConfig({
        family: 'pixelcnn',
        data: { shape: colours === 1 ? [H, W] : [H, W, colours] },
        net,
        likelihood,
      }),
      1,
    );
    await drawnParameters(device, model, async (runtime) => {
      const asked = new AncestralInference(runtime, model);
      const { x, logProb } = await asked.drawn(5, 2);
      const each = H * W * colours;
      const forced = await logDensities(
        runtime,
        model,
        (a, b) => x.subarray(each * a, each * b),
        5,
      );
      logProb.forEach((value, i) => {
        expect(Math.abs(value - (forced[i] as number))).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(value)),
        );
      });
      const levels = 'levels' in likelihood ? likelihood.levels - 1 : 1;
      expect(
        x.every(
          (value) =>
            value >= 0 &&
            value <= 1 &&
            Math.abs(value * levels - Math.round(value * levels)) < 1e-4,
        ),
      ).toBe(true);
      expect(new Set(x).size).toBeGreaterThan(1);
      await asked.destroy();
    });
  },
);

test('classes are a condition: of draws, of their log-probability, and of each image its own', async () => {
  const model = buildModel(
    settledConfig({
      family: 'pixelcnn',
      data: { shape: [H, W], classNames: ['a', 'b', 'c'] },
      condition: 'labels',
      net: { channels: 6, layers: 2, kernel: 3, inner: 3 },
      likelihood: { kind: 'bernoulli' },
    }),
    1,
  );
  await drawnParameters(device, model, async (runtime) => {
    const asked = new AncestralInference(runtime, model);
    const each = H * W;
    const told = (x: Float32Array, labels: ArrayLike<number>) =>
      Object.assign((a: number, b: number) => x.subarray(each * a, each * b), { labels });
    const labels = [2, 0, 1, 1];
    const { x, logProb } = await asked.drawn(4, 2, { labels });
    const forced = await logDensities(runtime, model, told(x, labels), 4);
    const others = await logDensities(runtime, model, told(x, [0, 1, 2, 2]), 4);
    logProb.forEach((value, i) => {
      const tolerance = 1e-5 * Math.max(1, Math.abs(value));
      expect(Math.abs(value - (forced[i] as number))).toBeLessThan(tolerance);
      expect(Math.abs(value - (others[i] as number))).toBeGreaterThan(10 * tolerance);
    });
    // Nobody having said what they are to be, every class in turn.
    const inTurn = await asked.drawn(4, 2);
    expect((await asked.drawn(4, 2, { labels: [0, 1, 2, 0] })).x).toEqual(inTurn.x);
    await expect(asked.drawn(1, 2, { labels: [3] })).rejects.toThrow('class 3');
    await asked.destroy();
  });
});

test.each(['a vector', 'maps'])(
  'a context as %s reaches every pixel, and the walk has it',
  async (kind) => {
    const net = new PixelCnn({
      height: H,
      width: W,
      outputs: 2,
      channels: 4,
      layers: 2,
      reach: 1,
      innerReach: 1,
      context: 3,
    });
    const n = H * W;
    const shape = kind === 'maps' ? [2, H, W, 3] : [2, 3];
    const context = variable('context', shape);
    const x = variable('x', [2, n]);
    const outputs = variable('outputs', [n, 4]);
    const walk = new PixelWalk(net, 2, context);
    await drawnParameters(device, net, async (runtime) => {
      runtime.write(context, reals('context', context.size, -1, 1));
      const image = reals('image', 2 * n, 0, 1);
      runtime.write(x, image);
      const whole = await runtime.compile({ outputs: { y: net.call(x, context) } });
      await whole.run();
      const y = (await whole.read('y')) as Float32Array;
      const value = variable('value', [2, 1]);
      const [start, begin, pixel] = [
        await runtime.compile({ effects: walk.start() }),
        await runtime.compile({ effects: walk.begin() }),
        await runtime.compile({
          effects: [
            scatterRows(outputs, walk.known, reshape(walk.call(), [1, 4])),
            ...walk.advance(value),
          ],
        }),
      ];
      await start.run();
      for (let i = 0; i < n; i++) {
        if (i % W === 0) await begin.run();
        runtime.write(value, [image[i] as number, image[n + i] as number]);
        await pixel.run();
      }
      const found = (await runtime.read(outputs)) as Float32Array;
      for (let i = 0; i < n; i++) {
        for (let row = 0; row < 2; row++) {
          for (let k = 0; k < 2; k++) {
            const [a, b] = [
              found[4 * i + 2 * row + k] as number,
              y[2 * n * row + 2 * i + k] as number,
            ];
            expect(Math.abs(a - b)).toBeLessThan(1e-5 * Math.max(1, Math.abs(b)));
          }
        }
      }
      runtime.write(context, reals('another', context.size, -1, 1));
      await whole.run();
      const other = await whole.read('y');
      const moved = Array.from({ length: n }, (_, i) =>
        [0, 1, 2 * n, 2 * n + 1].some((at) => other[at + 2 * i] !== y[at + 2 * i]),
      );
      expect(moved).toEqual(new Array(n).fill(true));
    });
  },
);
