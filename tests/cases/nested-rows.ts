/** Folds of what short rows fold to, in one kernel: mixtures, importance weights, and their edges. */
import { Normal } from '../../src/distributions/index.ts';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { KernelChoice, Schedule } from '../../src/scheduler/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, compare, reals, withRuntime } from '../support/engine.ts';

/** More blocks than the fewest that are walked through by one invocation each. */
const BLOCKS = { software: 71, gpu: 517 } as const;

const some = (name: string, shape: Shape): Variable => variable(name, shape);
const filled = (...variables: Variable[]) =>
  new Map(variables.map((v) => [v, reals(v.name, v.size)] as const));

const nestedIn = ({ kernels }: Schedule): number =>
  kernels.flatMap(({ groups }) => groups).filter(({ over }) => over.length > 0).length;

concurrentCases('rows within rows', (c) => {
  for (const name of adapterNames) {
    const adapter = adapters[name];
    const batch = BLOCKS[name];

    c(`importance weights, ${name}`, async (t) => {
      for (const [samples, latent] of [
        [50, 20],
        [3, 7],
        [2, 64],
        [67, 1],
      ] as const) {
        const z = some(`z${latent}`, [batch, samples, latent]);
        const mean = some(`mean${latent}`, [batch, 1, latent]);
        const logStd = some(`logStd${latent}`, [batch, 1, latent]);
        const logDensity = new Normal(mean, logStd).logProb(z);
        const outputs = { bound: o.logSumExp(logDensity, 1) };
        const plan = await check(t, { outputs }, filled(z, mean, logStd), { adapter });
        if (latent > 1) t.equal(nestedIn(plan), 1, `kernels with rows in rows, width ${latent}`);
      }
    });

    c(`what all rows of a block share, ${name}`, async (t) => {
      const z = some('z', [batch, 9, 6]);
      const [mean, logStd] = [some('mean', [batch, 1, 6]), some('logStd', [batch, 1, 6])];
      const std = o.exp(logStd);
      const spread = o.logSumExp(logStd, 2);
      const scaled = o.div(o.sub(z, mean), std);
      const outputs = {
        bound: o.logSumExp(o.add(o.sum(o.square(scaled), 2), spread), 1),
        // Others need them as well.
        std,
        spread,
        doubled: o.mul(2, o.max(std, 2)),
      };
      const plan = await check(t, { outputs }, filled(z, mean, logStd), { adapter });
      t.equal(nestedIn(plan), 1, 'kernels with rows in rows');
      t.equal(plan.kernels.length, 1, 'kernels');
    });

    c(`the density of a mixture, ${name}`, async (t) => {
      const [components, features] = [5, 6];
      const x = some('x', [batch, 1, features]);
      const mean = some('means', [components, features]);
      const logStd = some('logStds', [components, features]);
      const logits = some('logits', [components]);
      const each = o.add(new Normal(mean, logStd).logProb(x), o.logSoftmax(logits));
      const mixture = o.logSumExp(each, 1);
      const outputs = { mixture, twice: o.mul(2, mixture), mean: o.mean(mixture) };
      const plan = await check(t, { outputs }, filled(x, mean, logStd, logits), { adapter });
      t.equal(nestedIn(plan), 1, 'kernels with rows in rows');
    });

    c(`every fold in every fold, and what others need of it, ${name}`, async (t) => {
      const x = some('x', [batch, 3, 10]);
      const y = some('y', [3, 10]);
      const shift = some('shift', [batch, 1]);
      const values = filled(x, y, shift);
      const folds = { sum: o.sum, max: o.max, lse: o.logSumExp };
      for (const [outer, over] of Object.entries(folds)) {
        const outputs: Record<string, Tensor> = {};
        for (const [inner, fold] of Object.entries(folds)) {
          const element = o.mul(x, y);
          const row = o.add(fold(element, 2), shift);
          outputs[`${outer} of ${inner}`] = over(row, 1);
          // Kept for others: the values of rows, and of elements.
          outputs[`${inner}, row`] = row;
          outputs[`${inner}, element`] = element;
        }
        await check(t, { outputs }, values, { adapter });
      }
      // Two folds of one row, one of which the other needs.
      const centred = o.sub(x, o.max(x, 2, { keepDims: true }));
      const dependent = { y: o.sum(o.logSumExp(centred, 2), 1) };
      const plan = await check(t, { outputs: dependent }, filled(x), { adapter });
      t.equal(nestedIn(plan), 1, 'kernels with rows in rows');
      // What the block's fold is needed for again cannot ride along.
      const weights = { w: o.softmax(o.sum(o.square(x), 2), 1) };
      await check(t, { outputs: weights }, filled(x), { adapter });
    });

    c(`every variant, whatever the numbers, twice the same, ${name}`, async (t) => {
      // Rows that end within a quad; blocks that no number of lanes takes in whole steps.
      const x = some('x', [name === 'gpu' ? 11 : batch, 13, 18]);
      const numbers = reals('x', x.size);
      const scales = [1, 1e4, -1e4, 1e30, 1e-30, 0];
      numbers.forEach((value, i) => {
        // Whole blocks of one size, and blocks of several.
        const block = Math.floor(i / (13 * 18));
        const scale = scales[(block % 12 < 6 ? block : i) % 6] as number;
        numbers[i] = value * scale;
      });
      const outputs = {
        sum: o.logSumExp(o.sum(x, 2), 1),
        lse: o.max(o.logSumExp(x, 2), 1),
        max: o.sum(o.max(x, 2), 1),
      };
      const base = adapters[name];
      const { subgroupSize } = t.device;
      const ways = { ...base, ...(subgroupSize !== undefined && { subgroupSize }) };
      const planned = await withRuntime(t, (runtime) => runtime.schedule({ outputs }), ways);
      const [{ key, variants }] = planned.kernels.map(({ choice }) => choice) as [KernelChoice];
      t.ok(variants.length > 2, `${variants}`);
      t.equal(
        variants.some((variant) => variant.includes('quads')),
        name === 'gpu',
        'by quads',
      );
      for (const variant of variants) {
        const adapter = { ...ways, tuned: { [key]: variant } };
        await withRuntime(
          t,
          async (runtime) => {
            const program = { outputs };
            const plan = await runtime.compile(program);
            t.equal(
              plan.schedule.kernels.map(({ choice }) => choice?.variant),
              [variant],
            );
            runtime.write(x, numbers);
            const read = async () => {
              await plan.run(1);
              return await Promise.all(Object.keys(outputs).map((each) => plan.read(each)));
            };
            const first = await read();
            t.equal(await read(), first, `${variant}, again`);
            await compare(runtime, plan, program, new Map([[x, numbers]]));
          },
          adapter,
        );
      }
    });

    c(`blocks of more than one axis, indices and noise, ${name}`, async (t) => {
      const parts = Math.ceil(batch / 4);
      const x = some('x', [4, parts, 3, 5]);
      const scaled = o.mul(x, o.add(o.toFloat(o.iota(5)), 1));
      const outputs = {
        last: o.logSumExp(o.sum(scaled, 3), 2),
        both: o.sum(o.max(scaled, [3]), 2, { keepDims: true }),
        noisy: o.sum(o.logSumExp(o.add(x, o.randomUniform(x.shape)), 3), 2),
      };
      const plan = await check(t, { outputs }, filled(x), { adapter });
      t.ok(nestedIn(plan) > 0, 'no rows were folded within rows');
    });

    c(`rows too long, and blocks too few, stay apart, ${name}`, async (t) => {
      const long = some('long', [batch, 2, 65]);
      const few = some('few', [3, name === 'gpu' ? 300 : 30, 8]);
      const outputs = {
        long: o.logSumExp(o.sum(o.square(long), 2), 1),
        few: o.logSumExp(o.sum(o.square(few), 2), 1),
      };
      const plan = await check(t, { outputs }, filled(long, few), { adapter });
      t.equal(nestedIn(plan), 0, 'kernels with rows in rows');
    });
  }
});
