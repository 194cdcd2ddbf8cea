/** Ops with shaders of their own: values and gradients against the reference, among other kernels. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, integers, reals, withRuntime } from '../support/engine.ts';
import { againstFloat64 } from '../support/run.ts';

/** A weighted sum of all elements, whose gradient is not the same everywhere. */
function scalarOf(y: Tensor, weights: Variable): Tensor {
  return o.sum(o.mul(o.reshape(y, [y.size]), o.slice(weights, 0, 0, y.size)));
}

const weights = variable('weights', [4096]);
const weightValues = reals('weights', 4096);

/** Factors as linear flows have them: moderate entries, a diagonal away from 0. */
function factor(name: string, n: number, batch = 1): Float32Array {
  const values = reals(name, batch * n * n, -0.6, 0.6);
  for (let i = 0; i < batch * n; i++) {
    const at = Math.floor(i / n) * n * n + (i % n) * (n + 1);
    values[at] = (i % 3 === 0 ? -1 : 1) * (0.7 + Math.abs(values[at] as number));
  }
  return values;
}

concurrentCases('own shaders', (c) => {
  c('inverts triangular matrices of every kind, with gradients', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>([[weights, weightValues]]);
    for (const [n, batch] of [
      [1, 1],
      [5, 2],
      [17, 1],
    ] as const) {
      const a = variable(`a${n}`, batch === 1 ? [n, n] : [batch, n, n]);
      values.set(a, factor(a.name, n, batch));
      for (const upper of [false, true]) {
        for (const unitDiagonal of [false, true]) {
          const x = o.triangularInverse(a, { upper, unitDiagonal });
          const key = `${a.name} ${upper} ${unitDiagonal}`;
          outputs[`${key} x`] = x;
          outputs[`${key} gradient`] = o.gradient(scalarOf(x, weights), [a])[0] as Tensor;
        }
      }
    }
    await check(t, { outputs }, values);
  });

  c('inverts triangular matrices block by block', async (t) => {
    // Blocks of four and of sixteen rows, whole and cut off; columns by quads and by themselves.
    const values = new Map<Variable, ArrayLike<number>>();
    const outputs: Record<string, Tensor> = {};
    for (const [n, batch] of [
      [12, 3],
      [68, 2],
      [70, 1],
    ] as const) {
      const a = variable(`a${n}`, [batch, n, n]);
      const numbers = reals(a.name, a.size, -0.1, 0.1);
      values.set(
        a,
        numbers.map((x, at) => ((at % (n * n)) % (n + 1) === 0 ? 1 - x : x)),
      );
      outputs[`lower ${n}`] = o.triangularInverse(a);
      outputs[`upper ${n}`] = o.triangularInverse(a, { upper: true, unitDiagonal: n === 12 });
    }
    await againstFloat64(t, outputs, values);
  });

  c('has Cholesky factors of matrices of every size, with gradients', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>([[weights, weightValues]]);
    for (const [n, batch] of [
      [1, 1],
      [5, 3],
      [17, 1],
    ] as const) {
      const a = variable(`c${n}`, batch === 1 ? [n, n] : [batch, n, n]);
      values.set(a, factor(a.name, n, batch));
      const lower = o.triangle(a);
      const symmetric = o.matmul(lower, o.transpose(lower));
      const l = o.cholesky(symmetric);
      outputs[`${a.name} l`] = l;
      outputs[`${a.name} gradient`] = o.gradient(scalarOf(l, weights), [a])[0] as Tensor;
    }
    await check(t, { outputs }, values);
    await t.throws('shape-mismatch', () => o.cholesky(o.zeros([2, 3])), /not square/);
  });

  // Rows and features that end before and beyond those of a tile, and more rows than one sum takes.
  c('whitens the rows of mixtures and sums them up, by every kernel', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>();
    for (const [mixtures, components, copies, rows, features] of [
      [2, 3, 3, 13, 5],
      [1, 2, 1, 1027, 17],
    ] as const) {
      const name = [mixtures, components, rows, features].join(' ');
      const padded = 4 * Math.ceil(features / 4);
      const given = (what: string, shape: number[], bound = 1) => {
        const made = variable(`${what} ${name}`, shape);
        values.set(made, reals(made.name, made.size, -bound, bound));
        return made;
      };
      // What lies past the last feature is zeros.
      const along = (x: Tensor, axis: number) => o.padTo(x, axis, 0, padded);
      const factors = given('factor', [mixtures, copies, features, features], 1 / features);
      const white = o.whitenedRows(
        along(given('x', [rows, features]), 1),
        along(given('mean', [mixtures, components, features]), 2),
        along(along(o.triangle(factors, { upper: true }), 3), 2),
        given('scale', [mixtures, components]),
        features,
      );
      outputs[`white ${name}`] = white;
      outputs[`moments ${name}`] = o.weighedMoments(
        white,
        given('weights', [mixtures, components, rows]),
      );
    }
    const kinds = [{ isSoftware: true }, { isSoftware: false, subgroupSize: 32 }];
    await againstFloat64(t, outputs, values, kinds);
    const [x, mean] = [o.zeros([3, 4]), o.zeros([1, 2, 4])];
    await t.throws(
      'shape-mismatch',
      () => o.whitenedRows(x, mean, o.zeros([1, 3, 4, 4]), o.zeros([1, 2]), 4),
      /do not go together/,
    );
    await t.throws(
      'shape-mismatch',
      () => o.weighedMoments(o.zeros([1, 2, 3, 8]), o.zeros([1, 3, 2])),
      /do not go together/,
    );
  });

  c('an inverse undoes its matrix', async (t) => {
    const a = variable('a', [9, 9]);
    const lower = o.triangle(a);
    const product = o.matmul(lower, o.triangularInverse(lower));
    const identity = o.sub(product, o.equalUint(o.iota(9), o.reshape(o.iota(9), [9, 1])));
    await check(t, { outputs: { identity } }, new Map([[a, factor('undo', 9)]]));
  });

  const windows = [
    { image: [2, 5, 7, 3], kernel: 3, stride: 1, padding: 'same' },
    { image: [1, 6, 4, 1], kernel: [2, 3], stride: 2, padding: 'same' },
    { image: [3, 5, 5, 2], kernel: 3, stride: 2, padding: 'valid' },
    { image: [2, 4, 4, 5], kernel: 1, stride: 1, padding: 'same' },
    { image: [1, 3, 9, 2], kernel: [5, 4], stride: 3, padding: 'same' },
  ] as const;
  c('keeps matrices as packed factors, with gradients', async (t) => {
    for (const n of [1, 4, 13]) {
      const factors = variable('factors', [n, n]);
      const order = Array.from({ length: n }, (_, i) => (5 * i + 2) % n);
      const held = (name: string, dtype: 'f32' | 'u32') => variable(name, [n], { dtype });
      const frame = {
        sign: held('sign', 'f32'),
        rows: held('rows', 'u32'),
        places: held('places', 'u32'),
      };
      const matrix = o.luMatrix(factors, frame);
      const inverse = o.luInverse(factors, frame);
      const values = new Map<Variable, ArrayLike<number>>([
        [factors, reals(`factors ${n}`, n * n, -0.5, 0.5)],
        [frame.sign, order.map((_, i) => (i % 2 === 0 ? 1 : -1))],
        [frame.rows, order],
        [frame.places, order.map((_, i) => order.indexOf(i))],
        [weights, weightValues],
      ]);
      const alone = {
        matrix,
        inverse,
        gradient: o.gradient(scalarOf(o.square(matrix), weights), [factors])[0] as Tensor,
      };
      const outputs = {
        ...alone,
        product: o.matmul(matrix, inverse),
        inverseGradient: o.gradient(scalarOf(inverse, weights), [factors])[0] as Tensor,
      };
      // A GPU's product kernels compile slowly on a software adapter: those of one size will do.
      await againstFloat64(t, outputs, values, [{ isSoftware: true }]);
      await againstFloat64(t, n === 13 ? outputs : alone, values, [{ isSoftware: false }]);
    }
  });

  c('inverts packed factors block by block', async (t) => {
    // Blocks of four and of sixteen rows, whole and cut off; columns by quads and by themselves.
    for (const n of [3, 16, 40, 64, 70, 84]) {
      const factors = variable('factors', [n, n]);
      const order = Array.from({ length: n }, (_, i) => (11 * i + 7) % n);
      const frame = {
        sign: variable('sign', [n]),
        rows: variable('rows', [n], { dtype: 'u32' }),
        places: variable('places', [n], { dtype: 'u32' }),
      };
      const values = new Map<Variable, ArrayLike<number>>([
        [factors, reals(`blocks ${n}`, n * n, -0.1, 0.1)],
        [frame.sign, order.map((_, i) => (i % 3 === 0 ? -1 : 1))],
        [frame.rows, order],
      ]);
      await againstFloat64(t, { inverse: o.luInverse(factors, frame) }, values);
    }
  });

  c('factors of many rows make the matrix that their inverse undoes', async (t) => {
    const n = 101;
    const factors = variable('factors', [n, n]);
    const order = Array.from({ length: n }, (_, i) => (5 * i + 2) % n);
    const frame = {
      sign: variable('sign', [n]),
      rows: variable('rows', [n], { dtype: 'u32' }),
      places: variable('places', [n], { dtype: 'u32' }),
    };
    const given = reals('many factors', n * n, -0.05, 0.05);
    const matrix = o.luMatrix(factors, frame);
    const loss = o.mul(0.5, o.sum(o.square(matrix)));
    await withRuntime(t, async (runtime) => {
      const [gradient] = o.gradient(loss, [factors]) as [Tensor];
      const undone = o.matmul(matrix, o.luInverse(factors, frame));
      const plan = await runtime.compile({ outputs: { matrix, undone, gradient } });
      runtime.write(factors, given);
      runtime.write(
        frame.sign,
        order.map((_, i) => (i % 2 === 0 ? 1 : -1)),
      );
      runtime.write(frame.rows, order);
      runtime.write(
        frame.places,
        order.map((_, i) => order.indexOf(i)),
      );
      await plan.run();
      const identity = Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
      t.close(await plan.read('undone'), identity, { absolute: 1e-5 });
      // The last pivot stands in one element of W alone.
      const w = await plan.read('matrix');
      const last = n * n - 1;
      const at = order.indexOf(n - 1) * n + n - 1;
      const scale = Math.exp(given[last] as number) * (n % 2 === 1 ? 1 : -1);
      const expected = (w[at] as number) * scale;
      t.close((await plan.read('gradient'))[last] as number, expected, { absolute: 1e-5 });
    });
  });

  c('cuts images into patches and lays them back, with gradients', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>([[weights, weightValues]]);
    windows.forEach(({ image, kernel, stride, padding }, i) => {
      const x = variable(`image${i}`, [...image]);
      values.set(x, reals(x.name, x.size));
      const y = o.patches(x, { kernel, stride, padding });
      outputs[`${i} patches`] = y;
      // Through a square, so that the gradient depends on the patches.
      const loss = scalarOf(o.square(y), weights);
      const gradient = o.gradient(loss, [x])[0] as Tensor;
      outputs[`${i} gradient`] = gradient;
      outputs[`${i} second`] = o.gradient(scalarOf(gradient, weights), [x])[0] as Tensor;
    });
    await check(t, { outputs }, values);
  });

  c('solves causal convolutions, with gradients', async (t) => {
    for (const [height, width, channels, kernel] of [
      [5, 3, 2, 3],
      [2, 6, 1, 5],
      [9, 4, 3, 3],
    ] as const) {
      const y = variable('y', [2, height, width, channels]);
      const w = variable('w', [channels, kernel, kernel, channels]);
      const solved: Record<string, Tensor> = {};
      const products: Record<string, Tensor> = {};
      for (const reversed of [false, true]) {
        const x = o.causalSolve(y, w, { reversed });
        solved[`x ${reversed}`] = x;
        const [dy, dw] = o.gradient(scalarOf(o.square(x), weights), [y, w]) as [Tensor, Tensor];
        solved[`dy ${reversed}`] = dy;
        products[`dw ${reversed}`] = dw;
      }
      const outputs = { ...solved, ...products };
      // Small weights around a centre that is not: what is not in order is nowhere read.
      const given = reals('causal', w.size, -0.2, 0.2);
      const center = Math.floor((kernel * kernel) / 2) * channels;
      for (let i = 0; i < channels; i++)
        given[i * kernel * kernel * channels + center + i] = 1.2 + i / 4;
      const values = new Map<Variable, ArrayLike<number>>([
        [y, reals('y', y.size)],
        [w, given],
        [weights, weightValues],
      ]);
      await againstFloat64(t, outputs, values, [{ isSoftware: true }]);
      await againstFloat64(t, height === 5 ? outputs : solved, values, [{ isSoftware: false }]);
    }
  });

  for (const cell of ['gru', 'lstm'] as const) {
    c(`goes through time as the unrolled graph does, with gradients: ${cell}`, async (t) => {
      // Rows that do not fill the lanes, and units that are more than they.
      for (const [batch, steps, hidden] of [[6, 3, 12]] as const) {
        const [gates, parts] = cell === 'gru' ? [3, 1] : [4, 2];
        const x = variable('x', [batch, steps, gates * hidden]);
        const u = variable('u', [gates * hidden, hidden]);
        const b = variable('b', [gates * hidden]);
        const start = variable('start', [batch, parts * hidden]);
        const states = (cell === 'gru' ? o.gru : o.lstm)(x, u, b, start);
        const apart = (y: Tensor, of: number) =>
          o.split(
            y,
            Array.from({ length: of }, () => hidden),
          );
        let state: Tensor = start;
        const each = [state];
        for (let step = 0; step < steps; step++) {
          const given = apart(o.reshape(o.slice(x, 1, step, step + 1), [batch, -1]), gates);
          const [h, before] = apart(state, parts) as [Tensor, Tensor];
          const told = apart(o.add(o.matmul(h, o.transpose(u)), b), gates);
          const sum = (gate: number) => o.add(given[gate] as Tensor, told[gate] as Tensor);
          if (cell === 'gru') {
            const [made, seen] = [given[2] as Tensor, told[2] as Tensor];
            const update = o.sigmoid(sum(1));
            const next = o.tanh(o.add(made, o.mul(o.sigmoid(sum(0)), seen)));
            state = o.add(o.mul(o.sub(1, update), next), o.mul(update, h));
          } else {
            const kept = o.mul(o.sigmoid(sum(1)), before);
            const memory = o.add(kept, o.mul(o.sigmoid(sum(0)), o.tanh(sum(2))));
            state = o.concat([o.mul(o.sigmoid(sum(3)), o.tanh(memory)), memory], -1);
          }
          each.push(state);
        }
        const unrolled = o.concat(
          each.map((one) => o.reshape(one, [batch, 1, parts * hidden])),
          1,
        );
        const values = new Map<Variable, ArrayLike<number>>([
          [x, reals(`${cell} x`, x.size, -2, 2)],
          [u, reals(`${cell} u`, u.size, -0.8, 0.8)],
          [b, reals(`${cell} b`, b.size)],
          [start, reals(`${cell} start`, start.size)],
          [weights, weightValues],
        ]);
        const all = [x, u, b, start];
        const gradients = o.gradient(scalarOf(o.square(states), weights), all) as Tensor[];
        const expected = o.gradient(scalarOf(o.square(unrolled), weights), all) as Tensor[];
        // In float64 both are the same to rounding; on the device they are so to float32's.
        const [found, want] = [
          [states, ...gradients],
          [unrolled, ...expected],
        ].map((graph) => o.evaluate(graph, values));
        want?.forEach(({ data }, i) => {
          const own = found?.[i]?.data as Float64Array;
          t.close(own, data as Float64Array, { absolute: 1e-11 }, `float64 ${i}`);
        });
        const named = ['x', 'u', 'b', 'start'].map((name, i) => [`d${name}`, gradients[i]]);
        await againstFloat64(t, { states, ...Object.fromEntries(named) }, values);
      }
    });
  }

  c('puts columns into another order and back', async (t) => {
    const x = variable('x', [11, 7]);
    const order = [3, 0, 6, 1, 5, 2, 4];
    const index = variable('index', [7], { dtype: 'u32' });
    const inverse = variable('inverse', [7], { dtype: 'u32' });
    const values = new Map<Variable, ArrayLike<number>>([
      [x, integers('permuted', 77)],
      [index, order],
      [inverse, order.map((_, i) => order.indexOf(i))],
      [weights, weightValues],
    ]);
    const y = o.permuteColumns(x, index, inverse);
    const back = o.permuteColumns(o.mul(y, 2), inverse, index);
    const gradient = o.gradient(scalarOf(o.square(y), weights), [x])[0] as Tensor;
    await check(t, { outputs: { y, back, gradient } }, values);
  });

  c('reads what views, concatenations and other kernels leave', async (t) => {
    const x = variable('x', [4, 3]);
    const z = variable('z', [4, 3]);
    const table = variable('table', [6, 3], { dtype: 'u8', role: 'data' });
    const index = variable('index', [3], { dtype: 'u32' });
    const inverse = variable('inverse', [3], { dtype: 'u32' });
    const permuted = (y: Tensor) => o.permuteColumns(y, index, inverse);
    const sums = o.add(x, z);
    const joined = o.concat([sums, permuted(sums), o.mul(z, 2)], -1);
    const outputs = {
      ofView: permuted(o.slice(o.concat([x, z], 0), 0, 2, 6)),
      ofTransposed: permuted(o.transpose(o.slice(x, 0, 0, 3))),
      ofPart: permuted(sums),
      ofConcat: o.mul(joined, joined),
      ofBytes: permuted(table),
      ofConstant: permuted(o.full([2, 3], 1.5)),
      ofProduct: permuted(o.matmul(x, o.transpose(o.slice(z, 0, 0, 3)))),
      reduced: o.sum(permuted(o.exp(x)), -1),
    };
    const values = new Map<Variable, ArrayLike<number>>([
      [x, reals('x', 12)],
      [z, reals('z', 12)],
      [table, Uint8Array.from({ length: 18 }, (_, i) => 14 * i)],
      [index, [2, 0, 1]],
      [inverse, [1, 2, 0]],
    ]);
    for (const isSoftware of [true, false])
      await check(t, { outputs }, values, { adapter: { isSoftware } });
  });

  c('says what does not fit', async (t) => {
    const x = variable('x', [2, 3]);
    const index = variable('index', [3], { dtype: 'u32' });
    const short = variable('short', [2], { dtype: 'u32' });
    await t.throws('shape-mismatch', () => o.triangularInverse(x), /not square/);
    await t.throws('shape-mismatch', () => o.patches(x, { kernel: 3 }), /not images/);
    await t.throws('shape-mismatch', () => o.permuteColumns(x, index, short), /short/);
    const image = variable('image', [1, 2, 2, 1]);
    const valid = { kernel: 3, padding: 'valid' } as const;
    await t.throws('bad-config', () => o.patches(image, valid), /3×3 does not fit .* 2×2/);
    await t.throws('bad-config', () => o.patches(image, { kernel: 0 }), /at least 1/);
  });

  c('bends by splines and back, with gradients', async (t) => {
    const outputs: Record<string, Tensor> = {};
    const values = new Map<Variable, ArrayLike<number>>([[weights, weightValues]]);
    for (const [bins, bound, shape] of [
      [2, 1, [3, 1]],
      [5, 3, [7, 3]],
      [8, 4, [2, 3, 5]],
    ] as const) {
      const x = variable(`x${bins}`, shape);
      const width = (3 * bins - 1) * (shape.at(-1) as number);
      const p = variable(`p${bins}`, [...shape.slice(0, -1), width]);
      // Some lie outside, one at the bound.
      const points = reals(x.name, x.size, -1.3 * bound, 1.3 * bound);
      points[0] = bound;
      values.set(x, points).set(p, reals(p.name, p.size, -1, 1));
      for (const inverse of [false, true]) {
        const { value, logSlope } = o.rationalQuadratic(x, p, { bins, bound, inverse });
        const both = o.add(scalarOf(value, weights), o.mul(scalarOf(logSlope, weights), 0.7));
        const [ofX, ofParameters] = o.gradient(both, [x, p]) as [Tensor, Tensor];
        const made = { value, logSlope, ofX, ofParameters };
        for (const [name, y] of Object.entries(made)) {
          outputs[`${bins} bins${inverse ? ' back' : ''}: ${name}`] = y;
        }
      }
    }
    await againstFloat64(t, outputs, values);
  });

  c('splines of extreme parameters stay monotone, and come back', async (t) => {
    const x = variable('x', [200, 1]);
    const p = variable('p', [200, 14]);
    const points = Float32Array.from({ length: x.size }, (_, i) => -3 + (6 * (i + 0.5)) / x.size);
    const row = [90, -90, 0, 0, -90, -90, 90, 90, -40, 60, 80, -80, 80, -80];
    await withRuntime(t, async (runtime) => {
      const form = { bins: 5, bound: 3 };
      const there = o.rationalQuadratic(x, p, { ...form, inverse: false });
      const back = o.rationalQuadratic(there.value, p, { ...form, inverse: true });
      const outputs = {
        value: there.value,
        logSlope: there.logSlope,
        again: back.value,
        sum: o.add(there.logSlope, back.logSlope),
        gradient: o.gradient(o.sum(there.logSlope), [p])[0] as Tensor,
      };
      const plan = await runtime.compile({ outputs });
      runtime.write(x, points);
      runtime.write(
        p,
        Float32Array.from({ length: p.size }, (_, i) => row[i % 14] as number),
      );
      await plan.run();
      const value = await plan.read('value');
      t.ok(
        value.every((y, i) => i === 0 || y >= (value[i - 1] as number)),
        'values rise',
      );
      for (const name of ['logSlope', 'gradient', 'sum', 'again']) {
        t.ok((await plan.read(name)).every(Number.isFinite), `${name} is finite`);
      }
    });
  });

  c("splines' own derivatives are those of differences", (t) => {
    const x = variable('x', [6, 2]);
    const p = variable('p', [6, 22]);
    for (const inverse of [false, true]) {
      const { value, logSlope } = o.rationalQuadratic(x, p, { bins: 4, bound: 2, inverse });
      const y = o.add(o.sum(value), o.mul(o.sum(logSlope), 0.7));
      const start = new Map<Tensor, Float64Array>([
        [x, Float64Array.from(reals('x', x.size, -1.9, 1.9))],
        [p, Float64Array.from(reals('p', p.size))],
      ]);
      const gradients = o.evaluate(o.gradient(y, [x, p]), start);
      [x, p].forEach((of, i) => {
        const differences = Float64Array.from({ length: of.size }, (_, at) => {
          const sides = [-1e-5, 1e-5].map((by) => {
            const moved = Float64Array.from(start.get(of) as Float64Array);
            moved[at] = (moved[at] as number) + by;
            return o.evaluate([y], new Map([...start, [of, moved]]))[0]?.data[0] as number;
          });
          return ((sides[1] as number) - (sides[0] as number)) / 2e-5;
        });
        t.close(gradients[i]?.data ?? [], differences, { absolute: 1e-7 }, of.name);
      });
    }
  });
});
