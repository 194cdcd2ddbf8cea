/** Kernels that do not depend on each other share a dispatch: their numbers, and when they must not. */
import { packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Schedule } from '../../src/scheduler/run/schedule.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, check, integers, tilingAdapters } from '../support/engine.ts';

const some = (name: string, ...shape: number[]): Variable => variable(name, shape);
const filled = (...variables: Variable[]) =>
  new Map(variables.map((v) => [v, integers(v.name, v.size)] as const));
const shared = ({ kernels }: Schedule): number =>
  kernels.reduce((most, { parts }) => Math.max(most, parts.length), 0);

concurrentCases('shared dispatches', (c) => {
  for (const name of adapterNames) {
    const adapter = tilingAdapters[name];

    c(`products of all layouts and sizes, ${name}`, async (t) => {
      const [x, v, b] = [some('x', 37, 21), some('v', 21, 50), some('b', 50)];
      const [w, u] = [some('w', 37, 45), some('u', 45, 45)];
      const outputs = {
        layer: o.relu(o.add(o.matmul(x, v), b)),
        // The same operand in both: bound once.
        gradient: o.matmul(o.transpose(x), w),
        other: o.matmul(w, o.transpose(u)),
      };
      const plan = await check(t, { outputs }, filled(x, v, b, w, u), { adapter });
      // x is counted once for each product that reads it: nine buffers, and the lowest limit is eight.
      const fits = t.device.gpu.limits.maxStorageBuffersPerShaderStage > 8;
      t.equal(plan.kernels.length, fits ? 1 : 2, 'dispatches');
      t.equal(shared(plan), fits ? 3 : 2, 'kernels in it');
      t.ok(plan.explain().includes(' ∥ '), 'explain() does not tell');
    });

    c(`parts of one memory, ${name}`, async (t) => {
      const [x, y] = [some('x', 24, 32), some('y', 32, 16)];
      const [h, g] = [some('h', 24, 32), some('g', 32, 16)];
      const products = () => [o.matmul(x, y), o.matmul(h, g)];
      // Either side of a line, and side by side on every line.
      const after = { stacked: o.concat(products(), 0) };
      const beside = { joined: o.concat(products(), 1) };
      await check(t, { outputs: after }, filled(x, y, h, g), { adapter });
      await check(t, { outputs: beside }, filled(x, y, h, g), { adapter });
    });

    c(`never where one writes what another reads, ${name}`, async (t) => {
      const [first, second] = [some('first', 16, 16), some('second', 64)];
      packParameters([first, second], 'packed');
      const x = some('x', 20, 16);
      const program = {
        outputs: { y: o.matmul(x, first) },
        // In the same buffer as the product's operand.
        effects: [o.assign(second, o.mul(second, 3))],
      };
      const plan = await check(t, program, filled(first, second, x), { adapter });
      t.equal(plan.kernels.length, 2, 'dispatches');
    });

    c(`small kernels of several kinds, ${name}`, async (t) => {
      const [x, y, z] = [some('x', 40, 12), some('y', 7, 3), some('z', 11)];
      const [seen, last] = [some('seen'), some('last', 11)];
      const program = {
        outputs: {
          rows: o.sum(o.square(x), 1),
          columns: o.max(o.add(y, 1), 0),
          total: o.logSumExp(z, 0),
          chain: o.tanh(o.mul(z, 0.25)),
        },
        effects: [o.assign(seen, o.add(seen, 1)), o.assign(last, o.sub(z, last))],
      };
      await check(t, program, filled(x, y, z, seen, last), { adapter });
    });
  }

  c('of four products at the most, and never of large ones', async (t) => {
    const many = Array.from({ length: 6 }, (_, i) => [some(`a${i}`, 8, 12), some(`b${i}`, 12, 8)]);
    const outputs = Object.fromEntries(
      many.map(([a, b], i) => [`y${i}`, o.matmul(a as Variable, b as Variable)]),
    );
    const plan = await check(t, { outputs }, filled(...many.flat()));
    t.ok(shared(plan) >= 2 && shared(plan) <= 4, `${shared(plan)} kernels share a dispatch`);
  });
});
