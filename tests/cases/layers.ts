/** Layers: what they compute, how their parameters are named and where they start. */
import { input, type Variable } from '../../src/graph/variable.ts';
import {
  constantInit,
  Dropout,
  glorotUniform,
  Linear,
  learning,
  MLP,
  Module,
  normal,
  uniform,
} from '../../src/nn/index.ts';
import { gradient, mean, square, step, sum } from '../../src/ops/index.ts';
import { Random } from '../../src/random.ts';
import { Runtime } from '../../src/scheduler/index.ts';
import { cases } from '../rig/cases.ts';
import { check, reals } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';
import { momentsOf } from '../support/statistics.ts';

/** Numbers for every parameter of a model. */
function given(model: Module): Map<Variable, Float32Array> {
  return new Map(model.namedParameters().map(([name, p]) => [p, reals(name, p.size, -1, 1)]));
}

class Tied extends Module {
  first = new Linear(4, 4);
  parts = [new MLP([4, 3, 2]), { notAModule: 1 }, [this.first]];
  again = this.first;
  bias = this.first.bias;
  words = 'no parameter';
}

cases('layers', (c) => {
  c('compute x Wᵀ + b over any leading axes', async (t) => {
    const net = new MLP([5, 7, 3], 'relu', { output: 'sigmoid' });
    const x = input('x', [2, 3, 5]);
    const values = given(net).set(x, reals('x', x.size));
    const y = net.call(x);
    t.equal(y.shape, [2, 3, 3]);
    const named = new Map(net.namedParameters());
    const of = (name: string) => values.get(named.get(name) as Variable) as Float32Array;
    const layer = (h: number[], i: number, f: (x: number) => number) =>
      Array.from(of(`${i}.bias`), (bias, o) =>
        f(h.reduce((sum, v, k) => sum + v * (of(`${i}.weight`)[o * h.length + k] as number), bias)),
      );
    const rows = Array.from({ length: 6 }, (_, r) => [
      ...(values.get(x) as Float32Array).slice(5 * r, 5 * r + 5),
    ]);
    const expected = rows.flatMap((row) => {
      const h = layer(row, 0, (v) => Math.max(0, v));
      return layer(h, 1, (v) => 1 / (1 + Math.exp(-v)));
    });
    t.close(referenceOf({ y }, values).y, expected, { absolute: 1e-12 });
    const gradients = gradient(mean(square(y)), net.parameters());
    const outputs = Object.fromEntries(gradients.map((g, i) => [`g${i}`, g]));
    await check(t, { outputs: { y, ...outputs } }, values);
  });

  c('name their parameters as PyTorch does, each once', (t) => {
    const names = (model: Module) => model.namedParameters().map(([name]) => name);
    t.equal(names(new MLP([3, 4, 5, 2])), [
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
      '2.weight',
      '2.bias',
    ]);
    t.equal(names(new MLP([3, 2], 'relu', { bias: false })), ['0.weight']);
    const tied = new Tied();
    t.equal(names(tied), [
      'first.weight',
      'first.bias',
      'parts.0.0.weight',
      'parts.0.0.bias',
      'parts.0.1.weight',
      'parts.0.1.bias',
    ]);
    t.equal(tied.parameterCount(), 20 + 15 + 8);
    t.equal(tied.first.weight.name, 'first.weight');
  });

  c('refuse inputs of another width and nets without layers', async (t) => {
    const x = input('x', [2, 4]);
    await t.throws('shape-mismatch', () => new Linear(5, 2).call(x), /does not end in 5/);
    await t.throws('bad-config', () => new MLP([5]), /input and an output width/);
  });

  c('start from numbers that follow from seed and name alone', async (t) => {
    const start = async (seed: number, model: Module) => {
      const runtime = new Runtime(t.device, { seed });
      const values = new Map<string, Float32Array>();
      for (const [name, p] of model.namedParameters()) {
        values.set(name, (await runtime.read(p)) as Float32Array);
      }
      runtime.destroy();
      return values;
    };
    const first = await start(1, new MLP([50, 30, 4]));
    t.equal(await start(1, new MLP([50, 30, 4])), first, 'the same seed');
    const other = await start(2, new MLP([50, 30, 4]));
    const weight = first.get('0.weight') as Float32Array;
    t.ok(!weight.every((x, i) => x === other.get('0.weight')?.[i]), 'another seed');
    const bound = 1 / Math.sqrt(50);
    for (const name of ['0.weight', '0.bias']) {
      const values = first.get(name) as Float32Array;
      t.ok(
        values.every((x) => Math.abs(x) <= bound),
        `${name} lies within ±1/√in`,
      );
    }
    const { mean: centre, variance, standardError } = momentsOf(weight);
    t.close(centre, 0, { absolute: 4 * standardError });
    t.close(variance, bound ** 2 / 3, { relative: 0.1 });
    const glorot = await start(1, new MLP([50, 30, 4], 'tanh', { init: 'glorot' }));
    const most = (glorot.get('0.weight') as Float32Array).reduce((m, x) => Math.max(m, x), 0);
    t.ok(most <= Math.sqrt(6 / 80) && most > 0.95 * Math.sqrt(6 / 80), 'U(±√(6/(in + out)))');
    t.equal([...new Set(glorot.get('0.bias'))], [0]);
  });

  c('have initializers with the right spread', (t) => {
    const random = new Random(5, 0, 0);
    const draw = (init: ReturnType<typeof normal>) =>
      Float64Array.from(init([100, 100], () => random.uniform()));
    for (const [init, variance] of [
      [normal(2), 4],
      [uniform(0.3), 0.03],
      [glorotUniform(20, 28), 6 / 48 / 3],
    ] as const) {
      const values = draw(init);
      const found = momentsOf(values);
      const squares = momentsOf(values.map((x) => x * x));
      t.close(found.mean, 0, { absolute: 4 * found.standardError });
      t.close(squares.mean, variance, { absolute: 4 * squares.standardError });
    }
    t.ok(
      draw(constantInit(7)).every((x) => x === 7),
      'constant',
    );
    const zero = normal(1)([3], () => 0) as Float32Array;
    t.ok(zero.every(Number.isFinite), 'a uniform draw may be 0');
  });

  c('drop numbers in training, other ones in every step, and none elsewhere', async (t) => {
    const layer = new Dropout(0.3);
    const x = input('x', [40, 50]);
    t.ok(layer.call(x) === x, 'what is asked of a model is whole');
    const { made: y } = learning(() => layer.call(x));
    const [slope] = gradient(sum(y), [x]);
    const runtime = new Runtime(t.device, { seed: 3 });
    const plan = await runtime.compile({ outputs: { y, slope: slope as typeof y } });
    const values = reals('x', x.size, 1, 2);
    runtime.write(x, values);
    const seen: Float32Array[] = [];
    for (let at = 0; at < 2; at++) {
      runtime.write(step, [at]);
      await plan.run();
      seen.push((await plan.read('y')) as Float32Array);
    }
    const [first, second] = seen as [Float32Array, Float32Array];
    const kept = first.filter((v) => v !== 0).length / x.size;
    t.close(kept, 0.7, { absolute: 4 * Math.sqrt(0.21 / x.size) }, 'what stays');
    t.close(
      second,
      values.map((v, i) => (second[i] === 0 ? 0 : v / 0.7)),
      { relative: 1e-6 },
      'divided by 1 - rate',
    );
    t.close(
      await plan.read('slope'),
      second.map((v) => (v === 0 ? 0 : 1 / 0.7)),
      { relative: 1e-6 },
      'as is its gradient',
    );
    t.ok(
      first.some((v, i) => (v === 0) !== (second[i] === 0)),
      'others in the next step',
    );
    runtime.destroy();
    await t.throws('bad-config', () => new Dropout(1), /the rate is 1/);
  });
});
