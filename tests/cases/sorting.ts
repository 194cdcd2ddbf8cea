/** Order: lines within a run and beyond, ties, NaN and both zeros, the first k alone, gradients. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, integers, reals, withRuntime } from '../support/engine.ts';
import { outputsOf, referenceOf } from '../support/run.ts';

/** The places of a line in order; NaN is larger than every number, and of equal ones the first comes first. */
function orderOf(line: Float32Array, descending = false): number[] {
  const key = (i: number) => (Number.isNaN(line[i]) ? [1, 0] : [0, line[i] as number]);
  return [...line.keys()].sort((i, j) => {
    const [[a, x], [b, y]] = [key(i), key(j)] as [number[], number[]];
    const up =
      (a as number) - (b as number) ||
      ((x as number) < (y as number) ? -1 : Number((x as number) > (y as number)));
    return (descending ? -up : up) || i - j;
  });
}

/** Numbers of which many are equal, some no numbers, some infinite, zeros of both signs. */
function mixed(name: string, size: number): Float32Array {
  const special = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    0,
    3e38,
    -1e-30,
  ];
  const [whole, real] = [integers(name, size, -50, 50), reals(name, size)];
  return whole.map((v, i) =>
    i % 7 === 3 ? (special[(i >> 3) % special.length] as number) : i % 2 ? v : (real[i] as number),
  );
}

/** One, an invocation's run and one more, a workgroup's and one more, and many of them. */
const LENGTHS = [1, 9, 513, 70_000];

concurrentCases('sorting', (c) => {
  for (const n of LENGTHS) {
    c(`lines of ${n} either way, and the first of them`, async (t) => {
      const rows = n > 10_000 ? 1 : 3;
      const x = variable('x', [rows, n]);
      const values = mixed(`x${n}`, x.size);
      const counts = [1, 5, 100, 600].filter((k) => k < n);
      const outputs: Record<string, Tensor> = {
        up: o.argSort(x),
        down: o.argSort(x, -1, { descending: true }),
        ...Object.fromEntries(counts.map((k) => [String(k), o.topK(x, k).indices])),
      };
      const lines = Array.from({ length: rows }, (_, r) => values.slice(r * n, (r + 1) * n));
      const [up, down] = [false, true].map((way) => lines.map((line) => orderOf(line, way)));
      for (const name of adapterNames) {
        const found = await outputsOf(t, outputs, new Map([[x, values]]), {
          adapter: adapters[name],
        });
        t.equal([...(found.up ?? [])], up?.flat(), `${name} up`);
        t.equal([...(found.down ?? [])], down?.flat(), `${name} down`);
        for (const k of counts) {
          const wanted = down?.flatMap((order) => order.slice(0, k));
          t.equal([...(found[k] ?? [])], wanted, `${name}, the first ${k}`);
        }
      }
      const { up: expected } = referenceOf({ up: outputs.up as Tensor }, new Map([[x, values]]));
      t.equal([...expected], up?.flat(), 'the reference');
    });
  }

  c('values along any axis, bit for bit, again and again', async (t) => {
    const x = variable('x', [4, 300, 3]);
    const values = mixed('any axis', x.size);
    for (const adapter of Object.values(adapters)) {
      await withRuntime(
        t,
        async (runtime) => {
          const plan = await runtime.compile({
            outputs: { y: o.sort(x, 1), z: o.sort(x, 0, { descending: true }) },
          });
          runtime.write(x, values);
          await plan.run();
          for (const [name, stride, extent, descending] of [
            ['y', 3, 300, false],
            ['z', 900, 4, true],
          ] as const) {
            const found = await plan.read(name);
            for (let at = 0; at < x.size; at++) {
              if (Math.floor(at / stride) % extent > 0) continue;
              const line = Float32Array.from(
                { length: extent },
                (_, i) => values[at + i * stride] as number,
              );
              const got = Float32Array.from(line.keys(), (i) => found[at + i * stride] as number);
              t.equal(
                got,
                Float32Array.from(orderOf(line, descending), (i) => line[i] as number),
              );
            }
            await plan.run(2);
            t.equal(await plan.read(name), found, 'again');
          }
        },
        adapter,
      );
    }
    await t.throws('shape-mismatch', () => o.sort(x, 3), /axis 3 is out of range/);
    await t.throws('shape-mismatch', () => o.argSort(o.iota(3)), /toFloat/);
  });

  c('gradients go where the values came from', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>();
    for (const n of [5, 700]) {
      const [x, w] = [variable(`x ${n}`, [2, n]), variable(`w ${n}`, [2, n])];
      for (const v of [x, w]) values.set(v, reals(v.name, v.size));
      const top = o.topK(x, 4);
      const loss = o.add(
        o.sum(o.mul(w, o.square(o.sort(x)))),
        o.sum(o.mul(o.slice(w, 1, 0, 4), top.values)),
      );
      const [slope] = o.gradient(loss, [x]) as [Tensor];
      outputs[`slope ${n}`] = slope;
      outputs[`again ${n}`] = o.gradient(o.sum(o.mul(w, slope)), [x])[0] as Tensor;
    }
    for (const name of adapterNames) {
      await check(t, { outputs }, values, { adapter: adapters[name] });
    }
  });
});
