/** Causal nets over series: which steps a step sees, a convolution by its definition, gradients, the walk. */
import { type Variable, variable } from '../../src/graph/variable.ts';
import { CausalCnn, type CausalCnnOptions, CausalConv1d, CausalWalk } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals, withRuntime } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';

const STEPS = 9;

const nets: Record<string, CausalCnnOptions> = {
  'one step': { channels: 1, outputs: 1, features: 4, receptive: 1 },
  'two steps, of two channels': { channels: 2, outputs: 3, features: 4, receptive: 2 },
  'five steps': { channels: 1, outputs: 2, features: 6, receptive: 5 },
  'eight steps, told a context': { channels: 1, outputs: 1, features: 4, receptive: 8, context: 3 },
};

const givenOf = (net: CausalCnn, rows: number) => {
  const { context = 0 } = net.options;
  return context > 0 ? variable('context', [rows, STEPS, context]) : undefined;
};

concurrentCases('causal nets', (c) => {
  c('a causal convolution is its definition', async (t) => {
    const [rows, from, to, kernel, dilation] = [2, 3, 4, 3, 2];
    const conv = new CausalConv1d(from, to, { kernel, dilation });
    const [weight, bias] = conv.parameters() as [Variable, Variable];
    const x = variable('x', [rows, STEPS, from]);
    const values = new Map([x, weight, bias].map((v) => [v, reals(v.name, v.size, -1, 1)]));
    const y = conv.call(x);
    const of = (v: Variable, at: number) => (values.get(v) as Float32Array)[at] as number;
    const expected = Float64Array.from({ length: rows * STEPS * to }, (_, at) => {
      const [out, step] = [at % to, Math.floor(at / to) % STEPS];
      const row = Math.floor(at / (to * STEPS));
      let sum = of(bias, out);
      for (let tap = 0; tap < kernel; tap++) {
        const seen = step - (kernel - 1 - tap) * dilation;
        for (let k = 0; seen >= 0 && k < from; k++) {
          sum +=
            of(weight, (out * from + k) * kernel + tap) * of(x, (row * STEPS + seen) * from + k);
        }
      }
      return sum;
    });
    t.close(referenceOf({ y }, values).y, [...expected], { absolute: 1e-12 });
    await check(t, { outputs: { y } }, values);
  });

  for (const [name, options] of Object.entries(nets)) {
    const { channels, outputs, receptive } = options;

    c(`${name}: a step sees those before it as far as that, and no other`, async (t) => {
      const net = new CausalCnn(options);
      // Row 0 as it is; row 1 + j with step j moved.
      const rows = 1 + STEPS;
      const x = variable('x', [rows, STEPS, channels]);
      const context = givenOf(net, rows);
      const size = STEPS * channels;
      const base = reals('base', size);
      await withRuntime(t, async (runtime) => {
        for (const p of net.parameters()) runtime.write(p, reals(p.name, p.size, -1, 1));
        runtime.write(
          x,
          Float32Array.from({ length: x.size }, (_, at) => {
            const isMoved = Math.floor((at % size) / channels) === Math.floor(at / size) - 1;
            return (base[at % size] as number) + (isMoved ? 1.5 : 0);
          }),
        );
        if (context) runtime.write(context, new Float32Array(context.size).fill(0.5));
        const plan = await runtime.compile({ outputs: { y: net.call(x, context) } });
        await plan.run();
        const y = (await plan.read('y')) as Float32Array;
        const of = (row: number, step: number) =>
          y.subarray((row * STEPS + step) * outputs, (row * STEPS + step + 1) * outputs);
        for (let moved = 0; moved < STEPS; moved++) {
          for (let step = 0; step < STEPS; step++) {
            const sees = of(1 + moved, step).some((value, k) => value !== of(0, step)[k]);
            const back = step - moved;
            t.equal(sees, back >= 1 && back <= receptive, `step ${step} and step ${moved}`);
          }
        }
      });
    });

    c(`${name}: gradients are the reference's`, async (t) => {
      const net = new CausalCnn(options);
      const x = variable('x', [3, STEPS, channels]);
      const context = givenOf(net, 3);
      const given = [...net.parameters(), x, ...(context ? [context] : [])];
      const values = new Map(given.map((v, i) => [v, reals(`${i}`, v.size, -1, 1)]));
      const y = net.call(x, context);
      const gradients = o.gradient(o.mean(o.square(y)), given);
      const named = Object.fromEntries(gradients.map((g, i) => [`${i} ${given[i]?.name}`, g]));
      await check(t, { outputs: { y, ...named } }, values);
    });

    c(`${name}: the walk tells of each step what the pass does`, async (t) => {
      const net = new CausalCnn(options);
      const x = variable('x', [2, STEPS, channels]);
      const context = givenOf(net, 2);
      const value = variable('value', [2, channels]);
      const walk = new CausalWalk(net, 2, context);
      await withRuntime(t, async (runtime) => {
        for (const p of net.parameters()) runtime.write(p, reals(p.name, p.size, -1, 1));
        if (context) runtime.write(context, reals('told', context.size, -1, 1));
        const series = reals('x', x.size, -1, 1);
        runtime.write(x, series);
        const whole = await runtime.compile({ outputs: { y: net.call(x, context) } });
        await whole.run();
        const y = (await whole.read('y')) as Float32Array;
        const start = await runtime.compile({ effects: walk.start() });
        const step = await runtime.compile({
          outputs: { y: walk.call() },
          effects: walk.next(value).map(([held, next]) => o.assign(held, next)),
        });
        await start.run();
        for (let at = 0; at < STEPS; at++) {
          const now = [0, 1].flatMap((row) => [
            ...series.subarray((row * STEPS + at) * channels, (row * STEPS + at + 1) * channels),
          ]);
          runtime.write(value, now);
          await step.run();
          const found = (await step.read('y')) as Float32Array;
          const wanted = [0, 1].flatMap((row) => [
            ...y.subarray((row * STEPS + at) * outputs, (row * STEPS + at + 1) * outputs),
          ]);
          t.close(found, wanted, { absolute: 1e-5, relative: 1e-5 });
        }
      });
    });
  }
});
