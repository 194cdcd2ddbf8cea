/** Flows as distributions, and what their parts promise beside being bijections. */
import { LearnedMixture, LearnedNormal } from '../../src/distributions/index.ts';
import {
  ActNorm,
  affine,
  BatchNorm,
  Chain,
  type ConditionerFactory,
  Coupling,
  Flow,
  Logit,
  LuLinear,
  MultiScale,
  Permutation,
  QrLinear,
  Squeeze,
  spline,
  VariationalDequantizer,
  whitening,
} from '../../src/flows/index.ts';
import { variable } from '../../src/graph/variable.ts';
import { ConvNet, MLP } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam, minimize } from '../../src/optim/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { coupling, disturb } from '../support/bijections.ts';
import { reals, withRuntime } from '../support/engine.ts';

concurrentCases('flows', (c) => {
  c('in the plane have a density that sums to one, whatever their base', async (t) => {
    const bases = {
      standard: undefined,
      diagonal: new LearnedNormal(2),
      mixture: new LearnedMixture(2, 3),
    };
    // A grid over ±8, far beyond where these densities have any mass.
    const side = 320;
    const step = 16 / side;
    const at = (i: number) => -8 + (i + 0.5) * step;
    const points = Float32Array.from({ length: 2 * side * side }, (_, i) =>
      at(i % 2 === 0 ? Math.floor(i / 2) % side : Math.floor(i / 2 / side)),
    );
    const x = variable('x', [side * side, 2]);
    await withRuntime(t, async (runtime) => {
      for (const [name, base] of Object.entries(bases)) {
        const net: ConditionerFactory = (from, to) => new MLP([...from, 8, ...to], 'tanh');
        const halves = [false, true].map((flip) => coupling([2], { flip, net }));
        const flow = new Flow(new Chain([...halves, new LuLinear([2], 3)]), base);
        const plan = await runtime.compile({ outputs: { logProb: flow.logProb(x) } });
        runtime.write(x, points);
        await plan.run();
        const logProb = (await plan.read('logProb')) as Float32Array;
        const total = logProb.reduce((sum, y) => sum + Math.exp(y), 0) * step * step;
        t.close(total, 1, { absolute: 1e-3 }, name);
        plan.destroy();
      }
    });
  });

  c('give draws the density they say', async (t) => {
    const flow = new Flow(
      new Chain([coupling([3]), new LuLinear([3], 2)]),
      new LearnedMixture(3, 2),
    );
    const drawn = flow.draw([50]);
    await withRuntime(t, async (runtime) => {
      disturb(runtime, flow.bijection);
      const plan = await runtime.compile({
        outputs: { logProb: drawn.logProb(), again: flow.logProb(o.stopGradient(drawn.value)) },
      });
      await plan.run();
      t.close(await plan.read('logProb'), await plan.read('again'), { absolute: 1e-4 });
    });
  });

  c(
    'start from data once: every channel of every ActNorm has mean 0 and deviation 1',
    async (t) => {
      const norms = [new ActNorm([4]), new ActNorm([4])];
      const [first, second] = norms as [ActNorm, ActNorm];
      const flow = new Flow(new Chain([first, new LuLinear([4], 5), coupling([4]), second]));
      const x = variable('x', [64, 4]);
      const values = reals('start', x.size, -1, 5);
      await withRuntime(t, async (runtime) => {
        runtime.write(x, values);
        const start = await runtime.compile({ effects: flow.start(x) });
        await start.run();
        const after = second.inverse(x).value;
        const plan = await runtime.compile({
          outputs: {
            second: o.mean(after, [0]),
            spread: o.variance(after, [0]),
            first: o.mean(flow.bijection.inverse(x).value, [0]),
          },
        });
        await plan.run();
        t.close(await plan.read('second'), [0, 0, 0, 0], { absolute: 1e-5 });
        t.close(await plan.read('spread'), [1, 1, 1, 1], { absolute: 1e-4 });
        t.close(await plan.read('first'), [0, 0, 0, 0], { absolute: 1e-4 });
        const before = await runtime.read(second.shift);
        // Other data: what has been started is left alone.
        runtime.write(
          x,
          values.map((y) => 2 * y - 1),
        );
        await start.run();
        t.equal(await runtime.read(second.shift), before);
      });
    },
  );

  c(
    'keep the statistics of batches: in training those of the batch, else their average',
    async (t) => {
      const norm = new BatchNorm([2], 0.5);
      const x = variable('x', [8, 2]);
      const values = reals('batch', 16, -3, 1);
      await withRuntime(t, async (runtime) => {
        runtime.write(x, values);
        const { value, effects } = norm.learn(x);
        const plan = await runtime.compile({ outputs: { mean: o.mean(value, [0]) }, effects });
        await plan.run();
        t.close(await plan.read('mean'), [0, 0], { absolute: 1e-5 });
        const mean = [0, 1].map(
          (c) => values.reduce((sum, y, i) => sum + (i % 2 === c ? y : 0), 0) / 8,
        );
        t.close(
          await runtime.read(norm.mean),
          mean.map((m) => m / 2),
          { absolute: 1e-6 },
        );
      });
    },
  );

  c('dequantise with the density that they say, and learn to', async (t) => {
    const shape = [2, 3, 1];
    const net: ConditionerFactory = (from, to) =>
      new ConvNet(from.at(-1) as number, to.at(-1) as number, { hidden: [8], zeroOutput: true });
    const halves = [false, true].map(
      (flip) =>
        new Coupling({ shape, transformer: affine(), net, mask: 'checkerboard', flip, context: 1 }),
    );
    const dequantizer = new VariationalDequantizer(new Chain(halves), 4);
    const x = variable('x', [32, ...shape]);
    const greys = Float32Array.from({ length: x.size }, (_, i) => ((i * 7) % 4) / 3);
    const { value, logProb } = dequantizer.call(x);
    // What was added, and the noise that it came from.
    const u = o.sub(o.mul(value, 4), o.mul(x, 3));
    const logit = new Logit(shape, 1e-7).inverse(o.stopGradient(u));
    const noise = dequantizer.bijection.inverse(logit.value, o.sub(x, 0.5));
    const flat = o.reshape(noise.value, [32, -1]);
    const ofNoise = o.sum(o.standardNormalLogProb(flat), -1);
    const again = o.add(ofNoise, o.add(noise.logDet, logit.logDet));
    // Data whose density rises across each level: uniform noise misses E log 2u = log 2 - 1 of it.
    const rising = o.sum(o.reshape(o.log(o.mul(u, 2)), [32, -1]), -1);
    const loss = o.neg(o.mean(o.sub(rising, logProb)));
    const { effects } = minimize(loss, dequantizer.parameters(), { optimizer: adam({ lr: 0.03 }) });
    await withRuntime(t, async (runtime) => {
      runtime.write(x, greys);
      const train = await runtime.compile({ effects });
      await train.run(300);
      const plan = await runtime.compile({ outputs: { logProb, again, u, loss } });
      await plan.run();
      t.close(await plan.read('logProb'), await plan.read('again'), { absolute: 2e-3 });
      t.ok(
        (await plan.read('u')).every((y) => y > 0 && y < 1),
        'u lies within its level',
      );
      const [bound] = (await plan.read('loss')) as Float32Array;
      // 0 is the best that can be, 6 (1 - log 2) = 1.84 what uniform noise gives.
      t.ok((bound as number) < 0.9, `the bound is ${bound} nats loose`);
    });
  });

  c('name what cannot be', async (t) => {
    const net: ConditionerFactory = (from, to) => new MLP([...from, 4, ...to]);
    const transformer = affine();
    const make = (shape: number[], mask?: 'checkerboard') => () =>
      new Coupling({ shape, transformer, net, ...(mask && { mask }) });
    await t.throws('bad-config', make([1]), /transforms nothing of an event \[1\]/);
    await t.throws('bad-config', make([4], 'checkerboard'), /takes images/);
    await t.throws('bad-config', make([1, 1, 3], 'checkerboard'), /transforms nothing/);
    const chain = () => new Chain([new ActNorm([3]), new ActNorm([4])]);
    await t.throws('bad-config', chain, /part 0 gives \[3\] and part 1 takes \[4\]/);
    const singular = () => new LuLinear([2], Float64Array.of(1, 2, 2, 4));
    await t.throws('bad-config', singular, /singular \(pivot 1 is 0\)/);
    await t.throws('bad-config', () => new QrLinear([3], { reflections: 4 }), /1 to 3/);
    await t.throws('bad-config', () => new Squeeze([3, 4, 1]), /must be even/);
    const level = (shape: number[], prior?: number[]) => ({
      steps: new ActNorm(shape),
      ...(prior && { prior: coupling(prior) }),
    });
    const levels =
      (...list: ReturnType<typeof level>[]) =>
      () =>
        new MultiScale(list);
    await t.throws('bad-config', levels(), /at least one level/);
    await t.throws(
      'bad-config',
      levels(level([2, 2, 4]), level([2, 2, 2])),
      /level 0 needs a prior/,
    );
    await t.throws('bad-config', levels(level([2, 2, 4], [2, 2, 4])), /level 0 is the last/);
    const fits = level([2, 2, 4], [2, 2, 4]);
    await t.throws('bad-config', levels(fits, level([1, 1, 8])), /leaves \[2, 2, 2\]/);
    await t.throws('bad-config', levels(level([2, 3], [2, 3]), level([2])), /no half/);
    await t.throws('bad-config', levels(level([2, 4], [4]), level([2, 2])), /prior of \[4\]/);
    const flat = Float64Array.of(1, 1, 1, 1);
    await t.throws('bad-input', () => whitening(flat, 2), /not positive definite \(pivot 1 is 0\)/);
    await t.throws('bad-config', () => new Logit([3], 0.5), /alpha is 0.5/);
    await t.throws('bad-config', () => spline({ bins: 1 }), /2 to 64 bins/);
    await t.throws('bad-config', () => new Permutation([3], [0, 0, 1]), /once/);
    await t.throws(
      'shape-mismatch',
      () => new ActNorm([3]).inverse(variable('x', [5, 4])),
      /\[3\]/,
    );
    const conditional = new Coupling({ shape: [4], transformer, net, context: 2 });
    await t.throws(
      'shape-mismatch',
      () => conditional.inverse(variable('x', [5, 4])),
      /context \[5, 2\]/,
    );
  });
});
