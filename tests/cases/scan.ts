/** Scans of a cell of one's own: they equal the unrolled graph, in float64 and on the device, forward and backward. */
import type { NdArray } from '../../src/graph/ndarray.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import * as nn from '../../src/nn/index.ts';
import { Scan, type ScanOptions, scan } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { adam } from '../../src/optim/index.ts';
import { type Leg, LegPlans } from '../../src/scheduler/index.ts';
import type { TrainerOptions } from '../../src/training/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { adapterNames, adapters, check, reals, withRuntime } from '../support/engine.ts';
import { centring, data, sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

const [ROWS, INPUTS, STATE, OUTPUTS] = [3, 2, 4, 5];

type Known = Map<Tensor, ArrayLike<number>>;

/** A cell with a gate, of which no kernel knows, and its numbers. */
function problem(steps: number) {
  const parameter = (name: string, shape: number[]) => variable(name, shape);
  const gate = parameter('gate', [STATE + INPUTS, STATE]);
  const fresh = parameter('fresh', [STATE + INPUTS, STATE]);
  const shown = parameter('shown', [STATE, OUTPUTS]);
  const bias = parameter('bias', [STATE]);
  const cell: ScanOptions['cell'] = (x, state) => {
    const both = o.concat([state, x], 1);
    const open = o.sigmoid(o.add(o.matmul(both, gate), bias));
    const made = o.tanh(o.matmul(both, fresh));
    const next = o.add(o.mul(open, state), o.mul(o.sub(1, open), made));
    return { state: next, output: o.mul(o.matmul(next, shown), o.square(o.slice(x, 1, 0, 1))) };
  };
  const inputs = variable('inputs', [steps, ROWS, INPUTS]);
  const start = variable('start', [ROWS, STATE]);
  const parameters = [gate, fresh, shown, bias];
  const values: Known = new Map(
    [...parameters, inputs, start].map((v) => [v, reals(`${v.name} ${steps}`, v.size, -1, 1)]),
  );
  return { cell, inputs, start, parameters, values };
}

/** Outputs and gradients of the graph that has every step. */
function unrolled({ cell, inputs, start, parameters = [] }: ScanOptions, seeds: Tensor) {
  const steps = inputs.shape[0] as number;
  const outputs: Tensor[] = [];
  let state: Tensor = start;
  for (let t = 0; t < steps; t++) {
    const x = o.reshape(o.slice(inputs, 0, t, t + 1), [ROWS, INPUTS]);
    const made = cell(x, state);
    state = made.state;
    outputs.push(made.output);
  }
  const told = outputs.map((output, t) => o.reshape(o.slice(seeds, 0, t, t + 1), output.shape));
  return [...outputs, ...o.vectorJacobian(outputs, told, [inputs, start, ...parameters])];
}

/** Legs in float64, by the ops' references. */
function interpreted(legs: readonly Leg[], values: Known): void {
  for (const { effects, times } of legs) {
    for (let time = 0; time < times; time++) {
      const indices = effects.map(({ op, inputs }) =>
        op.kind === 'scatter' ? inputs[1] : inputs[0],
      );
      const found = o.evaluate([...effects, ...(indices as Tensor[])], values);
      const made = effects.map((effect, i): [Variable, ArrayLike<number>] => {
        const target = effect.attrs.target as Variable;
        const own = (found[i] as NdArray).data;
        if (effect.op.kind !== 'scatter') return [target, own];
        const whole = Float64Array.from(values.get(target) ?? new Float64Array(target.size));
        const at = (found[effects.length + i] as NdArray).data[0] as number;
        whole.set(own, at * own.length);
        return [target, whole];
      });
      for (const [target, own] of made) values.set(target, own);
    }
  }
}

const resultsOf = (scan: Scan) => [
  scan.outputs,
  scan.inputsGradient,
  scan.startGradient,
  ...scan.gradients,
];

/** What the unrolled graph yields, in the order of {@link resultsOf}. */
function wantedOf(options: ScanOptions, values: Known, seeds: Variable): Float64Array[] {
  const steps = options.inputs.shape[0] as number;
  const all = o.evaluate(unrolled(options, seeds), values).map(({ data }) => data);
  const outputs = Float64Array.from(all.slice(0, steps).flatMap((each) => [...each]));
  return [outputs, ...all.slice(steps).map((each) => Float64Array.from(each))];
}

concurrentCases('scans', (c) => {
  for (const steps of [1, 2, 5, 9, 11]) {
    c(`of ${steps} steps equal the unrolled graph in float64`, (t) => {
      const { values, ...options } = problem(steps);
      const scan = new Scan(options);
      values.set(scan.outputsGradient, reals('told', scan.outputsGradient.size, -1, 1));
      const wanted = wantedOf(options, values, scan.outputsGradient);
      interpreted(scan.forward, values);
      interpreted(scan.backward, values);
      resultsOf(scan).forEach((held, i) => {
        t.close(values.get(held) as Float64Array, wanted[i] as Float64Array, { absolute: 1e-11 });
      });
    });
  }

  c('replay on a device what the unrolled graph says, again and again', async (t) => {
    const { values, ...options } = problem(11);
    const scan = new Scan(options);
    values.set(scan.outputsGradient, reals('told', scan.outputsGradient.size, -1, 1));
    const wanted = wantedOf(options, values, scan.outputsGradient);
    await withRuntime(t, async (runtime) => {
      for (const [held, own] of values) runtime.write(held as Variable, own);
      const forward = await LegPlans.of(runtime, scan.forward);
      const backward = await LegPlans.of(runtime, scan.backward);
      for (let time = 0; time < 2; time++) {
        await forward.run();
        t.equal(await backward.run(), backward.steps);
        for (const [i, held] of resultsOf(scan).entries()) {
          const found = (await runtime.read(held)) as Float32Array;
          t.close(found, wanted[i] as Float64Array, { absolute: 1e-5, relative: 1e-5 });
        }
      }
      forward.destroy();
      backward.destroy();
    });
  });

  c('keep √T states, whatever the length', (t) => {
    const kept = (steps: number) => {
      const { values: _, ...options } = problem(steps);
      const scan = new Scan(options);
      const states = scan.memory.filter(({ name }) => /^(checkpoints|between)$/.test(name));
      return states.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
    };
    t.equal(kept(100), 21);
    t.equal(kept(10_000), 201);
  });

  c('refuse what does not fit, and noise from outside', async (t) => {
    const { values: _, cell, ...others } = problem(4);
    const made = (own: ScanOptions['cell']) => () => new Scan({ ...others, cell: own });
    await t.throws(
      'shape-mismatch',
      made((x, state) => ({ state: x, output: state })),
      /scan: the cell makes a state .* must be of \[3, 4\] and \[3, O\]/,
    );
    const outside = o.randomNormal([ROWS, OUTPUTS]);
    await t.throws(
      'bad-input',
      made((x, state) => {
        const next = cell(x, state);
        return { ...next, output: o.add(next.output, outside) };
      }),
      /scan: the cell reads noise that is drawn outside/,
    );
    await t.throws(
      'shape-mismatch',
      () => new Scan({ ...others, cell, start: variable('start', [2, STATE]) }),
      /scan: needs inputs \[T, B, I\] and a start \[B, S\]/,
    );
  });

  c('of a larger graph equal the unrolled one, with their gradients', async (t) => {
    const { of, values } = larger(7);
    const { outputs } = of(scan);
    const wanted = o.evaluate(of(unrolledCell).outputs, values).map(({ data }) => data);
    const inReference = o.evaluate(outputs, values).map(({ data }) => data);
    wanted.forEach((own, i) => {
      t.close(inReference[i] as Float64Array, own, { absolute: 1e-10 }, `reference ${i}`);
    });
    await withRuntime(t, async (runtime) => {
      for (const [held, own] of values) runtime.write(held as Variable, own);
      const named = Object.fromEntries(outputs.map((output, i) => [i, output]));
      const plan = await runtime.compile({ outputs: named });
      for (let time = 0; time < 2; time++) {
        await plan.run();
        for (const [i, own] of wanted.entries()) {
          const tolerance = { absolute: 2e-5, relative: 2e-5 };
          t.close(await plan.read(String(i)), own, tolerance, `output ${i}`);
        }
      }
      const { schedule } = plan;
      t.ok(schedule.held.length > 0, 'something goes from section to section');
      t.ok(/in this order: .*7 × \(/.test(plan.explain()), plan.explain());
      const dispatches = schedule.counts.reduce((a, b) => a + b, 0);
      t.ok(plan.explain().startsWith(`${dispatches} dispatches`), 'dispatches are counted in full');
      plan.destroy();
    });
  });

  c('are trained step by step like the unrolled graph, on noise', async (t) => {
    const final = [scan, unrolledCell].map(async (over) => {
      const { of, trained, values } = larger(5);
      const { loss } = of(over);
      const slopes = o.gradient(loss, trained);
      const effects = trained.map((p, i) => o.assign(p, o.sub(p, o.mul(0.1, slopes[i] as Tensor))));
      return await withRuntime(t, async (runtime) => {
        for (const [held, own] of values) runtime.write(held as Variable, own);
        const plan = await runtime.compile({
          effects: [...effects, o.assign(o.step, o.addUint(o.step, 1))],
        });
        await plan.run(3);
        return await Promise.all(trained.map((p) => runtime.read(p)));
      });
    });
    const [own, wanted] = await Promise.all(final);
    wanted?.forEach((numbers, i) => {
      t.close(
        own?.[i] as Float32Array,
        numbers,
        { absolute: 1e-5, relative: 1e-4 },
        `parameter ${i}`,
      );
    });
  });

  c(
    'are part of what a trainer trains, bit for bit after a stop, and are named where they overflow',
    async (t) => {
      const whole = await undisturbed(t, 12, following());
      const began = await undisturbed(t, 5, following());
      const report = await withTrainer(
        t,
        following(),
        async (trainer) => {
          const done = await trainer.run(7);
          sameBits(t, await trainer.state(), whole, 'continued');
          return done;
        },
        began,
      );
      t.ok(
        (report.metrics.loss as number) < 0.9 * STILL,
        `learns: ${report.metrics.loss} of ${STILL}`,
      );
      await withTrainer(t, following(1e30), async (trainer) => {
        await t.throws('not-finite', () => trainer.run(1), /the loss .*scan/s);
      });
    },
  );

  c('stand between uses of the same bytes', async (t) => {
    const bytes = variable('bytes', [3, 8], { dtype: 'u8', role: 'data' });
    const cut = o.slice(bytes, 1, 1, 5);
    const sums = scan(o.reshape(o.square(cut), [3, 1, 4]), o.zeros([1, 4]), (now, before) => {
      const sum = o.add(now, before);
      return { state: sum, output: sum };
    });
    const outputs = { y: o.mul(o.reshape(sums, [3, 4]), cut) };
    const numbers = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    const shares = Array.from(numbers, (n) => n / 255);
    const [wanted] = o.evaluate(Object.values(outputs), new Map([[bytes, shares]]));
    await withRuntime(t, async (runtime) => {
      const plan = await runtime.compile({ outputs });
      runtime.write(bytes, numbers);
      await plan.run();
      t.close(await plan.read('y'), (wanted as NdArray).data, { relative: 1e-6 });
    });
  });

  c(
    'what a cell draws is another draw in each step, and the same when it is made again',
    async (t) => {
      const [STEPS, WIDTH] = [7, 4];
      const x = variable('x', [STEPS, ROWS, WIDTH]);
      const start = variable('start', [ROWS, WIDTH]);
      const rate = variable('rate', [WIDTH]);
      const values = new Map([x, start, rate].map((v) => [v, reals(v.name, v.size, -1, 1)]));
      const beside = o.randomNormal([1, WIDTH]);
      const walk = (input: Tensor, from: Tensor) =>
        scan(input, from, (now, before) => {
          const wide = o.add(1, o.tanh(o.mul(rate, before)));
          const moved = o.mul(wide, o.randomNormal([ROWS, WIDTH]));
          const next = o.add(o.tanh(o.add(before, now)), o.add(moved, beside));
          return { state: next, output: o.mul(next, o.randomUniform([ROWS, 1])) };
        });
      const first = walk(x, start);
      const second = walk(first, o.mul(0.5, start));
      const loss = o.mean(o.square(second));
      const [gx, gs, gr] = o.gradient(loss, [x, start, rate]) as [Tensor, Tensor, Tensor];
      // With gradients, which make every step again, and for GPUs as well.
      const outputs = { first, second, gx, gs, gr };
      for (const name of adapterNames) {
        await check(t, { outputs }, values, { adapter: adapters[name] });
      }
    },
  );

  c(
    'draws of a long walk are those of a normal distribution, whatever the step of the run',
    async (t) => {
      const [STEPS, WIDTH] = [400, 16];
      const walk = () =>
        scan(o.zeros([STEPS, 1, WIDTH]), o.zeros([1, WIDTH]), (_, before) => {
          const drawn = o.randomNormal([1, WIDTH]);
          return { state: o.add(before, drawn), output: drawn };
        });
      await withRuntime(t, async (runtime) => {
        const outputs = { one: walk(), other: walk() };
        const effects = [o.assign(o.step, o.addUint(o.step, 1))];
        const plan = await runtime.compile({ outputs, effects });
        const all: number[][] = [];
        for (let turn = 0; turn < 2; turn++) {
          await plan.run();
          all.push([...(await plan.read('one'))], [...(await plan.read('other'))]);
        }
        t.equal(new Set(all.flat()).size > 0.99 * all.flat().length, true, 'no draw comes twice');
        const n = STEPS * WIDTH;
        for (const [i, numbers] of all.entries()) {
          const dot = (others: readonly number[]) =>
            numbers.reduce((m, z, k) => m + z * (others[k] ?? 0), 0) / n;
          t.close(dot(numbers), 1, { absolute: 4.5 * Math.sqrt(2 / n) }, `variance of ${i}`);
          const shifted = [...numbers.slice(WIDTH), ...numbers.slice(0, WIDTH)];
          for (const other of [shifted, ...all.filter((each) => each !== numbers)]) {
            t.close(dot(other), 0, { absolute: 4.5 / Math.sqrt(n) }, `correlation of ${i}`);
          }
        }
      });
    },
  );

  c('refuse loops of the cell, and a gradient of a gradient', async (t) => {
    const x = variable('x', [3, ROWS, INPUTS]);
    const start = o.zeros([ROWS, INPUTS]);
    const told = scan(x, start, (now, before) => ({ state: o.mul(now, before), output: now }));
    t.equal(told.shape, [3, ROWS, INPUTS]);
    const nested = () =>
      scan(x, start, (now, before) => {
        const inner = scan(o.reshape(now, [1, ROWS, INPUTS]), before, (a, b) => ({
          state: b,
          output: a,
        }));
        return { state: before, output: o.sum(inner, 0) };
      });
    await t.throws('bad-input', nested, /scan: the cell scans something itself/);
    const [slope] = o.gradient(o.sum(o.square(told)), [x]);
    const again = () => o.gradient(o.sum(slope as Tensor), [x]);
    await t.throws('bad-input', again, /gradient of a gradient of scan/);
  });
});

/** The mean of the rows' squares: the loss of who always tells 0. */
const STILL = Array.from(data.data).reduce((sum, x) => sum + x ** 2, 0) / data.data.length;

class Follower extends nn.Module {
  past = new nn.Linear(4, 4);
  shown = new nn.Linear(4, 1);
}

/** Rows of numbers, each told by a cell that has seen those before. @param growth of its state, which may overflow */
function following(growth = 0): TrainerOptions {
  const model = new Follower();
  const loss = ({ x }: { x: Tensor }) => {
    const [rows, steps] = x.shape as [number, number];
    const series = o.reshape(o.transpose(x), [steps, rows, 1]);
    const told = scan(series, o.zeros([rows, 4]), (now, before) => {
      const seen = o.add(o.tanh(model.past.call(before)), o.mul(0.5, now));
      return { state: o.add(seen, o.mul(growth, before)), output: model.shown.call(before) };
    });
    return { loss: o.mean(o.square(o.sub(told, series))) };
  };
  return centring({ model, loss, optimizer: adam({ lr: 0.05 }), binarize: 'none' });
}

type Over = typeof scan;

/** {@link scan} without loops. */
const unrolledCell: Over = (inputs, start, cell) => {
  const outputs: Tensor[] = [];
  let state = start;
  for (let t = 0; t < (inputs.shape[0] as number); t++) {
    const made = cell(o.reshape(o.slice(inputs, 0, t, t + 1), inputs.shape.slice(1)), state);
    state = made.state;
    outputs.push(o.reshape(made.output, [1, ...made.output.shape]));
  }
  return o.concat(outputs, 0);
};

/** Two scans, the second of what the first tells, with products, noise and a code around and within them. */
function larger(steps: number) {
  const raw = variable('raw', [steps * ROWS, 3]);
  const enter = variable('enter', [3, INPUTS]);
  const gate = variable('gate', [STATE + INPUTS, STATE]);
  const fresh = variable('fresh', [STATE, STATE]);
  const told = variable('told', [3, STATE]);
  const begin = variable('begin', [STATE]);
  const trained = [enter, gate, fresh, told, begin];
  const drawn = reals(`numbers of ${steps}`, 200, -1, 1);
  const values: Known = new Map<Tensor, ArrayLike<number>>([
    ...[raw, ...trained].map((v, i): [Tensor, ArrayLike<number>] => [
      v,
      drawn.subarray(i, i + v.size),
    ]),
    [o.step, [0]],
    [o.seed, [3, 5]],
  ]);
  const of = (over: Over) => {
    const code = o.tanh(o.matmul(o.slice(raw, 0, 0, ROWS), told));
    const moved = o.add(o.matmul(raw, enter), o.randomNormal([1, INPUTS]));
    const start = o.mul(o.add(begin, code), 0.5);
    const first = over(o.reshape(moved, [steps, ROWS, INPUTS]), start, (now, before) => {
      const open = o.sigmoid(o.matmul(o.concat([before, now], 1), gate));
      // The weights transposed, as a view, and the code, which the graph around computes.
      const fed = o.add(o.matmul(before, o.transpose(fresh)), code);
      const next = o.add(o.mul(open, before), o.tanh(fed));
      return { state: o.mul(next, 0.75), output: o.concat([next, now], 1) };
    });
    const resting = o.mul(o.add(o.zeros([ROWS, STATE]), begin), 2);
    const second = over(first, resting, (now, before) => {
      const next = o.add(o.mul(before, 0.5), o.slice(now, 1, 0, STATE));
      return { state: next, output: o.mul(next, o.square(o.slice(now, 1, STATE, STATE + 1))) };
    });
    const target = o.mul(0.1, o.randomNormal(second.shape));
    const loss = o.mean(o.square(o.sub(second, target)));
    return { loss, outputs: [loss, first, second, ...o.gradient(loss, [...trained, raw])] };
  };
  return { of, trained, values };
}
