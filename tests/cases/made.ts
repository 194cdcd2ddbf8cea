/** Masked nets: an output changes with the inputs before it in the order, and with no other. */
import { variable } from '../../src/graph/variable.ts';
import { MADE, type MadeOptions } from '../../src/nn/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

const nets: Record<string, MadeOptions> = {
  'as they stand': { features: 5, hidden: [16], outputs: 2 },
  'backwards, two hidden layers': { features: 4, hidden: [9, 13], outputs: 1, order: [3, 2, 1, 0] },
  'any order': { features: 6, hidden: [20, 20], outputs: 3, order: [2, 5, 0, 3, 1, 4] },
  'narrower than its input': { features: 7, hidden: [3], outputs: 1 },
  'with a context': { features: 4, hidden: [12], outputs: 2, context: 3 },
  'one feature': { features: 1, hidden: [4], outputs: 2 },
};

concurrentCases('masked nets', (c) => {
  for (const [name, options] of Object.entries(nets)) {
    c(`${name}: perturbed inputs reach the outputs after them only`, async (t) => {
      const { features, outputs, context = 0 } = options;
      const made = new MADE({ ...options, activation: 'tanh' });
      // Row 0 as it is; row 1 + j with input j moved.
      const rows = 1 + features;
      const x = variable('x', [rows, features]);
      const given = context > 0 ? variable('context', [rows, context]) : undefined;
      const base = reals('base', features);
      const values = Float32Array.from({ length: rows * features }, (_, at) => {
        const [row, column] = [Math.floor(at / features), at % features];
        return (base[column] as number) + (row === column + 1 ? 1.5 : 0);
      });
      await withRuntime(t, async (runtime) => {
        for (const p of made.parameters()) runtime.write(p, reals(`${p.name}`, p.size, -1, 1));
        const plan = await runtime.compile({ outputs: { y: made.call(x, given) } });
        runtime.write(x, values);
        if (given) runtime.write(given, new Float32Array(given.size).fill(0.5));
        await plan.run();
        const y = (await plan.read('y')) as Float32Array;
        const width = outputs * features;
        for (let j = 0; j < features; j++) {
          for (let k = 0; k < width; k++) {
            const i = k % features;
            const moved = y[(1 + j) * width + k] !== y[k];
            const isAfter = (made.order[i] as number) > (made.order[j] as number);
            if (!isAfter) t.ok(!moved, `output ${i} sees input ${j}, which is not before it`);
          }
        }
        if (given) {
          const before = y.slice(0, width);
          runtime.write(given, new Float32Array(given.size).fill(-0.7));
          await plan.run();
          const after = (await plan.read('y')) as Float32Array;
          t.ok(
            before.every((value, k) => value !== after[k]),
            'every output sees the context',
          );
        }
        const last = made.order.indexOf(features - 1);
        const first = made.order.indexOf(0);
        if (features > 1) {
          const at = (1 + first) * width + last;
          t.ok(y[at] !== y[last], 'the last output sees the first input');
        }
      });
    });
  }
});
