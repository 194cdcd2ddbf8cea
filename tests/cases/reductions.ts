/** Sums, maxima and log-sum-exps over any axes, in the kernels of software adapters and of GPUs. */
import { type Shape, sizeOf } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/run/runtime.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, integers, reals, withRuntime } from '../support/engine.ts';

/** All non-empty sets of axes of a rank. */
function axisSets(rank: number): number[][] {
  return Array.from({ length: 2 ** rank - 1 }, (_, i) =>
    Array.from({ length: rank }, (_, axis) => axis).filter((axis) => ((i + 1) >> axis) & 1),
  );
}

const rows = (shape: Shape, values: ArrayLike<number>[]): Float32Array => {
  const result = new Float32Array(sizeOf(shape));
  values.forEach((row, i) => {
    result.set(Array.from(row), i * (shape.at(-1) as number));
  });
  return result;
};

concurrentCases('reductions', (c) => {
  for (const name of adapterNames) {
    const adapter = adapters[name];

    c(`over every set of axes, ${name}`, async (t) => {
      const outputs: Record<string, Tensor> = {};
      const values = new Map<Variable, ArrayLike<number>>();
      for (const shape of [[67], [5, 6], [3, 4, 5], [2, 3, 5, 8]]) {
        const x = variable(`x${shape.length}`, shape);
        values.set(x, integers(x.name, x.size));
        axisSets(shape.length).forEach((axes, i) => {
          const what = `${shape.length} over ${axes}`;
          const keepDims = i % 2 === 0;
          // Every other one through a view, so that the last axis is not the one in memory.
          const from = i % 3 === 0 && shape.length > 1 ? o.transpose(x) : x;
          outputs[`sum of ${what}`] = o.sum(from, axes, { keepDims });
          outputs[`max of ${what}`] = o.max(from, axes, { keepDims });
          outputs[`lse of ${what}`] = o.logSumExp(from, axes, { keepDims });
        });
      }
      await check(t, { outputs }, values, { adapter });
    });

    c(`of long rows, cut into parts, ${name}`, async (t) => {
      const flat = variable('flat', [20011]);
      const few = variable('few', [3, 8195]);
      const tall = variable('tall', [9001, 4]);
      const broad = variable('broad', [5, 3001]);
      const outputs = {
        sum: o.sum(flat),
        squares: o.sum(o.square(flat)),
        max: o.max(o.neg(flat)),
        lse: o.logSumExp(o.mul(0.125, flat)),
        rows: o.sum(few, 1),
        rowMax: o.max(few, 1, { keepDims: true }),
        mean: o.mean(few),
        columns: o.sum(tall, 0),
        many: o.sum(broad, 0),
        norm: o.mul(flat, o.rsqrt(o.add(o.sum(o.square(flat)), 1))),
      };
      const values = new Map(
        [flat, few, tall, broad].map((x) => [x, integers(x.name, x.size, -3, 3)] as const),
      );
      const { kernels } = await check(t, { outputs }, values, { adapter });
      t.ok(
        kernels.some((k) => k.groups.some(({ splits }) => splits > 1)),
        'no reduction was cut into parts',
      );
    });

    c(`log-sum-exp and softmax of extreme rows, ${name}`, async (t) => {
      const width = 37;
      const made: ArrayLike<number>[] = [
        new Float32Array(width).fill(1e4),
        new Float32Array(width).fill(-1e4),
        new Float32Array(width).fill(0),
        reals('wide', width, -1e4, 1e4),
        reals('narrow', width, 9999, 10001),
        Float32Array.from({ length: width }, (_, i) => (i === 11 ? 50 : -50)),
        Float32Array.from({ length: width }, (_, i) => (i === width - 1 ? 1e30 : -1e30)),
        Float32Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1e-30 : -1e-30)),
        Float32Array.from({ length: width }, (_, i) => -87 - i / 8),
      ];
      const x = variable('x', [made.length, width]);
      const outputs = {
        lse: o.logSumExp(x, 1),
        softmax: o.softmax(x),
        logSoftmax: o.logSoftmax(x),
        turned: o.logSumExp(o.transpose(x), 0),
        mean: o.logMeanExp(x, 1),
        max: o.max(x, 1),
      };
      await check(t, { outputs }, new Map([[x, rows(x.shape, made)]]), { adapter });
    });

    c(`rows of more elements than a driver's loops may take turns, ${name}`, async (t) => {
      const [rows, width] = [64, 2 ** 19];
      const x = o.reshape(o.toFloat(o.modUint(o.iota(rows * width), 2)), [rows, width]);
      await withRuntime(
        t,
        async (runtime) => {
          const plan = await runtime.compile({ outputs: { sum: o.sum(x, 1) } });
          await plan.run();
          t.equal(await plan.read('sum'), new Float32Array(rows).fill(width / 2));
        },
        adapter,
      );
    });

    c(`a row that holds no number has no log-sum-exp, ${name}`, async (t) => {
      const x = variable('x', [4, 37]);
      const values = reals('x', x.size);
      values[2 * 37 + 5] = Number.NaN;
      const read = async (runtime: Runtime) => {
        const outputs = { lse: o.logSumExp(x, 1), turned: o.logSumExp(o.transpose(x), 0) };
        const plan = await runtime.compile({ outputs });
        runtime.write(x, values);
        await plan.run();
        return [await plan.read('lse'), await plan.read('turned')];
      };
      for (const result of await withRuntime(t, read, adapter)) {
        t.equal([...result].map(Number.isFinite), [true, true, false, true]);
      }
    });

    c(`over the memory of what they fold, if they are done with it, ${name}`, async (t) => {
      const [a, b] = [variable('a', [40, 24]), variable('b', [24, 136])];
      const values = new Map([a, b].map((v) => [v, reals(v.name, v.size)] as const));
      // Of two products, so that it cannot ride on either.
      const h = o.add(o.matmul(a, b), o.matmul(o.neg(a), o.tanh(b)));
      const weights = o.exp(h);
      const once = { y: o.matmul(weights, o.transpose(b)), total: o.sum(weights, 1) };
      const plan = await check(t, { outputs: once }, values, { adapter });
      t.equal(plan.memory.inPlace.size, 1, 'memories taken over');
      // Read again once its row is folded.
      const twice = { y: o.matmul(o.softmax(h), o.transpose(b)) };
      await check(t, { outputs: twice }, values, { adapter });
    });

    c(`with what feeds and follows them in one kernel, ${name}`, async (t) => {
      const [batch, width] = [5, 67];
      const x = variable('x', [batch, width]);
      const [gain, bias] = [variable('gain', [width]), variable('bias', [width])];
      const shift = variable('shift', [batch, 1]);
      const values = new Map(
        [x, gain, bias, shift].map((v) => [v, reals(v.name, v.size)] as const),
      );
      const centred = o.sub(x, o.mean(x, 1, { keepDims: true }));
      const scale = o.rsqrt(o.add(o.mean(o.square(centred), 1, { keepDims: true }), 1e-5));
      const normal = { y: o.add(o.mul(o.mul(centred, scale), gain), bias) };
      const { kernels } = await check(t, { outputs: normal }, values, { adapter });
      t.equal(kernels.length, 1, 'kernels of a layer norm');

      const weights = o.softmax(o.mul(o.add(x, shift), gain));
      const attention = {
        weights,
        entropy: o.neg(o.sum(o.mul(weights, o.log(o.add(weights, 1e-6))), 1)),
        top: o.max(weights, 1),
        share: o.div(
          o.max(x, 1, { keepDims: true }),
          o.add(o.sum(o.abs(x), 1, { keepDims: true }), 1),
        ),
      };
      await check(t, { outputs: attention }, values, { adapter });

      const columns = {
        softmax: o.softmax(x, 0),
        variance: o.variance(x, 0),
        scaled: o.mul(x, o.sum(o.mul(x, shift), 0)),
      };
      await check(t, { outputs: columns }, values, { adapter });
    });
  }

  c('variance and means over any axes', async (t) => {
    const x = variable('x', [3, 4, 7]);
    const outputs = {
      all: o.variance(x),
      last: o.variance(x, -1, { keepDims: true }),
      first: o.variance(x, 0),
      outer: o.variance(x, [0, 2]),
      mean: o.mean(x, [1, 2]),
      one: o.mean(o.reshape(x, [1, 84]), 0),
    };
    await check(t, { outputs }, new Map([[x, reals('x', x.size)]]));
  });
});
