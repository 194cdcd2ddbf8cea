/** What a step leaves in variables: in place, in the right order, and packed into one memory. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { cases } from '../rig/cases.ts';
import { check, integers, type Values, withRuntime } from '../support/engine.ts';

const filled = (...variables: Variable[]): Map<Variable, Float32Array> =>
  new Map(variables.map((v) => [v, integers(v.name, v.size)]));

cases('effects', (c) => {
  c('everything in a step reads the old values', async (t) => {
    const w = variable('w', [5, 3]);
    const x = variable('x', [4, 5]);
    const b = variable('b', [3]);
    const y = o.add(o.matmul(x, w), b);
    const outputs = {
      y,
      twice: o.mul(2, w),
      turned: o.transpose(w),
      part: o.slice(w, 0, 1, 3),
      sum: o.sum(w, 0),
    };
    const effects = [
      o.assign(w, o.sub(w, o.matmul(o.transpose(x), y))),
      o.assign(b, o.sum(y, 0)),
      o.assign(x, o.add(x, o.sum(o.matmul(w, o.transpose(w))))),
    ];
    await check(t, { outputs, effects }, filled(w, x, b));
  });

  c('variables change places', async (t) => {
    for (const shape of [[], [3], [67], [2, 5000]]) {
      const [p, q, r] = ['p', 'q', 'r'].map((name) => variable(name, shape)) as [
        Variable,
        Variable,
        Variable,
      ];
      const swap = [o.assign(p, q), o.assign(q, p)];
      await check(t, { effects: swap }, filled(p, q));
      const turn = [o.assign(p, q), o.assign(q, r), o.assign(r, o.add(p, q))];
      await check(t, { effects: turn, outputs: { sum: o.add(o.add(p, q), r) } }, filled(p, q, r));
    }
    const wide = variable('wide', [4, 6]);
    const tall = variable('tall', [6, 4]);
    const effects = [o.assign(wide, o.transpose(tall)), o.assign(tall, o.transpose(wide))];
    await check(t, { effects }, filled(wide, tall));
  });

  c('a variable takes its own elements in another order', async (t) => {
    const square = variable('square', [7, 7]);
    const line = variable('line', [9]);
    const few = variable('few', [3]);
    const effects = [
      o.assign(square, o.transpose(square)),
      o.assign(line, o.concat([o.slice(line, 0, 1, 9), o.slice(line, 0, 0, 1)], 0)),
      o.assign(few, o.expand(o.slice(few, 0, 1, 2), [3])),
    ];
    await check(t, { effects }, filled(square, line, few));
    const rest = [
      o.assign(square, o.sub(square, o.mean(square, 1, { keepDims: true }))),
      o.assign(line, o.mul(line, o.reshape(o.slice(line, 0, 2, 3), []))),
      o.assign(few, o.softmax(few)),
    ];
    await check(t, { effects: rest }, filled(square, line, few));
  });

  c('constants, unsigned integers and values of other kernels', async (t) => {
    const [x, y] = [variable('x', [3, 5]), variable('y', [3])];
    const n = variable('n', [4], { dtype: 'u32' });
    const z = variable('z', [5, 3]);
    const effects = [
      o.assign(x, o.full([3, 5], 0.5)),
      o.assign(y, o.max(x, 1)),
      o.assign(n, o.addUint(o.mulUint(n, 3), o.iota(4))),
      o.assign(z, o.randomNormal([5, 3])),
    ];
    const values: Map<Variable, ArrayLike<number>> = new Map(filled(x, y));
    values.set(n, Uint32Array.of(0, 1, 2 ** 32 - 1, 7));
    await check(t, { effects }, values);
  });

  c('stores wrap around, several a step, many steps a run', async (t) => {
    const history = variable('history', [8]);
    const counts = variable('counts', [6], { dtype: 'u32' });
    const x = variable('x', []);
    const effects = [
      o.store(history, o.step, o.add(x, 0.5)),
      o.store(counts, o.modUint(o.step, 3), o.step),
      o.store(counts, o.addUint(o.modUint(o.step, 3), 3), o.mulUint(o.step, 10)),
      o.assign(x, o.add(x, 1)),
      o.assign(o.step, o.addUint(o.step, 1)),
    ];
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs: { x }, effects });
      await plan.run(3);
      await plan.run(8);
      const at = (slot: number) => (slot < 3 ? slot + 8 : slot) + 0.5;
      t.equal([...(await runtime.read(history))], [0, 1, 2, 3, 4, 5, 6, 7].map(at), 'history');
      t.equal([...(await runtime.read(counts))], [9, 10, 8, 90, 100, 80], 'counts');
      t.equal([...(await runtime.read(o.step))], [11], 'the step counter');
      t.equal([...(await runtime.read(x))], [11], 'x');
      t.equal([...(await plan.read('x'))], [10], 'the output, before its last change');
    });
  });

  c('many steps equal the reference step by step', async (t) => {
    const [p, q] = [variable('p', [3]), variable('q', [3])];
    const m = variable('m', [2, 2]);
    const turn = o.reshape(
      o.concat([o.zeros([1]), o.full([1], -1), o.full([1], 1), o.zeros([1])], 0),
      [2, 2],
    );
    const effects = [o.assign(p, q), o.assign(q, o.add(p, q)), o.assign(m, o.matmul(m, turn))];
    let [a, b] = [
      [0, 1, 2],
      [1, 1, -3],
    ];
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ effects });
      runtime.write(p, a as number[]);
      runtime.write(q, b as number[]);
      runtime.write(m, [1, 2, 3, 4]);
      await plan.run(25);
      for (let step = 0; step < 25; step++) {
        [a, b] = [b, (a as number[]).map((x, i) => x + ((b as number[])[i] as number))];
      }
      t.equal([...(await runtime.read(p))], a, 'p');
      t.equal([...(await runtime.read(q))], b, 'q');
      t.equal([...(await runtime.read(m))], [2, -1, 4, -3], 'm, after 25 quarter turns');
    });
  });

  /** Parts of sizes that do not fill their places, and a flat update with holes between them. */
  const parts = () => {
    const made = [
      variable('weight', [5, 7]),
      variable('scale', [3]),
      variable('table', [8, 8]),
      variable('bias', [65]),
    ];
    return { parts: made, flat: packParameters(made) };
  };
  const flatGradient = (list: readonly Variable[], gradients: readonly Tensor[], size: number) => {
    const pieces: Tensor[] = [];
    let at = 0;
    list.forEach((part, i) => {
      const offset = part.parent?.offset as number;
      if (offset > at) pieces.push(o.zeros([offset - at]));
      pieces.push(o.reshape(gradients[i] as Tensor, [part.size]));
      at = offset + part.size;
    });
    if (at < size) pieces.push(o.zeros([size - at]));
    return o.concat(pieces, 0);
  };

  c('packed parameters are updated in one memory', async (t) => {
    const { parts: list, flat } = parts();
    const [weight, scale, table, bias] = list as [Variable, Variable, Variable, Variable];
    const x = variable('x', [4, 5]);
    const hidden = o.matmul(x, weight);
    const loss = o.add(
      o.sum(o.square(o.mul(o.slice(hidden, 1, 0, 3), scale))),
      o.add(
        o.sum(o.mul(o.matmul(o.transpose(table), table), 2)),
        o.sum(o.mul(bias, o.slice(bias, 0, 4, 5))),
      ),
    );
    const gradients = o.gradient(loss, list);
    const gradient = flatGradient(list, gradients, flat.size);
    const momentum = variable('momentum', [flat.size]);
    const next = o.add(o.mul(0.5, momentum), gradient);
    const effects = [o.assign(momentum, next), o.assign(flat, o.sub(flat, o.mul(0.125, next)))];
    const values = filled(x, ...list, momentum);
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs: { loss, gradient }, effects });
      for (const [v, numbers] of values) runtime.write(v, numbers);
      const whole = new Float32Array(flat.size);
      for (const part of list) whole.set(values.get(part) as Float32Array, part.parent?.offset);
      t.equal(await runtime.read(flat), whole, 'the flat memory');
      const known = new Map<Tensor, ArrayLike<number>>([...values, [flat, whole]]);
      const all = [loss, gradient, ...effects];
      const expected = o.evaluate(all, known);
      await plan.run();
      const [ofLoss, ofGradient, ofMomentum, ofFlat] = expected.map(({ data }) => data) as [
        Float64Array,
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      t.equal(Float64Array.from(await plan.read('loss')), ofLoss, 'loss');
      t.equal(Float64Array.from(await plan.read('gradient')), ofGradient, 'gradient');
      t.equal(Float64Array.from(await runtime.read(momentum)), ofMomentum, 'momentum');
      t.equal(Float64Array.from(await runtime.read(flat)), ofFlat, 'parameters');
      for (const part of list) {
        const offset = part.parent?.offset as number;
        const own = ofFlat.slice(offset, offset + part.size);
        t.equal(Float64Array.from(await runtime.read(part)), own, part.name);
      }
    });
  });

  c('parts of one memory are assigned from each other', async (t) => {
    const { parts: list } = parts();
    const [weight, scale, table, bias] = list as [Variable, Variable, Variable, Variable];
    const effects = [
      o.assign(scale, o.slice(bias, 0, 3, 6)),
      o.assign(bias, o.add(bias, o.reshape(o.slice(scale, 0, 1, 2), []))),
      o.assign(table, o.mul(table, o.sum(weight))),
      o.assign(weight, o.slice(o.slice(table, 0, 0, 5), 1, 0, 7)),
    ];
    await check(t, { effects }, filled(...list));
  });

  c('what lies between the parts of one memory stays zero', async (t) => {
    const { parts: list, flat } = parts();
    await withRuntime(t, async (runtime) => {
      const effects = list.map((part) => o.assign(part, o.add(part, 1)));
      const plan = await runtime.compile({ effects });
      await plan.run(3);
      const expected = new Float32Array(flat.size);
      for (const { parent, size } of list) {
        expected.fill(3, parent?.offset, (parent?.offset as number) + size);
      }
      t.equal(await runtime.read(flat), expected, 'the flat memory');
    });
  });

  c('parameters that have memory already move when they are packed', async (t) => {
    const list = [variable('first', [7]), variable('second', [2, 3]), variable('third', [4])];
    const [first, second, third] = list as [Variable, Variable, Variable];
    await withRuntime(t, async (runtime) => {
      const outputs = { y: o.add(o.sum(first), o.mul(second, o.sum(third))) };
      const before = await runtime.compile({ outputs });
      const values: Values = filled(first, second);
      for (const [v, numbers] of values) runtime.write(v, numbers);
      await before.run();
      const y = await before.read('y');
      const flat = packParameters(list);
      const after = await runtime.compile({ effects: [o.assign(flat, o.mul(2, flat))] });
      await after.run();
      const twice = (v: Variable) => (values.get(v) as Float32Array).map((x) => 2 * x);
      t.equal(await runtime.read(first), twice(first), 'first');
      t.equal(await runtime.read(second), twice(second), 'second');
      await before.run();
      const sum = (x: Float32Array) => x.reduce((a, b) => a + b, 0);
      t.equal(sum(y as Float32Array), 6 * sum(values.get(first) as Float32Array), 'before');
      const again = sum((await before.read('y')) as Float32Array);
      t.equal(again, 2 * sum(y as Float32Array), 'a plan made before the packing');
    });
  });
});
