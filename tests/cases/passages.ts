/** Sequential directions as replayed plans: what the unrolled graph gives, without the graph. */
import {
  Autoregressive,
  additive,
  affine,
  type Bijection,
  Chain,
  Flow,
  Inverted,
  Passage,
  Permutation,
  spline,
  type Way,
} from '../../src/flows/index.ts';
import { input } from '../../src/graph/variable.ts';
import { FlowSampler } from '../../src/models/flow/sampler.ts';
import type { Module } from '../../src/nn/index.ts';
import { seed, step } from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/run/runtime.ts';
import { type CaseContext, concurrentCases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

const maf = (features: number, options: Partial<ConstructorParameters<typeof Autoregressive>[0]>) =>
  new Autoregressive({
    features,
    hidden: [24],
    transformer: affine(),
    activation: 'tanh',
    ...options,
  });

const BATCH = 5;

function disturb(runtime: Runtime, module: Module): void {
  for (const [name, p] of module.namedParameters()) {
    runtime.write(p, reals(`${name}${p.shape}`, p.size, -0.4, 0.4));
  }
}

/** A passage and the same direction as one graph agree. */
async function agrees(
  t: CaseContext,
  bijection: Bijection,
  way: Way,
  contextWidth = 0,
): Promise<void> {
  await withRuntime(t, async (runtime) => {
    disturb(runtime, bijection);
    const from = input('from', [BATCH, ...bijection.shape]);
    const context = contextWidth > 0 ? input('context', [BATCH, contextWidth]) : undefined;
    const passage = await Passage.compile(runtime, bijection, way, from, {
      ...(context && { context }),
    });
    const { value, logDet } = bijection[way](from, context);
    const plan = await runtime.compile({ outputs: { value, logDet } });
    // Twice: a passage starts anew each time.
    for (const round of ['first', 'second']) {
      runtime.write(from, reals(round, from.size));
      if (context) runtime.write(context, reals(`context ${round}`, context.size));
      await plan.run();
      await passage.run();
      for (const name of ['value', 'logDet']) {
        t.close(await passage.read(name), await plan.read(name), { absolute: 2e-5 }, name);
      }
    }
    passage.destroy();
  });
}

concurrentCases('passages', (c) => {
  c('of one autoregressive layer of any kind', async (t) => {
    await agrees(t, maf(6, {}), 'forward');
    await agrees(t, maf(1, {}), 'forward');
    await agrees(t, maf(5, { order: [3, 0, 4, 1, 2], hidden: [9, 11, 7] }), 'forward');
    await agrees(t, maf(4, { transformer: spline({ bins: 3 }), hidden: [8, 8] }), 'forward');
    await agrees(t, maf(4, { transformer: additive, context: 3 }), 'forward', 3);
  });

  c('of layers between others, in either direction', async (t) => {
    const order = [2, 0, 3, 1];
    const chain = () =>
      new Chain([
        maf(4, {}),
        new Permutation([4], order),
        new Inverted(maf(4, { order })),
        Permutation.reversal([4]),
        maf(4, { context: 2 }),
      ]);
    await agrees(t, chain(), 'forward', 2);
    await agrees(t, chain(), 'inverse', 2);
    await agrees(t, new Inverted(chain()), 'forward', 2);
  });

  c('invert a flow of many coordinates, which no graph holds', async (t) => {
    const features = 150;
    const flow = new Flow(
      new Chain([maf(features, {}), Permutation.reversal([features]), maf(features, {})]),
    );
    await t.throws(
      'bad-input',
      () => flow.draw([2]),
      /150 autoregressive passes do not fit into one graph/,
    );
    await withRuntime(t, async (runtime) => {
      disturb(runtime, flow);
      const sampler = new FlowSampler(runtime, flow, { batch: 4 });
      const z = reals('noise', 7 * features);
      const { value, logDet } = await sampler.forward(z);
      const back = await sampler.inverse(value);
      t.close(back.value, z, { absolute: 1e-4 });
      t.close(
        back.logDet,
        logDet.map((x) => -x),
        { absolute: 1e-3 },
      );
      await sampler.destroy();
    });
  });

  c('draw by seed and place, with the density of each draw', async (t) => {
    const flow = new Flow(new Chain([maf(3, { context: 1 }), maf(3, { context: 1 })]));
    await withRuntime(t, async (runtime) => {
      disturb(runtime, flow);
      runtime.write(seed, [5, 6]);
      runtime.write(step, [7]);
      const sampler = new FlowSampler(runtime, flow, { batch: 4, context: 1 });
      const context = reals('context', 10);
      const all = await sampler.sample(10, { seed: 3, context });
      const few = await sampler.sample(6, { seed: 3, context: context.slice(0, 6) });
      t.equal(few.value, all.value.slice(0, 18), 'the first of more draws');
      t.ok((await sampler.sample(10, { seed: 4, context })).value[0] !== all.value[0], 'seeds');
      const { value: noise, logDet } = await sampler.inverse(all.value, { context });
      const logProb = logDet.map((x, i) => {
        const z = noise.subarray(3 * i, 3 * i + 3);
        return x - z.reduce((sum, v) => sum + (v * v + Math.log(2 * Math.PI)) / 2, 0);
      });
      t.close(all.logProb, logProb, { absolute: 1e-4 });
      const cold = await sampler.sample(10, { seed: 3, temperature: 0, context });
      const middle = await sampler.forward(new Float32Array(30), { context });
      t.close(cold.value, middle.value, { absolute: 1e-6 }, 'temperature 0');
      t.equal([...(await runtime.read(seed)), ...(await runtime.read(step))], [5, 6, 7]);
      await t.throws(
        'bad-input',
        () => sampler.sample(2, { temperature: -1 }),
        /temperature is -1/,
      );
      await t.throws('shape-mismatch', () => sampler.sample(2), /context of 2 × 1/);
      await sampler.destroy();
    });
  });
});
