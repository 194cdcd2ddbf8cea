/** Rows folded by exchanging registers within subgroups, and by workgroup memory between them. */
import { variable } from '../../src/graph/variable.ts';
import type { TunedTable } from '../../src/kernels/tuned.ts';
import * as o from '../../src/ops/index.ts';
import { type KernelChoice, schedule } from '../../src/scheduler/index.ts';
import { defaultAdapterClass } from '../../src/scheduler/lower/adapter.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, integers, reals, withRuntime } from '../support/engine.ts';

const adapter = { isSoftware: false, subgroupFolds: true };

/** Rows and columns whose lanes fit one subgroup, fill several, and do not come out even. */
const shapes = [
  [70, 8],
  [5, 13],
  [3, 37],
  [2, 514],
  [1, 3001],
  [200, 16],
] as const;

concurrentCases('subgroup folds', (c) => {
  c('sums, maxima and log-sum-exps of rows and of columns', async (t) => {
    const texts = new Set<string>();
    for (const shape of shapes) {
      const x = variable('x', shape);
      const outputs = {
        sum: o.sum(x, 1),
        max: o.max(x, 1),
        lse: o.logSumExp(x, 1),
        columnSum: o.sum(x, 0),
        columnMax: o.max(x, 0),
        columnLse: o.logSumExp(x, 0),
        norm: o.mul(x, o.rsqrt(o.add(o.sum(o.square(x), 1, { keepDims: true }), 1))),
        softmax: o.softmax(x),
        all: o.sum(x),
      };
      const values = new Map([[x, reals('x', x.size)]]);
      const { kernels } = await check(t, { outputs }, values, { adapter });
      for (const { code, variant } of kernels) {
        if (variant.includes('by subgroups')) texts.add(code);
      }
    }
    if (t.device.subgroupSize === undefined) {
      t.equal(texts.size, 0, 'without subgroups of one size none are used');
      return;
    }
    const shared = [...texts].filter((code) => code.includes('fold_scratch')).length;
    t.ok(shared > 0, 'no row was shared by several subgroups');
    t.ok(shared < texts.size, 'no row was folded within a subgroup');
  });

  c('rows within rows', async (t) => {
    const x = variable('x', [517, 50, 20]);
    const outputs = { y: o.logSumExp(o.sum(o.square(x), 2), 1) };
    const { kernels } = await check(t, { outputs }, new Map([[x, reals('x', x.size)]]), {
      adapter,
    });
    const by = t.device.subgroupSize === undefined ? '' : ' by subgroups';
    t.equal(
      kernels.map(({ variant }) => variant),
      [`64 lanes${by}, nested by quads`],
    );
  });

  c('where subgroups come in several sizes, their kernels ask for one', async (t) => {
    const x = variable('x', [33, 150]);
    const y = variable('y', [40, 70]);
    const outputs = { sum: o.sum(x, 1), lse: o.logSumExp(y, 1) };
    const values = new Map([x, y].map((v) => [v, reals(v.name, v.size)]));
    // SwiftShader's come in one size alone, for which a kernel may ask, too.
    const asksSubgroupSize = t.device.features.has('subgroup-size-control');
    const { kernels } = await check(t, { outputs }, values, {
      adapter: { ...adapter, asksSubgroupSize },
    });
    for (const { code, label } of kernels) {
      const asked = code.match(/@compute @subgroup_size\((\d+)\) @workgroup_size/);
      const expected = asksSubgroupSize ? String(t.device.subgroupSize) : undefined;
      t.equal(asked?.[1], expected, label);
    }
    t.equal(kernels.length, 1, 'both share a dispatch');
  });

  c('extreme log-sum-exps, as by workgroup memory', async (t) => {
    const width = 149;
    const rows: Float32Array[] = [1e4, -1e4, 0, 1e30].map((x) => new Float32Array(width).fill(x));
    rows.push(Float32Array.from({ length: width }, (_, i) => (i === width - 1 ? 1e30 : -1e30)));
    rows.push(reals('wide', width, -1e4, 1e4), reals('narrow', width, 9999, 10001));
    const x = variable('x', [rows.length, width]);
    const values = Float32Array.from(rows.flatMap((row) => [...row]));
    const outputs = { lse: o.logSumExp(x, 1), logSoftmax: o.logSoftmax(x), max: o.max(x, 1) };
    await check(t, { outputs }, new Map([[x, values]]), { adapter });
  });

  c('whole numbers are exact, and the same run after run', async (t) => {
    const x = variable('x', [33, 150]);
    const y = variable('y', [33, 150]);
    const outputs = { sum: o.sum(x, 1), columns: o.sum(x, 0), norm: o.sum(o.exp(y), 1) };
    await withRuntime(
      t,
      async (runtime) => {
        runtime.write(x, integers('x', x.size));
        runtime.write(y, reals('y', y.size));
        const plan = await runtime.compile({ outputs });
        const results: Float32Array[][] = [];
        for (let run = 0; run < 3; run++) {
          await plan.run(1);
          const read = Object.keys(outputs).map((name) => plan.read(name));
          results.push((await Promise.all(read)) as Float32Array[]);
        }
        t.equal(results[1], results[0]);
        t.equal(results[2], results[0]);
        const held = integers('x', x.size);
        const sum = Array.from({ length: 33 }, (_, row) =>
          held.slice(row * 150, (row + 1) * 150).reduce((total, value) => total + value, 0),
        );
        const [first] = results as [Float32Array[], ...unknown[]];
        t.equal([...(first[0] as Float32Array)], sum);
      },
      adapter,
    );
  });

  c('the tuner may choose them, where there are subgroups of one size', async (t) => {
    const x = variable('x', [5, 301]);
    const values = new Map([[x, reals('x', x.size)]]);
    const { subgroupSize } = t.device;
    const gpu = { isSoftware: false, ...(subgroupSize !== undefined && { subgroupSize }) };
    const chosen = async (tuned: TunedTable) => {
      const { kernels } = await check(t, { outputs: { y: o.logSumExp(x, 1) } }, values, {
        adapter: { ...gpu, tuned },
      });
      return (kernels[0] as (typeof kernels)[number]).choice as KernelChoice;
    };
    const { key, variant, variants } = await chosen({});
    t.ok(!variant.includes('subgroups'), `${variant} is the default`);
    const exchanging = variants.filter((name) => name.endsWith('-subgroups'));
    t.equal(exchanging.length > 0, subgroupSize !== undefined, `${variants}`);
    for (const name of exchanging) t.equal((await chosen({ [key]: name })).variant, name);
    // A table that was learnt elsewhere names what this adapter has not.
    const [elsewhere] = schedule(
      { outputs: { y: o.logSumExp(x, 1) } },
      { ...defaultAdapterClass, tuned: { [key]: 'rows-32x64-subgroups' } },
    ).kernels;
    t.equal(elsewhere?.choice?.variant, variant);
  });

  c('are off unless asked for', async (t) => {
    const x = variable('x', [9, 70]);
    const { kernels } = await check(
      t,
      { outputs: { y: o.sum(x, 1) } },
      new Map([[x, reals('x', x.size)]]),
      { adapter: { isSoftware: false } },
    );
    t.equal(
      kernels.map(({ variant }) => variant),
      ['16 lanes'],
    );
  });
});
