/** Scans of a cell of one's own: they equal the unrolled graph, in float64 and on the device, forward and backward. */
import type { NdArray } from '../../src/graph/ndarray.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import { Scan, type ScanOptions } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { type Leg, LegPlans } from '../../src/scheduler/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { reals, withRuntime } from '../support/engine.ts';

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

  c('refuse what does not fit, and noise', async (t) => {
    const { values: _, cell, ...others } = problem(4);
    const made = (own: ScanOptions['cell']) => () => new Scan({ ...others, cell: own });
    await t.throws(
      'shape-mismatch',
      made((x, state) => ({ state: x, output: state })),
      /scan: the cell makes a state .* must be of \[3, 4\] and \[3, O\]/,
    );
    await t.throws(
      'bad-input',
      made((x, state) => {
        const next = cell(x, state);
        return { ...next, output: o.add(next.output, o.randomNormal(next.output.shape)) };
      }),
      /scan: the cell draws noise/,
    );
    await t.throws(
      'shape-mismatch',
      () => new Scan({ ...others, cell, start: variable('start', [2, STATE]) }),
      /scan: needs inputs \[T, B, I\] and a start \[B, S\]/,
    );
  });
});
