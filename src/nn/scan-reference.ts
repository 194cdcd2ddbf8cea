// Scans in float64, step by step, by the references of the cell's own ops.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { evaluate, step, vectorJacobian } from '../ops/index.ts';

/** One step of a cell. */
export interface CellGraph {
  readonly steps: number;
  /** In whose place the numbers of a step come: [B, I] and [B, S]. */
  readonly x: Variable;
  readonly state: Variable;
  /** The number of a step's draws (u32): of step t of T in turn s, s T + t. */
  readonly moment: Variable;
  readonly made: Tensor;
  readonly output: Tensor;
  /** What it reads besides, and those of them that gradients are wanted for. */
  readonly captured: readonly Variable[];
  readonly trained: readonly Variable[];
}

type Numbers = ArrayLike<number>;

function valuesOf(
  { x, state, moment, steps, captured }: CellGraph,
  [inputs, , ...around]: readonly NdArray[],
  at: number,
  before: Numbers,
): Map<Tensor, Numbers> {
  const row = (inputs as NdArray).data.subarray(at * x.size, (at + 1) * x.size);
  const turn = (around[captured.indexOf(step)]?.data[0] ?? 0) as number;
  return new Map<Tensor, Numbers>([
    [x, row],
    [state, before],
    [moment, [turn * steps + at]],
    ...captured.map((each, i): [Tensor, Numbers] => [each, (around[i] as NdArray).data]),
  ]);
}

function walked(graph: CellGraph, inputs: readonly NdArray[]) {
  const states: Numbers[] = [(inputs[1] as NdArray).data];
  const outputs: Numbers[] = [];
  for (let step = 0; step < graph.steps; step++) {
    const values = valuesOf(graph, inputs, step, states[step] as Numbers);
    const [made, output] = evaluate([graph.made, graph.output], values) as [NdArray, NdArray];
    states.push(made.data);
    outputs.push(output.data);
  }
  return { states, outputs };
}

const endToEnd = (parts: readonly Numbers[]) => parts.flatMap((part) => Array.from(part));

/** @param inputs of the node: the series, the start, what is captured */
export function scanReference(graph: CellGraph, inputs: readonly NdArray[], shape: Shape): NdArray {
  return ndarray(shape, endToEnd(walked(graph, inputs).outputs));
}

/** Gradients of the inputs, the start and what is trained, end to end. @param told of all outputs */
export function scanAdjointReference(
  graph: CellGraph,
  told: NdArray,
  inputs: readonly NdArray[],
): NdArray {
  const { steps, x, state, made, output, trained } = graph;
  const { states } = walked(graph, inputs);
  const ofState = variable('ofState', made.shape);
  const ofOutput = variable('ofOutput', output.shape);
  const wrt = vectorJacobian([made, output], [ofState, ofOutput], [x, state, ...trained]);
  let later: Numbers = new Float64Array(state.size);
  const ofInputs: Numbers[] = [];
  const sums = trained.map(({ size }) => new Float64Array(size));
  for (let step = steps - 1; step >= 0; step--) {
    const values = valuesOf(graph, inputs, step, states[step] as Numbers);
    values.set(ofState, later);
    values.set(ofOutput, told.data.subarray(step * output.size, (step + 1) * output.size));
    const [ofX, before, ...ofTrained] = evaluate(wrt, values) as [NdArray, NdArray, ...NdArray[]];
    ofInputs.unshift(ofX.data);
    later = before.data;
    ofTrained.forEach(({ data }, i) => {
      const sum = sums[i] as Float64Array;
      for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) + (data[k] as number);
    });
  }
  const all = endToEnd([...ofInputs, later, ...sums]);
  return ndarray([all.length], all);
}
