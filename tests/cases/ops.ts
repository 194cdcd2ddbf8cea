/** Every elementwise op on the GPU: all shapes, layouts and kinds of values. */
import { type Shape, sizeOf } from '../../src/graph/shape.ts';
import { allOps, type Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { apply, draw, trialOf } from '../support/domains.ts';
import { adapters, check, reals, withRuntime } from '../support/engine.ts';

/** How an input of an op lies in memory. */
type Layout = 'plain' | 'row' | 'column' | 'number' | 'transposed' | 'columns';
const full: readonly Layout[] = ['plain', 'transposed', 'columns'];
const all: readonly Layout[] = ['row', 'plain', 'column', 'transposed', 'number', 'columns'];

/** One memory for the inputs of all ops, because a kernel may bind only a few. */
class Pool {
  private readonly numbers: number[] = [];
  private readonly dtype: 'f32' | 'u32';
  private readonly alignment: number;

  constructor(dtype: 'f32' | 'u32', alignment: number) {
    this.dtype = dtype;
    this.alignment = alignment;
  }

  /** Room for values; returns how to get at them once the memory exists. */
  take(shape: Shape, values: readonly number[]): (whole: Variable) => Tensor {
    while (this.numbers.length % this.alignment !== 0) this.numbers.push(0);
    const offset = this.numbers.length;
    this.numbers.push(...values);
    return (whole) => o.reshape(o.slice(whole, 0, offset, offset + values.length), shape);
  }

  /** The memory and what it holds. */
  make(): [Variable, ArrayLike<number>] {
    const { dtype } = this;
    const Numbers = dtype === 'u32' ? Uint32Array : Float32Array;
    if (this.numbers.length === 0) this.numbers.push(0);
    const whole = variable(`pool of ${dtype}`, [this.numbers.length], { dtype });
    return [whole, Numbers.from(this.numbers)];
  }
}

/** Every elementwise op on inputs of the given layouts, one output an op. */
function everyOp(
  [rows, columns]: readonly [number, number],
  layoutOf: (input: number, inputs: number, op: number) => Layout,
  alignment: number,
): { outputs: Record<string, Tensor>; values: Map<Variable, ArrayLike<number>> } {
  const pools = { f32: new Pool('f32', alignment), u32: new Pool('u32', alignment) };
  const ops = allOps().filter((op) => op.kind === 'elementwise');
  const pending = ops.map((op, at) => {
    const { domains, operands } = trialOf(op.name);
    const inputs = domains.map((domain, i) => {
      const layout = layoutOf(i, domains.length, at);
      const shape = storedShape(layout, rows, columns);
      const values = draw(domain, sizeOf(shape), 8 * at + i);
      const type = operands[i] as 'f32' | 'u32';
      const view = pools[type].take(shape, values);
      return () => laidOut(layout, view(memory[type][0]), columns);
    });
    return { name: op.name, inputs };
  });
  const memory = { f32: pools.f32.make(), u32: pools.u32.make() };
  const outputs = Object.fromEntries(
    pending.map(({ name, inputs }) => [
      name,
      apply(
        name,
        inputs.map((input) => input()),
      ),
    ]),
  );
  return { outputs, values: new Map([memory.f32, memory.u32]) };
}

function storedShape(layout: Layout, rows: number, columns: number): Shape {
  switch (layout) {
    case 'row':
      return [columns];
    case 'column':
      return [rows, 1];
    case 'number':
      return [];
    case 'transposed':
      return [columns, rows];
    case 'columns':
      return [rows, columns + 3];
    default:
      return [rows, columns];
  }
}

function laidOut(layout: Layout, x: Tensor, columns: number): Tensor {
  if (layout === 'transposed') return o.transpose(x);
  return layout === 'columns' ? o.slice(x, 1, 2, 2 + columns) : x;
}

concurrentCases('ops, elementwise', (c) => {
  c('all, in quads', async (t) => {
    const { outputs, values } = everyOp([6, 8], () => 'plain', 4);
    for (const adapter of Object.values(adapters)) await check(t, { outputs }, values, { adapter });
  });

  const mixed = (variant: number) => (input: number, inputs: number, op: number) =>
    // One input has the full size, so that the result has it.
    (input === op % inputs
      ? full[(op + variant) % full.length]
      : all[(op + input + variant) % all.length]) as Layout;
  const shapes: [number, number][] = [
    [5, 7],
    [1, 67],
    [50, 3],
    [4, 12],
    [9, 1],
    [1, 5],
  ];
  shapes.forEach((shape, variant) => {
    const alignment = variant % 2 === 0 ? 1 : 4;
    c(`all, on views and broadcast to [${shape.join(', ')}]`, async (t) => {
      const { outputs, values } = everyOp(shape, mixed(variant), alignment);
      await check(t, { outputs }, values, { adapter: adapters.software });
    });
  });

  c('all, on numbers', async (t) => {
    const { outputs, values } = everyOp([1, 1], () => 'number', 1);
    await check(t, { outputs }, values);
  });

  c('in chains, on more than one workgroup', async (t) => {
    const [x, y] = [variable('x', [37, 131]), variable('y', [131])];
    const chain = o.tanh(o.add(o.mul(x, 0.7), o.sin(y)));
    const outputs = {
      narrow: o.sub(o.exp(o.mul(chain, y)), o.square(o.sigmoid(chain))),
      wide: o.mul(o.reshape(chain, [131, 37]), o.reshape(o.slice(y, 0, 3, 40), [37])),
    };
    const values = new Map([
      [x, reals('x', x.size)],
      [y, reals('y', y.size)],
    ]);
    for (const adapter of Object.values(adapters)) await check(t, { outputs }, values, { adapter });
  });

  c('on more elements than one row of workgroups can take', async (t) => {
    // A GPU gets one quad an invocation; lines of two make a quad each, and 64 a workgroup.
    const lines = 65536 * 64 + 5;
    const x = variable('x', [2]);
    const counts = o.reshape(o.modUint(o.iota(lines), 251), [lines, 1]);
    const outputs = { y: o.add(o.toFloat(counts), x) };
    await withRuntime(
      t,
      async (runtime) => {
        const plan = await runtime.compile({ outputs });
        const rows = plan.schedule.kernels.map(({ dispatch }) => dispatch[1]);
        t.equal(Math.max(...rows), 2, 'rows of the grid');
        runtime.write(x, [0.25, 0.5]);
        await plan.run();
        const y = await plan.read('y');
        const wrong = y.findIndex((value, i) => value !== ((i >> 1) % 251) + 0.25 * (1 + (i & 1)));
        t.equal(wrong, -1, 'the first wrong element');
      },
      adapters.gpu,
    );
  });

  c('chooses among unsigned integers, which no float32 rounds', async (t) => {
    const large = 2 ** 32 - 1;
    const x = variable('x', [3], { dtype: 'u32' });
    const isOdd = o.toFloat(o.modUint(x, 2));
    const outputs = { y: o.where(isOdd, x, 7), z: o.where(isOdd, 5, x) };
    const values = new Map([[x, Uint32Array.of(large, 2 ** 24 + 2, 1)]]);
    await check(t, { outputs }, values);
    const found = o.evaluate(Object.values(outputs), values).map(({ data }) => [...data]);
    t.equal(found.join(' '), `${large},7,1 5,${2 ** 24 + 2},5`, 'what is chosen');
    await t.throws('shape-mismatch', () => o.where(x, 1, 2), /is not f32/);
    await t.throws('shape-mismatch', () => o.where(isOdd, x, isOdd), /is not u32/);
  });

  c('finds what is not finite by its bits', async (t) => {
    const x = variable('x', [7]);
    const values = Float32Array.of(1, Number.NaN, Infinity, -Infinity, 3.4e38, 0, -Number.NaN);
    await check(t, { outputs: { y: o.finite(x) } }, new Map([[x, values]]));
  });

  c('of two that are compared the first may be no number', async (t) => {
    const { NaN: none, POSITIVE_INFINITY: top } = Number;
    const x = variable('x', [5]);
    const y = variable('y', [5]);
    const values = new Map([
      [x, Float32Array.of(none, 1, top, -top, 2)],
      [y, Float32Array.of(1, none, 3, 4, top)],
    ]);
    const outputs = {
      larger: o.maximum(x, y),
      smaller: o.minimum(x, y),
      held: o.clamp(x, -3, 3),
      whole: o.toFloat(o.toUint(x)),
    };
    const expected = {
      larger: [none, 1, top, 4, top],
      smaller: [none, 1, 3, -top, 2],
      held: [none, 1, 3, -3, 2],
      whole: [0, 1, 2 ** 32 - 2 ** 8, 0, 2],
    };
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs });
      for (const [variable, numbers] of values) runtime.write(variable, numbers);
      await plan.run();
      const references = o.evaluate(Object.values(outputs), values);
      for (const [i, [name, wanted]] of Object.entries(expected).entries()) {
        t.equal([...(await plan.read(name))], wanted, name);
        t.equal([...(references[i]?.data ?? [])], wanted, `the reference of ${name}`);
      }
    });
  });

  c('powers of what is no number are none', async (t) => {
    const exponents = [2, 0.5, -1, 1e-3, 3.5, -40, 0];
    const [x, y] = [variable('x', [7]), variable('y', [7])];
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs: { z: o.pow(x, y), w: o.pow(2, x) } });
      runtime.write(x, new Float32Array(7).fill(Number.NaN));
      runtime.write(y, Float32Array.from(exponents));
      await plan.run();
      t.equal([...(await plan.read('z'))], [...Array(6).fill(Number.NaN), 1]);
      t.equal([...(await plan.read('w'))], Array(7).fill(Number.NaN));
    });
  });

  c('bytes are read as shares of 255', async (t) => {
    const table = variable('bytes', [5, 7], { dtype: 'u8', role: 'data' });
    const even = variable('even', [3, 8], { dtype: 'u8', role: 'data' });
    const outputs = {
      odd: o.mul(table, 2),
      columns: o.add(o.slice(table, 1, 2, 6), o.slice(table, 1, 1, 5)),
      even: o.square(even),
      turned: o.neg(o.transpose(even)),
      sum: o.sum(table, 1),
      largest: o.max(even),
      joined: o.concat([table, o.square(table), table], 0),
      product: o.matmul(table, o.transpose(o.slice(table, 0, 1, 4))),
      unchanged: o.add(o.mul(table, 1), 0),
    };
    const values = new Map<Variable, ArrayLike<number>>([
      [table, Uint8Array.from({ length: 35 }, (_, i) => (i * 37) % 256)],
      [even, Uint8Array.from({ length: 24 }, (_, i) => 255 - i * 9)],
    ]);
    await check(t, { outputs }, values);
  });
});
