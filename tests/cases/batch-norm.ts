/** Batch normalisation: a step's statistics and gradients in float64, what evaluation takes, and resuming. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import { BatchNorm, Conv2d, learning, MLP, Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { schedule } from '../../src/scheduler/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';
import { sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

const EPSILON = 1e-5;
const [COUNT, CHANNELS] = [12, 3];

/** By the definition, of rows [n, C]. */
function momentsOf(x: ArrayLike<number>, channel: number) {
  const own = Array.from({ length: x.length / CHANNELS }, (_, i) => x[i * CHANNELS + channel] ?? 0);
  const mean = own.reduce((a, b) => a + b, 0) / own.length;
  const squares = own.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, variance: squares / own.length, unbiased: squares / (own.length - 1) };
}

function subject(shape: readonly number[]) {
  const norm = new BatchNorm(CHANNELS);
  const x = variable('x', shape);
  const held = [norm.weight, norm.bias, norm.mean, norm.variance];
  const values = new Map<Variable, Float32Array>(
    [x, ...held].map((v) => [v, reals(v.name, v.size, v === norm.variance ? 0.2 : -2, 2)]),
  );
  const of = (v: Variable) => values.get(v) as Float32Array;
  return { norm, x, values, of };
}

class Net extends Module {
  readonly mlp = new MLP([4, 8, 8, 2], 'relu', { norm: 'batch' });

  loss(x: Tensor): Tensor {
    return o.mean(o.square(o.sub(this.mlp.call(x), o.slice(x, 1, 0, 2))));
  }
}

function learned(): TrainerOptions {
  const model = new Net();
  return {
    model,
    data: { name: 'rows', source: 'rows', count: 40, shape: [4], data: reals('rows', 160) },
    batch: 8,
    loss: ({ x }) => ({ loss: model.loss(x) }),
    optimizer: adam({ lr: 1e-2 }),
    seed: 3,
  };
}

concurrentCases('batch normalisation', (c) => {
  for (const shape of [
    [COUNT, CHANNELS],
    [2, 2, 3, CHANNELS],
  ]) {
    c(`of [${shape}] in a step of training`, async (t) => {
      const { norm, x, values, of } = subject(shape);
      const { made: y, moved } = learning(() => norm.call(x));
      const channels = Array.from({ length: CHANNELS }, (_, i) => momentsOf(of(x), i));
      const expected = Array.from(of(x), (value, at) => {
        const { mean, variance } = channels[at % CHANNELS] as (typeof channels)[number];
        const scale = of(norm.weight)[at % CHANNELS] as number;
        const shift = of(norm.bias)[at % CHANNELS] as number;
        return ((value - mean) / Math.sqrt(variance + EPSILON)) * scale + shift;
      });
      const after = {
        mean: moved.get(norm.mean) as Tensor,
        variance: moved.get(norm.variance) as Tensor,
      };
      const found = referenceOf({ y, ...after }, values);
      t.close(found.y, expected, { absolute: 1e-12 });
      const average = (old: Variable, now: readonly number[]) =>
        Array.from(of(old), (value, i) => 0.9 * value + 0.1 * (now[i] as number));
      const means = channels.map(({ mean }) => mean);
      const spreads = channels.map(({ unbiased }) => unbiased);
      t.close(found.mean, average(norm.mean, means), { absolute: 1e-12 });
      t.close(found.variance, average(norm.variance, spreads), { absolute: 1e-12 });

      const weighing = variable('weighing', shape);
      values.set(weighing, reals('weighing', weighing.size, -1, 1));
      const loss = o.sum(o.mul(weighing, o.square(y)));
      const wrt = [x, norm.weight, norm.bias];
      const gradients = o.gradient(loss, wrt);
      const named = Object.fromEntries(gradients.map((g, i) => [`of ${wrt[i]?.name}`, g]));
      const effects = [...moved].map(([buffer, value]) => o.assign(buffer, value));
      for (const adapter of adapterNames) {
        await check(t, { outputs: { y, ...named }, effects }, values, {
          adapter: adapters[adapter],
        });
      }
      const slopes = referenceOf(named, values);
      for (const v of wrt) {
        for (let i = 0; i < v.size; i += 5) {
          const moved = (by: number) => {
            const own = Float64Array.from(of(v));
            own[i] = (own[i] as number) + by;
            const at = new Map<Variable, ArrayLike<number>>([...values, [v, own]]);
            return referenceOf({ loss }, at as never).loss[0] as number;
          };
          const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
          const own = slopes[`of ${v.name}`]?.[i] as number;
          t.close([own], [slope], { absolute: 1e-6, relative: 1e-6 });
        }
      }
    });
  }

  c('elsewhere takes the running statistics', async (t) => {
    const { norm, x, values, of } = subject([5, CHANNELS]);
    const y = norm.call(x);
    const expected = Array.from(of(x), (value, at) => {
      const own = (v: Variable) => of(v)[at % CHANNELS] as number;
      const standard = (value - own(norm.mean)) / Math.sqrt(own(norm.variance) + EPSILON);
      return standard * own(norm.weight) + own(norm.bias);
    });
    t.close(referenceOf({ y }, values).y, expected, { absolute: 1e-12 });
    const wrt = [x, ...norm.parameters()];
    const gradients = o.gradient(o.sum(o.square(y)), wrt);
    const named = Object.fromEntries(gradients.map((g, i) => [`of ${wrt[i]?.name}`, g]));
    await check(t, { outputs: { y, ...named } }, values);
  });

  c('twice in a step, averages move twice', (t) => {
    const { norm, x, values, of } = subject([COUNT, CHANNELS]);
    const { moved } = learning(() => [norm.call(x), norm.call(o.mul(2, x))]);
    const found = referenceOf({ mean: moved.get(norm.mean) as Tensor }, values).mean;
    const expected = Array.from(of(norm.mean), (old, i) => {
      const { mean } = momentsOf(of(x), i);
      return 0.9 * (0.9 * old + 0.1 * mean) + 0.1 * 2 * mean;
    });
    t.close(found, expected, { absolute: 1e-12 });
  });

  c('in use rides on the product before it', (t) => {
    const [conv, norm] = [new Conv2d(4, 8), new BatchNorm(8)];
    const x = variable('x', [2, 6, 6, 4]);
    const plain = o.relu(conv.call(x));
    const normed = o.relu(norm.call(conv.call(x)));
    const kernels = (y: Tensor) => schedule({ outputs: { y } }).kernels.length;
    t.equal(kernels(normed), kernels(plain), 'kernels');
  });

  c('refuses a step of one row', async (t) => {
    const norm = new BatchNorm(2);
    await t.throws(
      'bad-config',
      () => learning(() => norm.call(variable('x', [1, 2]))),
      /two rows/,
    );
  });

  c('learns, and goes on bit for bit with its statistics', async (t) => {
    const whole = await undisturbed(t, 12, learned());
    const name = 'buffer.mlp.norms.0.running_var';
    const variance = whole.tensors.get(name) as Float32Array;
    t.ok(
      Array.from(variance).every((value) => value !== 1),
      `${name} has moved: ${variance}`,
    );
    const state = await withTrainer(t, learned(), async (trainer) => {
      await trainer.run(5);
      return await trainer.state();
    });
    const resumed = await withTrainer(
      t,
      learned(),
      async (trainer) => {
        await trainer.run(7);
        return await trainer.state();
      },
      state,
    );
    sameBits(t, resumed, whole, 'resumed');
  });
});
