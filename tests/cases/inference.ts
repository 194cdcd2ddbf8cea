/** Asking a model: the same answers however they are asked for, draws, scores, ways through latent space. */
import {
  Autoencoder,
  Inference,
  interpolate,
  latentGrid,
  likelihoodOf,
  priorPlane,
  scoreRows,
  type Vae,
} from '../../src/models/index.ts';
import { seed, step } from '../../src/ops/index.ts';
import { normalCdf, normalQuantile } from '../../src/ops/reference/special.ts';
import { Runtime } from '../../src/scheduler/index.ts';
import { type CaseContext, cases } from '../rig/cases.ts';
import { adapters, reals, withRuntime } from '../support/engine.ts';
import { column, momentsOf } from '../support/statistics.ts';
import { exactly, toyData, toyVae, vaeOf } from '../support/toys.ts';

const net = { hidden: [9], activation: 'tanh' } as const;
const parts = { encoder: { ...net, hidden: [9] }, decoder: { ...net, hidden: [9] } };

/** Runs `body` with a model of given weights. */
function withModel(
  t: CaseContext,
  model: Vae | Autoencoder,
  body: (inference: Inference, runtime: Runtime) => Promise<void>,
  adapter?: (typeof adapters)[keyof typeof adapters],
) {
  return withRuntime(
    t,
    async (runtime) => {
      for (const [name, p] of model.namedParameters()) runtime.write(p, reals(name, p.size, -1, 1));
      await body(new Inference(runtime, model), runtime);
    },
    adapter,
  );
}

cases('inference', (c) => {
  for (const [name, latent, most, counts] of [
    ['software', 1, 131, [1, 2, 8, 9, 64, 65, 72, 129]],
    ['software', 3, 131, [1, 2, 8, 9, 64, 65, 72, 129]],
    // A GPU's kernels are slow where there is none.
    ['gpu', 3, 67, [1, 66]],
  ] as const) {
    c(`however many rows are asked for, each is the same: ${latent} latent, ${name}`, async (t) => {
      const model = vaeOf({ shape: [7, 5], latent, ...parts });
      await withModel(
        t,
        model,
        async (inference) => {
          const D = model.features;
          const codes = reals('z', most * latent);
          const data = reals('x', most * D, 0, 1);
          const all = {
            means: await inference.sample(most, 'mean', 9),
            draws: await inference.sample(most, 'draw', 9),
            decoded: await inference.decode(codes, most),
            drawn: await inference.decode(codes, most, 'draw', 9),
            codes: (await inference.encode(data, most)).mean,
            posterior: await inference.drawCodes(data, most, 9),
          };
          t.ok(all.means[0] !== all.means[64 * D] && all.means[0] !== all.means[D], 'rows differ');
          for (const n of counts) {
            const part = {
              means: await inference.sample(n, 'mean', 9),
              draws: await inference.sample(n, 'draw', 9),
              decoded: await inference.decode(codes.subarray(0, n * latent), n),
              drawn: await inference.decode(codes.subarray(0, n * latent), n, 'draw', 9),
              codes: (await inference.encode(data.subarray(0, n * D), n)).mean,
              posterior: await inference.drawCodes(data.subarray(0, n * D), n, 9),
            };
            for (const key of Object.keys(all) as (keyof typeof all)[]) {
              const width = key === 'codes' || key === 'posterior' ? latent : D;
              t.equal(part[key], all[key].slice(0, n * width), `${key} of ${n} rows`);
            }
          }
        },
        adapters[name],
      );
    });
  }

  c('requests overlap without harm, and a training run does not notice', async (t) => {
    const model = vaeOf({ shape: [6], latent: 2, ...parts });
    await withModel(t, model, async (inference, runtime) => {
      runtime.write(seed, [3, 4]);
      runtime.write(step, [55]);
      const one = await inference.sample(70, 'mean', 1);
      const two = await inference.sample(70, 'draw', 2);
      const data = reals('x', 70 * 6, 0, 1);
      const codes = await inference.encode(data, 70);
      const rows = (start: number, end: number) => data.slice(start * 6, end * 6);
      const together = await Promise.all([
        inference.sample(70, 'mean', 1),
        inference.encode(rows, 70),
        inference.sample(70, 'draw', 2),
        inference.sample(70, 'mean', 1),
      ]);
      t.equal(together, [one, codes, two, one]);
      t.equal([...(await runtime.read(seed)), ...(await runtime.read(step))], [3, 4, 55]);
    });
  });

  c('tells how far it is, stops when told to, and can go on', async (t) => {
    const model = vaeOf({ shape: [6], latent: 2, ...parts });
    await withModel(t, model, async (inference, runtime) => {
      runtime.write(step, [8]);
      const x = reals('x', 300 * 6, 0, 1);
      const progress: number[] = [];
      const onProgress = (fraction: number) => progress.push(fraction);
      const again = await inference.reconstruct(x, 300, 'mean', 0, { onProgress });
      t.equal(progress.length, 10);
      t.ok(
        progress.every((p, i) => p > (progress[i - 1] ?? 0)),
        'progress goes forward',
      );
      t.equal(progress.at(-1), 1);
      const stop = new AbortController();
      const seen: number[] = [];
      const rows = (start: number, end: number) => {
        seen.push(start);
        if (start === 128) stop.abort();
        return x.slice(start * 6, end * 6);
      };
      const { signal } = stop;
      await t.throws('interrupted', () => inference.encode(rows, 300, { signal }), /300 rows/);
      t.equal(seen, [0, 64, 128]);
      await t.throws('interrupted', () => inference.sample(3, 'draw', 0, { signal }));
      t.equal(await inference.reconstruct(x, 300), again, 'as before');
      t.equal([...(await runtime.read(step))], [8], 'the step is put back');
    });
  });

  c('a lost device is told', async (t) => {
    const device = await t.open();
    const runtime = new Runtime(device);
    const inference = new Inference(runtime, vaeOf({ shape: [6], latent: 2, ...parts }));
    await inference.sample(300);
    const lost = inference.sample(300, 'draw');
    device.lose();
    await t.throws('device-lost', () => lost);
    await t.throws('device-lost', () => inference.sample(1));
    await t.throws('device-lost', () => inference.decode([0, 0], 1));
  });

  c('draws codes from the posterior', async (t) => {
    const model = vaeOf({ shape: [6], latent: 3, ...parts });
    await withModel(t, model, async (inference) => {
      const [count, M] = [4000, 3];
      const row = reals('one row', 6, 0, 1);
      const rows = (start: number, end: number) =>
        Float32Array.from({ length: 6 * (end - start) }, (_, i) => row[i % 6] as number);
      const { mean, logStd } = await inference.encode(row, 1);
      const z = await inference.drawCodes(rows, count, 2);
      for (let j = 0; j < M; j++) {
        const found = momentsOf(column(z, M, j));
        const deviation = Math.exp(logStd?.[j] as number);
        t.close(found.mean, mean[j] as number, { absolute: 4 * found.standardError });
        // The relative error of a deviation of n normal draws is 1/√(2n).
        const relative = 4 / Math.sqrt(2 * count);
        t.close(Math.sqrt(found.variance), deviation, { relative });
      }
      const other = await inference.drawCodes(rows, 2, 3);
      t.ok(other[0] !== z[0], 'another seed draws others');
    });
    const ae = new Autoencoder({ ...model.config, latent: model.latent });
    await withModel(t, ae, async (inference) => {
      await t.throws('bad-input', () => inference.drawCodes(new Float32Array(6), 1), /autoencoder/);
    });
  });
});

cases('scores', (c) => {
  const COUNT = 43;
  const data = toyData(COUNT);
  const D = data.length / COUNT;
  const rows = (start: number, end: number) => data.slice(start * D, end * D);

  c('of the exact posterior are log p(x), and without error', async (t) => {
    const { model, values, exact } = toyVae(exactly);
    const logP = Array.from({ length: COUNT }, (_, i) => exact.logProb(rows(i, i + 1)));
    await withRuntime(t, async (runtime) => {
      for (const [p, numbers] of values) runtime.write(p, numbers);
      const found = await scoreRows(runtime, model, rows, COUNT, { samples: 250 });
      t.close(found.logProb, logP, { absolute: 3e-5 });
      t.close(found.effectiveSampleSize, new Float64Array(COUNT).fill(250), { relative: 1e-3 });
      t.close(found.standardError, new Float64Array(COUNT), { absolute: 3e-3 });
      const one = await scoreRows(runtime, model, rows, 2, { samples: 1 });
      t.equal([...one.standardError], [Number.NaN, Number.NaN], 'one sample tells no error');
    });
  });

  c('of a worse posterior lie around it as their standard errors say', async (t) => {
    // Wide enough to cover, so that the weights have moments.
    const { model, values, exact } = toyVae({ shift: 0.15, stretch: 1.4 });
    const K = 400;
    await withRuntime(t, async (runtime) => {
      for (const [p, numbers] of values) runtime.write(p, numbers);
      const score = (noise: number, count = COUNT) =>
        scoreRows(runtime, model, rows, count, { samples: K, seed: noise });
      const pulls: number[] = [];
      for (let noise = 0; noise < 8; noise++) {
        const { logProb, standardError, effectiveSampleSize } = await score(noise);
        for (let i = 0; i < COUNT; i++) {
          const error = standardError[i] as number;
          const effective = effectiveSampleSize[i] as number;
          t.close(error, Math.sqrt(1 / effective - 1 / K), { relative: 1e-6 });
          pulls.push(((logProb[i] as number) - exact.logProb(rows(i, i + 1))) / error);
        }
      }
      const { mean, variance, standardError } = momentsOf(pulls);
      // The log of a mean is low by half its squared error.
      t.close(mean, 0, { absolute: 4 * standardError + 0.1 });
      t.close(Math.sqrt(variance), 1, { relative: 4 / Math.sqrt(2 * pulls.length) + 0.05 });
      const whole = await score(1);
      const few = await score(1, 21);
      t.equal(few.logProb, whole.logProb.slice(0, 21), 'fewer rows are the first ones');
      t.close(likelihoodOf(whole, K).value, -momentsOf(whole.logProb).mean, { relative: 1e-12 });
      await t.throws('bad-input', () => scoreRows(runtime, model, rows, 3, { samples: 0 }));
      const signal = AbortSignal.abort();
      await t.throws('interrupted', () =>
        scoreRows(runtime, model, rows, 3, { samples: 9, signal }),
      );
    });
  });
});

cases('latent space', (c) => {
  c('straight lines', (t) => {
    t.equal(interpolate([1, 2], [3, -2], 5), Float32Array.of(1, 2, 1.5, 1, 2, 0, 2.5, -1, 3, -2));
  });

  c('arcs keep the length and turn evenly', (t) => {
    const [a, b] = [
      [3, 0, 0],
      [0, 1.8, 2.4],
    ];
    const path = interpolate(a as number[], b as number[], 10, 'spherical');
    for (let i = 0; i < 10; i++) {
      const angle = ((i / 9) * Math.PI) / 2;
      const [cos, sin] = [3 * Math.cos(angle), Math.sin(angle)];
      t.close(path.slice(3 * i, 3 * i + 3), [cos, 1.8 * sin, 2.4 * sin], { absolute: 1e-6 });
    }
    // Lengths that differ change evenly along with the direction.
    const grows = interpolate([1, 0], [0, 2], 3, 'spherical');
    t.close(grows.slice(2, 4), [Math.SQRT1_2, Math.SQRT2], { absolute: 1e-6 });
  });

  c('arcs that do not exist are straight', (t) => {
    for (const [a, b] of [
      [
        [1, 2],
        [1, 2],
      ],
      [
        [1, 2],
        [2, 4],
      ],
      [
        [1, 2],
        [-1, -2],
      ],
      [
        [0, 0],
        [3, 1],
      ],
      [[2], [5]],
    ] as [number[], number[]][]) {
      t.equal(interpolate(a, b, 4, 'spherical'), interpolate(a, b, 4), `${a} to ${b}`);
    }
    const near = interpolate([1, 0], [1, 1e-5], 3, 'spherical');
    t.close(near, [1, 0, 1, 5e-6, 1, 1e-5], { absolute: 1e-9 }, 'a tiny angle');
  });

  c('grids lie at the quantiles, the first picture in the upper left', (t) => {
    const q = normalQuantile(1 / 6);
    const grid = latentGrid(priorPlane(2), 3);
    const expected = [q, -q, 0, -q, -q, -q, q, 0, 0, 0, -q, 0, q, q, 0, q, -q, q];
    t.close(grid, expected, { absolute: 1e-6 });
    t.close(latentGrid(priorPlane(1), 3), [q, 0, -q], { absolute: 1e-6 });
    const plane = { origin: [1, 2, 3], axes: [Float64Array.of(0, 0.6, 0.8)], deviations: [5] };
    t.close(
      latentGrid(plane, 2).slice(0, 3),
      [1, 2 + 3 * normalQuantile(0.25), 3 + 4 * normalQuantile(0.25)],
      {
        absolute: 1e-6,
      },
    );
  });

  c('the normal quantile inverts the distribution function', (t) => {
    // Wichura 1988, AS 241, and published tables.
    const known: [number, number][] = [
      [0.25, -0.6744897501960817],
      [0.001, -3.090232306167813],
      [1e-20, -9.26234008979841],
      [0.975, 1.959963984540054],
    ];
    for (const [p, x] of known) t.close(normalQuantile(p), x, { relative: 1e-14 }, `at ${p}`);
    t.close(normalQuantile(0.5), 0, { absolute: 1e-16 });
    for (let i = 1; i < 200; i++) {
      t.close(normalCdf(normalQuantile(i / 200)), i / 200, { relative: 1e-14 });
    }
    t.equal(
      [normalQuantile(0), normalQuantile(1)],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    );
    t.equal([normalQuantile(-1), normalQuantile(2)], [Number.NaN, Number.NaN]);
  });

  c('refuses codes that do not match', async (t) => {
    await t.throws('shape-mismatch', () => interpolate([1], [1, 2], 3), /1 dimensions/);
    await t.throws('bad-input', () => interpolate([1], [2], 1), /steps is 1/);
    await t.throws('bad-input', () => latentGrid(priorPlane(2), 0), /side is 0/);
  });
});
