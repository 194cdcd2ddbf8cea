/** The ops without a GPU: derivatives against central differences, builders, refusals. */
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../src/errors.ts';
import { isLatentGpuError } from '../src/errors.ts';
import { sizeOf } from '../src/graph/shape.ts';
import { allOps, type Tensor } from '../src/graph/tensor.ts';
import { topological } from '../src/graph/traverse.ts';
import { packedMembers, packParameters, type Variable, variable } from '../src/graph/variable.ts';
import * as o from '../src/ops/index.ts';
import { compositions, lossOf } from './support/compositions.ts';
import { apply, draw, trials } from './support/domains.ts';
import { reals } from './support/engine.ts';

type Values = Map<Tensor, Float64Array>;

const evaluate = (y: Tensor, values: Values): number =>
  o.evaluate([y], values)[0]?.data[0] as number;

/** Central differences of a number with respect to each element of a tensor, in float64. */
function differences(loss: Tensor, x: Tensor, values: Values): number[] {
  const at = values.get(x) as Float64Array;
  return Array.from(at, (value, i) => {
    const step = 1e-5 * Math.max(1, Math.abs(value));
    const moved = (by: number) => {
      const data = at.slice();
      data[i] = value + by;
      return evaluate(loss, new Map([...values, [x, data]]));
    };
    // Two step lengths, so that the error is of fourth order.
    const slope = (h: number) => (moved(h) - moved(-h)) / (2 * h);
    return (4 * slope(step) - slope(2 * step)) / 3;
  });
}

function agrees(loss: Tensor, wrt: readonly Tensor[], values: Values, what: string): void {
  const gradients = o.evaluate(o.gradient(loss, wrt), values);
  const scale = Math.max(1, Math.abs(evaluate(loss, values)));
  wrt.forEach((x, k) => {
    const expected = differences(loss, x, values);
    Array.from(gradients[k]?.data as Float64Array).forEach((g, i) => {
      // The reference's rounding over the step, and what is left of the series.
      const allowed = 1e-9 * scale + 1e-7 * Math.abs(expected[i] as number);
      expect(
        Math.abs(g - (expected[i] as number)),
        `${what}, input ${k}, element ${i}: ${g}, not ${expected[i]}`,
      ).toBeLessThan(allowed);
    });
  });
}

const values64 = (variables: readonly Variable[], low = -2, high = 2): Values =>
  new Map(variables.map((v) => [v, Float64Array.from(reals(v.name, v.size, low, high))]));

const differentiable = Object.entries(trials).filter(
  ([, { operands, dtype }]) => operands.every((type) => type === 'f32') && dtype === 'f32',
);

describe('elementwise ops', () => {
  test('each has a row in the table of domains, and each row an op', () => {
    const names = allOps()
      .filter((op) => op.kind === 'elementwise')
      .map((op) => op.name);
    expect(Object.keys(trials).sort()).toEqual([...names].sort());
  });

  test.each(differentiable)('%s: gradient', (name, { smooth, given }) => {
    const shapes = [[2, 3], [3], [2, 1], [2, 3]];
    const inputs = smooth.map((_, i) => variable(`${name} ${i}`, shapes[i] as number[]));
    const values: Values = new Map(
      inputs.map((x, i) => [x, Float64Array.from(draw(smooth[i] as never, x.size, i + 3))]),
    );
    const wrt = inputs.filter((_, i) => !given.includes(i));
    const loss = lossOf(apply(name, inputs));
    if (isSecond(name)) return;
    agrees(loss, wrt, values, name);
    for (const x of inputs.filter((v) => !wrt.includes(v))) {
      const [g] = o.evaluate(o.gradient(loss, [x]), values);
      expect(
        g?.data.every((value) => value === 0),
        `${name}: a gradient flows into ${x}`,
      ).toBe(true);
    }
  });

  test.each(differentiable.filter(([name]) => isSecond(name)))(
    '%s refuses to be differentiated',
    (name, { domains }) => {
      const inputs = domains.map((_, i) => variable(`x${i}`, [2]));
      const refused = codeOf(() => o.gradient(o.sum(apply(name, inputs)), inputs));
      expect(refused).toMatch(/^bad-(config|input)$/);
    },
  );

  test('the special functions are what Math says', () => {
    const x = variable('x', [5]);
    const at = Float64Array.of(-3, -0.5, 0, 1e-9, 4);
    const check = (y: Tensor, f: (x: number) => number) => {
      const [got] = o.evaluate([y], new Map([[x, at]]));
      Array.from(at, f).forEach((expected, i) => {
        expect(got?.data[i]).toBeCloseTo(expected, 14);
      });
    };
    check(o.sigmoid(x), (v) => 1 / (1 + Math.exp(-v)));
    check(o.silu(x), (v) => v / (1 + Math.exp(-v)));
    check(o.softplus(x), (v) => Math.log(1 + Math.exp(v)));
    check(o.logSigmoid(x), (v) => -Math.log(1 + Math.exp(-v)));
    check(o.logAddExp(x, 1), (v) => Math.log(Math.exp(v) + Math.E));
    check(o.leakyRelu(x, 0.1), (v) => (v > 0 ? v : 0.1 * v));
    check(o.clamp(x, -1, 2), (v) => Math.min(2, Math.max(-1, v)));
  });
});

/** Derivatives that say so when one of their own is asked for. */
function isSecond(name: string): boolean {
  return /ogisticLogProbD|studentTLogProbD|trigamma|logGammaSlope|normalPieceQuantile/.test(name);
}

describe('compositions', () => {
  test.each(compositions.map((c) => [c.name, c] as const))(
    '%s: gradient',
    (_, { name, shapes, build }) => {
      const inputs = shapes.map((shape, i) => variable(`${name} ${i}`, shape));
      agrees(lossOf(build(...inputs)), inputs, values64(inputs, -1.5, 1.5), name);
    },
  );

  const twice = [
    ['tanh', o.tanh],
    ['sigmoid', o.sigmoid],
    ['softplus', o.softplus],
    ['gelu', o.gelu],
    ['silu', o.silu],
    ['exp', o.exp],
    ['log1p', o.log1p],
    ['square', o.square],
    ['sqrt', o.sqrt],
    ['rsqrt', o.rsqrt],
    ['reciprocal', o.reciprocal],
    ['sin', o.sin],
    ['cos', o.cos],
    ['erf', o.erf],
    ['logSigmoid', o.logSigmoid],
    ['expm1', o.expm1],
  ] as const;
  test.each(twice)('%s: second derivative', (name, f) => {
    const x = variable('x', [4]);
    const [g] = o.gradient(lossOf(f(x)), [x]) as [Tensor];
    agrees(lossOf(o.square(g)), [x], values64([x], 0.3, 1.8), name);
  });

  test.each(['product', 'softmax', 'logSumExp', 'layer norm', 'split', 'variance'])(
    '%s: second derivative',
    (name) => {
      const { shapes, build } = compositions.find(
        (c) => c.name === name,
      ) as (typeof compositions)[number];
      const inputs = shapes.map((shape, i) => variable(`${name} ${i}`, shape));
      const gradients = o.gradient(lossOf(build(...inputs)), inputs);
      const loss = gradients.map((g) => lossOf(o.square(g))).reduce((a, b) => o.add(a, b));
      agrees(loss, inputs, values64(inputs, -1, 1), name);
    },
  );

  test('a gradient that stops is zero; one that meets another adds', () => {
    const x = variable('x', [3]);
    const at = values64([x]);
    const [stopped] = o.evaluate(o.gradient(o.sum(o.stopGradient(o.square(x))), [x]), at);
    expect([...(stopped?.data ?? [])]).toEqual([0, 0, 0]);
    const y = o.exp(x);
    agrees(o.sum(o.add(o.mul(y, y), o.mul(y, x))), [x], at, 'shared');
    const z = variable('unused', [2]);
    expect(o.gradient(o.sum(x), [z])[0]?.shape).toEqual([2]);
  });

  test('the gradient of a shared tie goes to the first, or is shared', () => {
    const [x, y] = [variable('x', [2]), variable('y', [2])];
    const values: Values = new Map([
      [x, Float64Array.of(1, 1)],
      [y, Float64Array.of(1, 1)],
    ]);
    const of = (loss: Tensor) =>
      o.evaluate(o.gradient(o.sum(loss), [x, y]), values).map((g) => [...g.data]);
    expect(of(o.maximum(x, y))).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(of(o.minimum(x, y))).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(of(o.max(x))[0]).toEqual([0.5, 0.5]);
  });

  test('where no rule is known, a gradient is refused and not zero', () => {
    const [x, p, f] = [variable('x', [3]), variable('p', [33]), variable('f', [3, 3])];
    const frame = { sign: o.full([3], 1), rows: o.iota(3), places: o.iota(3) };
    const again = (y: Tensor, wrt: Tensor) => () =>
      o.gradient(o.sum(o.square(o.gradient(o.sum(o.square(y)), [wrt])[0] as Tensor)), [wrt]);
    const spline = o.rationalQuadratic(x, p, { bins: 4, bound: 3 });
    const [node] = topological([spline.value]).filter(({ op }) => op.name === 'spline');
    expect(node?.attrs.inverse).toBe(false);
    expect(again(spline.value, x)).toThrow(/a gradient of a spline is not known/);
    expect(again(o.luMatrix(f, frame), f)).toThrow(/a gradient of luMatrix/);
    expect(again(o.luInverse(f, frame), f)).toThrow(/a gradient of luMatrix or luInverse/);
    const [y, w] = [variable('y', [1, 4, 4, 1]), variable('w', [1, 3, 3, 1])];
    expect(again(o.causalSolve(y, w), y)).toThrow(/a gradient of causalSolve/);
    expect(codeOf(again(o.causalSolve(y, w), y))).toBe('bad-input');
    const rows = variable('rows', [5, 4]);
    const whitened = o.whitenedRows(
      rows,
      o.zeros([1, 3, 4]),
      o.zeros([1, 3, 4, 4]),
      o.zeros([1, 3]),
      2,
    );
    expect(() => o.gradient(o.sum(whitened), [rows])).toThrow(/of whitenedRows is not known/);
    const moments = o.weighedMoments(o.reshape(rows, [1, 1, 5, 4]), o.full([1, 1, 5], 1));
    expect(() => o.gradient(o.sum(moments), [rows])).toThrow(/of weighedMoments is not known/);
  });

  test('vectorJacobian weighs several outputs', () => {
    const x = variable('x', [2]);
    const outputs = [o.square(x), o.exp(x)];
    const [g] = o.vectorJacobian(outputs, [o.full([2], 3), x], [x]);
    const [value] = o.evaluate([g as Tensor], new Map([[x, [1, 2]]]));
    expect(value?.data[0]).toBeCloseTo(3 * 2 + Math.E, 12);
    expect(value?.data[1]).toBeCloseTo(3 * 4 + 2 * Math.exp(2), 12);
  });
});

describe('builders', () => {
  const x = variable('x', [2, 3]);

  test('simplify what is certain, and nothing that changes a shape', () => {
    expect(o.add(x, 0)).toBe(x);
    expect(o.sub(x, 0)).toBe(x);
    expect(o.mul(x, 1)).toBe(x);
    expect(o.div(x, 1)).toBe(x);
    expect(o.neg(o.neg(x))).toBe(x);
    expect(o.mul(x, -1).op.name).toBe('neg');
    expect(topological([o.mul(2, o.mul(0.25, o.neg(x)))]).map((n) => n.op.name)).toEqual(
      expect.arrayContaining(['mul', 'constant', 'variable']),
    );
    expect(topological([o.mul(2, o.mul(0.25, o.neg(x)))])).toHaveLength(3);
    expect(o.add(x, o.zeros([4, 2, 3])).shape).toEqual([4, 2, 3]);
    expect(o.mul(o.full([5, 1, 1], 1), x).shape).toEqual([5, 2, 3]);
    expect(o.mul(x, o.zeros([2, 3])).op.kind).toBe('view');
    expect(o.exp(0).op.kind).toBe('constant');
    expect(o.reshape(o.reshape(x, [6]), [2, 3])).toBe(x);
    expect(o.transpose(o.transpose(x))).toBe(x);
    expect(o.slice(x, 0, 0, 2)).toBe(x);
    expect(o.sum(o.reshape(x, [6, 1]), 1).shape).toEqual([6]);
  });

  test('simplified or not, the value is the same', () => {
    const values: Values = new Map([[x, Float64Array.of(1, -2, 3, 0, 0.5, -7)]]);
    const data = (y: Tensor) => [...(o.evaluate([y], values)[0]?.data ?? [])];
    const plain = data(x);
    expect(data(o.mul(-2, o.mul(o.neg(x), 0.5)))).toEqual(plain);
    expect(data(o.div(x, 4))).toEqual(plain.map((v) => v / 4));
    expect(data(o.add(o.mul(x, 0), 3))).toEqual(plain.map(() => 3));
    expect(data(o.sub(2, x))).toEqual(plain.map((v) => 2 - v));
  });

  test('scalings meet only where their product is a number', () => {
    const at = new Map([[x, new Float64Array(6).fill(1)]]);
    for (const y of [o.mul(1e30, o.mul(1e30, x)), o.mul(1e-30, o.mul(1e-30, x)), o.div(x, 1e-39)]) {
      const constants = topological([y]).filter(({ op }) => op.kind === 'constant');
      expect(constants.every(({ attrs }) => Math.fround(attrs.value as number) !== 0)).toBe(true);
      expect(constants.every(({ attrs }) => Math.abs(attrs.value as number) < 3.4e38)).toBe(true);
      expect(o.evaluate([y], at)[0]?.data[0]).toBeGreaterThan(0);
    }
  });

  test('read bytes as float32, and as nothing else', () => {
    for (const y of [o.mul(b, 1), o.add(0, b), o.sub(b, 0), o.sum(b, 0), o.concat([b, x])]) {
      expect(y.dtype).toBe('f32');
    }
    expect(o.mean(o.reshape(b, [2, 1, 3]), 1).dtype).toBe('f32');
  });

  test('integers without a GPU are what kernels make of them', () => {
    const numbers = (y: Tensor) => [...(o.evaluate([y], new Map())[0]?.data ?? [])];
    expect(numbers(o.divUint(o.iota(3), 0))).toEqual([0, 1, 2]);
    expect(numbers(o.modUint(o.iota(3), 0))).toEqual([0, 0, 0]);
    expect(numbers(o.toUint(o.constant(5e9)))).toEqual([2 ** 32 - 2 ** 8]);
    expect(numbers(o.toUint(o.constant(-3)))).toEqual([0]);
  });

  test('the largest of very many', () => {
    const many = o.toFloat(o.iota(300_000));
    expect(o.evaluate([o.max(many)], new Map())[0]?.data[0]).toBe(299_999);
  });

  test('give shapes as NumPy does', () => {
    const y = variable('y', [4, 1, 3]);
    expect(o.add(x, y).shape).toEqual([4, 2, 3]);
    expect(o.sum(y, [0, -1]).shape).toEqual([1]);
    expect(o.sum(y, -1, { keepDims: true }).shape).toEqual([4, 1, 1]);
    expect(o.max(y).shape).toEqual([]);
    expect(o.reshape(y, [2, -1]).shape).toEqual([2, 6]);
    expect(o.unsqueeze(y, -1).shape).toEqual([4, 1, 3, 1]);
    expect(o.transpose(y, [2, 0, 1]).shape).toEqual([3, 4, 1]);
    expect(o.matmul(y, o.transpose(x)).shape).toEqual([4, 1, 2]);
    expect(o.concat([x, x, x], 0).shape).toEqual([6, 3]);
    expect(o.split(y, [1, 3], 0).map((part) => part.shape)).toEqual([
      [1, 1, 3],
      [3, 1, 3],
    ]);
    expect(sizeOf(o.expand(x, [7, 2, 3]).shape)).toBe(42);
    expect(o.copy(variable('n', [2], { dtype: 'u32' })).dtype).toBe('u32');
  });

  const n = variable('n', [3], { dtype: 'u32' });
  const b = variable('bytes', [2, 3], { dtype: 'u8' });
  const refusals: [string, () => unknown, ErrorCode, RegExp][] = [
    [
      'shapes that do not broadcast',
      () => o.add(x, variable('y', [2, 4])),
      'shape-mismatch',
      /add.*\[2, 3\].*\[2, 4\]/,
    ],
    ['integers among floats', () => o.mul(x, n), 'shape-mismatch', /mul.*toFloat/],
    ['floats among integers', () => o.addUint(n, o.sum(x, 0)), 'shape-mismatch', /addUint.*toUint/],
    ['a sum of integers', () => o.sum(n), 'shape-mismatch', /toFloat/],
    ['an axis that is not there', () => o.sum(x, 2), 'shape-mismatch', /axis 2.*rank 2/],
    ['an inner extent that differs', () => o.matmul(x, x), 'shape-mismatch', /3 columns.*2 rows/],
    ['a product of integers', () => o.matmul(x, o.reshape(n, [3, 1])), 'shape-mismatch', /toFloat/],
    [
      'a convolution of integers',
      () => o.conv2d(o.reshape(n, [1, 1, 1, 3]), o.zeros([1, 3, 1, 1])),
      'shape-mismatch',
      /conv2d.*toFloat/,
    ],
    [
      'the adjoint of one',
      () => o.convTranspose2d(o.reshape(n, [1, 1, 1, 3]), o.zeros([3, 1, 1, 1])),
      'shape-mismatch',
      /convTranspose2d.*toFloat/,
    ],
    [
      'a spline of integers',
      () => o.rationalQuadratic(n, o.zeros([33]), { bins: 4, bound: 3 }),
      'shape-mismatch',
      /toFloat/,
    ],
    [
      'floats in another order among integers',
      () => o.permuteColumns(n, n, n),
      'shape-mismatch',
      /toFloat/,
    ],
    [
      'units of integers',
      () => o.gru(o.full([1, 2, 12], 1, 'u32'), o.zeros([12, 4]), o.zeros([12]), o.zeros([1, 4])),
      'shape-mismatch',
      /gru.*toFloat/,
    ],
    [
      'a causal system of integers',
      () => o.causalSolve(o.reshape(n, [1, 1, 3, 1]), o.zeros([1, 1, 1, 1])),
      'shape-mismatch',
      /causalSolve.*toFloat/,
    ],
    [
      'images that padding leaves nothing of',
      () => o.convTranspose2d(o.zeros([1, 2, 2, 1]), o.zeros([1, 1, 2, 2]), { padding: 3 }),
      'bad-config',
      /-3×-3.*less padding/,
    ],
    ['no change of integers among floats', () => o.add(n, 0), 'shape-mismatch', /toFloat/],
    ['rows added up to none', () => o.addRows(x, o.iota(2), 0), 'shape-mismatch', /positive/],
    ['a slope that is not positive', () => o.leakyRelu(x, -0.5), 'bad-input', /-0.5/],
    ['a product of vectors', () => o.matmul(o.sum(x, 0), x), 'shape-mismatch', /matrices/],
    ['a reshape to another size', () => o.reshape(x, [4, -1]), 'shape-mismatch', /reshape/],
    [
      'a transpose that names an axis twice',
      () => o.transpose(x, [0, 0]),
      'shape-mismatch',
      /once/,
    ],
    ['a slice outside', () => o.slice(x, 1, 1, 4), 'shape-mismatch', /1 to 4/],
    ['an empty slice', () => o.slice(x, 1, 2, 2), 'shape-mismatch', /range/],
    ['a split that does not add up', () => o.split(x, [1, 1]), 'shape-mismatch', /1 \+ 1/],
    ['a concat of nothing', () => o.concat([]), 'shape-mismatch', /no tensor/],
    ['a concat of different types', () => o.concat([o.sum(x, 0), n]), 'shape-mismatch', /type/],
    ['an expansion that shrinks', () => o.expand(x, [3]), 'shape-mismatch', /expand/],
    ['a gather by floats', () => o.gather(x, o.sum(x, 0)), 'shape-mismatch', /unsigned/],
    ['an assignment of another shape', () => o.assign(x, o.sum(x, 0)), 'shape-mismatch', /assign/],
    ['an assignment to bytes', () => o.assign(b, b), 'shape-mismatch', /bytes/],
    [
      'a store of a vector',
      () => o.store(o.sum(x, 0) as Variable, o.step, x),
      'shape-mismatch',
      /scalar/,
    ],
    ['a store of another type', () => o.store(n, o.step, o.sum(x)), 'shape-mismatch', /type/],
    ['the gradient of a vector', () => o.gradient(x, [x]), 'shape-mismatch', /sum or mean/],
    ['a division by zero', () => o.div(x, 0), 'bad-input', /0/],
    ['an empty extent', () => variable('empty', [2, 0]), 'shape-mismatch', /positive/],
    ['noise of no size', () => o.randomNormal([0]), 'shape-mismatch', /positive/],
    ['a value that is missing', () => o.evaluate([o.neg(x)], new Map()), 'bad-input', /x/],
  ];
  test.each(refusals)('refuse %s', (_, make, code, message) => {
    expect(codeOf(make)).toBe(code);
    expect(make).toThrow(message);
  });
});

describe('packed parameters', () => {
  test('lie at multiples of 256 bytes, in order, once', () => {
    const list = [variable('a', [3]), variable('b', [8, 8]), variable('c', [65])];
    const flat = packParameters(list);
    expect(list.map((p) => p.parent?.offset)).toEqual([0, 64, 128]);
    expect(flat.shape).toEqual([256]);
    expect(packParameters(list)).toBe(flat);
    expect(packedMembers(flat)).toEqual(list);
    expect(codeOf(() => packParameters(list.slice(1)))).toBe('bad-config');
    expect(codeOf(() => packParameters([]))).toBe('bad-config');
    const [d, e] = [variable('d', [3]), variable('e', [3])];
    expect(() => packParameters([d, e, d])).toThrow(/'d' is given twice/);
    expect(d.parent).toBe(undefined);
  });
});

function codeOf(make: () => unknown): string | undefined {
  try {
    make();
  } catch (error) {
    return isLatentGpuError(error) ? error.code : String(error);
  }
  return undefined;
}
