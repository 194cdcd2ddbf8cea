/** Models that learn by passes over the data: every row counts once, whatever happens on the way. */
import type { ImageDataset } from '../../src/data/dataset.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/variable.ts';
import { Module } from '../../src/nn/index.ts';
import {
  add,
  assign,
  div,
  equal,
  iota,
  logSumExp,
  matmul,
  mul,
  neg,
  reshape,
  softmax,
  square,
  sub,
  sum,
  toFloat,
  transpose,
  zeros,
} from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import { type EpochReport, fit, type SweepOptions, Trainer } from '../../src/training/index.ts';
import { cases } from '../rig/cases.ts';
import { BATCH, FEATURES as D, data, ROWS, sameBits, sharing } from '../support/trainers.ts';

const labels = Uint8Array.from({ length: ROWS }, (_, i) => (i * i) % 3);
const labelled: ImageDataset = { ...data, labels };

const parameter = (name: string, shape: number[], init: number[] = []) =>
  variable(name, shape, {
    role: 'parameter',
    init: ([...s]) => Array.from({ length: s.reduce((a, b) => a * b, 1) }, (_, i) => init[i] ?? 0),
  });

class Gaussian extends Module {
  mean = parameter('mean', [D]);
  covariance = parameter('covariance', [D, D]);
  shares = parameter('shares', [3]);
}

/** Mean, covariance and shares of classes, in closed form on the GPU. */
function moments(options: Partial<SweepOptions> = {}): SweepOptions {
  const model = new Gaussian();
  const [total, outer] = [variable('total', [D]), variable('outer', [D, D])];
  const [rows, classes] = [variable('rows', []), variable('classes', [3])];
  const mean = div(total, rows);
  const centred = sub(div(outer, rows), mul(reshape(mean, [D, 1]), mean));
  return {
    model,
    data: labelled,
    batch: BATCH,
    seed: 3,
    sweep: {
      gather: ({ x, labels: given }) => {
        const [n] = x.shape as [number];
        const own = reshape(toFloat(given as Tensor), [n, 1]);
        return [
          assign(total, add(total, sum(x, 0))),
          assign(outer, add(outer, matmul(transpose(x), x))),
          assign(rows, add(rows, n)),
          assign(classes, add(classes, sum(equal(own, toFloat(iota(3))), 0))),
        ];
      },
      settle: [
        assign(model.mean, mean),
        assign(model.covariance, centred),
        assign(model.shares, div(classes, rows)),
        assign(total, zeros([D])),
        assign(outer, zeros([D, D])),
        assign(rows, zeros([])),
        assign(classes, zeros([3])),
      ],
      metrics: { rows: mul(rows, 1) },
    },
    ...options,
  };
}

const K = 2;

class Mixture extends Module {
  means = parameter('means', [K, D], [0.2, 0.2, 0.2, 0.2, 0.2, 0.7, 0.6, 0.7, 0.6, 0.7]);
  logShares = parameter('logShares', [K], [Math.log(0.5), Math.log(0.5)]);
}

const PRECISION = 8;

/** EM for a mixture of two spheres, its M-step in float64 on the host. */
function mixture(options: Partial<SweepOptions> = {}): SweepOptions & { model: Mixture } {
  const model = new Mixture();
  const [weights, sums] = [variable('weights', [K]), variable('sums', [K, D])];
  const [likelihood, rows] = [variable('likelihood', []), variable('rows', [])];
  const constant = (D / 2) * Math.log(PRECISION / (2 * Math.PI));
  return {
    data,
    batch: BATCH,
    seed: 3,
    sweep: {
      gather: ({ x }) => {
        const [n] = x.shape as [number];
        const far = sum(square(sub(reshape(x, [n, 1, D]), model.means)), -1);
        const joint = add(sub(model.logShares, mul(PRECISION / 2, far)), constant);
        const belongs = softmax(joint);
        return [
          assign(weights, add(weights, sum(belongs, 0))),
          assign(sums, add(sums, matmul(transpose(belongs), x))),
          assign(likelihood, add(likelihood, sum(logSumExp(joint, -1)))),
          assign(rows, add(rows, n)),
        ];
      },
      settle: async (runtime: Runtime) => {
        const [w, s] = await Promise.all([runtime.read(weights), runtime.read(sums)]);
        const all = Array.from(w).reduce((a, b) => a + b);
        runtime.write(
          model.means,
          Float32Array.from(s, (x, i) => x / (w[Math.floor(i / D)] as number)),
        );
        runtime.write(
          model.logShares,
          Float32Array.from(w, (x) => Math.log(x / all)),
        );
        for (const held of [weights, sums, likelihood, rows]) {
          runtime.write(held, new Float32Array(held.size));
        }
      },
      metrics: { loss: neg(div(likelihood, rows)) },
    },
    ...options,
    model,
  };
}

/** The same EM in float64. */
function expectedMixture(passes: number) {
  let means = [0.2, 0.2, 0.2, 0.2, 0.2, 0.7, 0.6, 0.7, 0.6, 0.7];
  let shares = [0.5, 0.5];
  const losses: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const w = new Array(K).fill(0);
    const s = new Array(K * D).fill(0);
    let likelihood = 0;
    for (let row = 0; row < ROWS; row++) {
      const x = data.data.subarray(row * D, (row + 1) * D);
      const p = shares.map((share, k) => {
        let far = 0;
        for (let j = 0; j < D; j++) far += ((x[j] as number) - (means[k * D + j] as number)) ** 2;
        return share * Math.exp((-PRECISION / 2) * far) * (PRECISION / (2 * Math.PI)) ** (D / 2);
      });
      const all = p.reduce((a, b) => a + b);
      likelihood += Math.log(all);
      for (const [k, q] of p.entries()) {
        w[k] += q / all;
        for (let j = 0; j < D; j++) s[k * D + j] += (q / all) * (x[j] as number);
      }
    }
    losses.push(-likelihood / ROWS);
    means = s.map((v, i) => v / w[Math.floor(i / D)]);
    shares = w.map((v) => v / ROWS);
  }
  return { means, shares, losses };
}

const BUDGETS = [2 ** 20, 200, 1];
const PER_PASS = Math.ceil(ROWS / BATCH);
const seldom = { snapshotAfter: Number.POSITIVE_INFINITY };

cases('sweeps', (c) => {
  c('one pass gives mean, covariance and shares of classes of every row', async (t) => {
    const mean = Array.from({ length: D }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < ROWS; i++) sum += data.data[i * D + j] as number;
      return sum / ROWS;
    });
    const covariance = Array.from({ length: D * D }, (_, at) => {
      const [j, k] = [Math.floor(at / D), at % D];
      let sum = 0;
      for (let i = 0; i < ROWS; i++) {
        sum +=
          ((data.data[i * D + j] as number) - (mean[j] as number)) *
          ((data.data[i * D + k] as number) - (mean[k] as number));
      }
      return sum / ROWS;
    });
    const shares = [0, 1, 2].map((k) => labels.filter((label) => label === k).length / ROWS);
    for (const [residentBytes, batch] of [
      [2 ** 20, BATCH],
      [200, BATCH],
      [1, 13],
      [2 ** 20, ROWS],
    ] as const) {
      const options = moments({ residentBytes, batch });
      const trainer = await Trainer.create(options, sharing(t));
      const perPass = Math.ceil(ROWS / batch);
      t.equal(trainer.stepsPerEpoch, perPass);
      const report = await trainer.run(perPass);
      t.equal([report.metrics.rows, report.epoch], [ROWS, 1], 'rows of the pass');
      const model = options.model as Gaussian;
      const read = (v: typeof model.mean) => trainer.runtime.read(v);
      // Sums of 26 numbers of up to 1, and their difference.
      const near = { absolute: 64 * 2 ** -24 };
      const what = `${residentBytes} bytes, ${batch} rows`;
      t.close(await read(model.mean), mean, near, `mean, ${what}`);
      t.close(await read(model.covariance), covariance, near, `covariance, ${what}`);
      t.close(await read(model.shares), shares, near, `shares, ${what}`);
      const again = await trainer.run(3 * perPass);
      t.equal(again.metrics.rows, ROWS, 'every pass begins anew');
      trainer.runtime.destroy();
    }
  });

  c('EM with its M-step in float64 goes as float64 alone does', async (t) => {
    const wanted = expectedMixture(8);
    for (const residentBytes of BUDGETS) {
      const options = mixture({ residentBytes });
      const trainer = await Trainer.create(options, sharing(t));
      const losses: number[] = [];
      for (let pass = 0; pass < 8; pass++) {
        losses.push((await trainer.run(PER_PASS)).metrics.loss as number);
      }
      t.close(losses, wanted.losses, { absolute: 1e-5 }, 'losses');
      t.ok(
        losses.every((loss, i) => i === 0 || loss < (losses[i - 1] as number) + 1e-6),
        `EM does not climb: ${losses}`,
      );
      const { runtime } = trainer;
      t.close(await runtime.read(options.model.means), wanted.means, { absolute: 1e-5 }, 'means');
      const shares = Array.from(await runtime.read(options.model.logShares), Math.exp);
      t.close(shares, wanted.shares, { absolute: 1e-5 }, 'shares');
      runtime.destroy();
    }
  });

  c('a pass that is stopped, saved or loses its device ends with the same bits', async (t) => {
    for (const make of [moments, mixture]) {
      const steps = 3 * PER_PASS + 2;
      const whole = await Trainer.create(make(), sharing(t));
      await whole.run(steps);
      const expected = await whole.state();
      whole.runtime.destroy();

      const first = await Trainer.create(make({ residentBytes: 200 }), sharing(t));
      await first.run(PER_PASS + 3);
      const middle = await first.state();
      first.runtime.destroy();
      const second = await Trainer.create(make(), sharing(t), middle);
      await second.run(steps - second.step);
      sameBits(t, await second.state(), expected, 'continued');
      second.runtime.destroy();

      if (make === moments) continue;
      const lossy = await Trainer.create(make(), () => t.open());
      await lossy.run(PER_PASS - 1, seldom);
      lossy.runtime.device.lose();
      await lossy.run(4, seldom);
      lossy.runtime.device.gpu.destroy();
      await lossy.run(steps - lossy.step);
      t.equal(lossy.recoveries, 2);
      sameBits(t, await lossy.state(), expected, 'after losses');
      lossy.destroy();
    }
  });

  c('passes are the epochs of a fit, with their metrics', async (t) => {
    const trainer = await Trainer.create(mixture(), sharing(t));
    const epochs: EpochReport[] = [];
    const result = await fit(trainer, {
      steps: 3 * PER_PASS,
      // Runs that end within a pass.
      checkpointEvery: 3,
      onEpoch: (report) => void epochs.push(report),
    });
    t.close(
      epochs.map(({ metrics }) => metrics.loss as number),
      expectedMixture(3).losses,
      { absolute: 1e-5 },
    );
    t.equal([result.epoch, result.reason], [3, 'finished']);
    t.equal(result.parameters, (await trainer.state()).tensors.get('parameters'));
    trainer.runtime.destroy();
  });

  c('a start from data is made of the first rows', async (t) => {
    const options = mixture();
    const { model } = options;
    const start: SweepOptions['start'] = ({ x }) => [
      assign(model.means, add(mul(0.5, reshape(sum(x, 0), [1, D])), zeros([K, D]))),
    ];
    const trainer = await Trainer.create({ ...options, start }, sharing(t));
    const means = await trainer.runtime.read(model.means);
    const wanted = Array.from({ length: K * D }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < BATCH; i++) sum += (data.data[i * D + (at % D)] as number) / 2;
      return sum;
    });
    t.close(means, wanted, { absolute: 1e-6 });
    trainer.runtime.destroy();
  });

  c('what is not finite is named, and the run goes back', async (t) => {
    const options = mixture();
    const passes = variable('passes', []);
    const { gather } = options.sweep;
    const sweep: SweepOptions['sweep'] = {
      ...options.sweep,
      gather: (batch) => [...gather(batch), assign(passes, add(passes, 1 / 16))],
      // Leaves float32 in the second pass.
      metrics: { loss: mul(3e38, passes) },
    };
    const trainer = await Trainer.create({ ...options, sweep }, sharing(t));
    await trainer.run(3);
    const good = await trainer.state();
    const message = /^the loss is not finite at step 20; .*; look for values in the data/;
    await t.throws('not-finite', () => trainer.run(3 * PER_PASS), message);
    sameBits(t, await trainer.state(), good, 'last good state');
    trainer.runtime.destroy();
  });

  c('statistics of one name are refused', async (t) => {
    const options = moments();
    const [a, b] = [variable('same', []), variable('same', [])];
    const sweep: SweepOptions['sweep'] = {
      gather: ({ x }) => [assign(a, add(a, sum(x))), assign(b, add(b, 1))],
      settle: [],
    };
    await t.throws(
      'bad-config',
      () => Trainer.create({ ...options, sweep }, sharing(t)),
      /two variables of a sweep are called 'same'/,
    );
  });
});
