/** Flows on grey levels that learn which noise makes them continuous: what they bound, and when they may. */
import { input } from '../../src/graph/variable.ts';
import { buildModel, type FlowConfig, type FlowModel } from '../../src/models/index.ts';
import { neg, mean as over } from '../../src/ops/index.ts';
import { adam, minimize } from '../../src/optim/index.ts';
import { cases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

const config: FlowConfig = {
  family: 'flow',
  data: { shape: [2] },
  // A deviation of one level of 256, so that the density changes within each.
  layers: [{ type: 'lu', start: [256, 0, 0, 256] }],
  base: { kind: 'normal' },
  dequantize: 'variational',
  dequantizer: { depth: 2, hidden: [8] },
  logit: null,
};

const SIDE = 64;
const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

cases('variational flows', (c) => {
  c(
    'weigh their noise so that levels get their probability, and learn to waste less',
    async (t) => {
      const model = buildModel(config) as FlowModel;
      const events = input('events', [SIDE * SIDE, 2]);
      const levels = input('levels', [4096, 2]);
      const bound = model.logProb(levels);
      const dequantizer = model.dequantizer?.parameters() ?? [];
      t.ok(dequantizer.length > 0, 'there is something to learn');
      const { effects } = minimize(neg(over(bound)), dequantizer, {
        optimizer: adam({ lr: 0.02 }),
      });
      await withRuntime(t, async (runtime) => {
        const level = [2, 1];
        runtime.write(
          events,
          Float32Array.from({ length: events.size }, (_, i) => {
            const place = i % 2 === 0 ? Math.floor(i / 2 / SIDE) : (i >> 1) % SIDE;
            return ((level[i % 2] as number) + (place + 0.5) / SIDE) / 256;
          }),
        );
        runtime.write(
          levels,
          Float32Array.from({ length: levels.size }, (_, i) => (level[i % 2] as number) / 255),
        );
        for (const [i, p] of dequantizer.entries()) {
          runtime.write(p, reals(`noise ${i}`, p.size, -0.4, 0.4));
        }
        const plan = await runtime.compile({
          outputs: { bound, logProb: model.flow.logProb(events) },
        });
        await plan.run();
        const exact = Math.log(mean((await plan.read('logProb')).map(Math.exp)));
        const loose = exact - mean(await plan.read('bound'));
        const train = await runtime.compile({ effects });
        await train.run(100);
        await plan.run();
        const draws = await plan.read('bound');
        const left = exact - mean(draws);
        t.ok(left > 0 && left < 0.03 && left < loose / 3, `${loose} nats were wasted, now ${left}`);
        // Each draw is an unbiased estimate of the probability.
        t.close(Math.log(mean(draws.map(Math.exp))), exact, { absolute: 0.01 });
      });
    },
  );

  c('name data that cannot be halved', async (t) => {
    const layers = [{ type: 'actnorm' }];
    const of = (shape: number[]) => () => buildModel({ ...config, layers, data: { shape } });
    await t.throws('bad-config', of([1]), /two features/);
    await t.throws('bad-config', of([1, 1, 3]), /two pixels/);
  });
});
