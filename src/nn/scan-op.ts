// A cell of one's own as a node of any graph: the scheduler replays its step within the step of the graph.
import { LatentGpuError } from '../errors.ts';
import { inStreams, type Loop } from '../graph/loop.ts';
import type { Shape } from '../graph/shape.ts';
import { substituted } from '../graph/substitute.ts';
import { defineOp, type Op, renewed, Tensor, throughViews } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import { isHalf, isVariable, type Variable, variable } from '../graph/variable.ts';
import { reshape, seed } from '../ops/index.ts';
import { unknownGradient } from '../ops/unknown-gradient.ts';
import { Scan, type ScanOptions } from './scan.ts';
import { type CellGraph, scanAdjointReference, scanReference } from './scan-reference.ts';

type CellPlaces = Pick<CellGraph, 'x' | 'state'>;

interface Scanned {
  readonly scan: Scan;
  readonly graph: CellGraph;
}

const scannedOf = (node: Tensor) => node.attrs.scanned as Scanned;

/** The graph of a step, whose draws are of the streams that they have in the graph around the scan. */
function drawing(node: Tensor): CellGraph {
  const { graph } = scannedOf(node);
  const streams = (node.attrs.drawn ?? new Map()) as ReadonlyMap<unknown, number>;
  const [made, output] = inStreams([graph.made, graph.output], streams) as [Tensor, Tensor];
  return { ...graph, made, output };
}

const noGradient = unknownGradient('a gradient of scan');

const loop = (op: Op, inputs: Tensor[], shape: Shape, attrs: object, own: Loop) =>
  new Tensor(op, inputs, shape, 'f32', { ...attrs, loop: own });

const scanOp = defineOp({
  name: 'scan',
  kind: 'loop',
  vjp: (node, gradient) => {
    const { scan, graph } = scannedOf(node);
    const told = reshape(gradient, scan.outputsGradient.shape);
    const found = [scan.inputsGradient, scan.startGradient, ...scan.gradients];
    const total = found.reduce((sum, { size }) => sum + size, 0);
    const adjoint = loop(adjointOp, [node, told, ...node.inputs], [total], node.attrs, {
      legs: scan.backward,
      memory: [undefined, scan.outputsGradient, ...node.inputs.map(() => undefined)],
      // The scan's, which it comes after.
      own: [],
      value: scan.startGradient,
    });
    let start = 0;
    const parts = found.map((held, i) => {
      const of = i < 2 ? node.inputs[i] : graph.trained[i - 2];
      const { shape } = of as Tensor;
      const value = reshape(held, shape);
      const whole = { legs: [], memory: [undefined], own: [], value };
      const part = loop(partOp, [adjoint], shape, { start }, whole);
      start += held.size;
      return part;
    });
    return node.inputs.map((_, i) => {
      if (i < 2) return parts[i];
      const at = graph.trained.indexOf(graph.captured[i - 2] as Variable);
      return at < 0 ? undefined : parts[2 + at];
    });
  },
  reference: (inputs, node) => scanReference(drawing(node), inputs, node.shape),
});

const adjointOp = defineOp({
  name: 'scanAdjoint',
  kind: 'loop',
  vjp: noGradient,
  reference: ([, told, ...inputs], node) =>
    scanAdjointReference(drawing(node), told as never, inputs),
});

const partOp = defineOp({
  name: 'scanGradient',
  kind: 'loop',
  vjp: noGradient,
  reference: ([all], { shape, size, attrs }) => {
    const start = attrs.start as number;
    return { shape, data: (all as { data: Float64Array }).data.subarray(start, start + size) };
  },
});

/**
 * A cell of one's own over time, as a tensor of any graph: what it tells at each step, [T, B, O]. It may use whatever
 * the graph has; gradients flow to the inputs, the start and all of that. Going back, states are made again from
 * checkpoints √T steps apart. Memory: 2 T of inputs and outputs each, 2 √T states.
 *
 * ```ts
 * const own = new nn.Linear(3, 16), past = new nn.Linear(16, 16);
 * const outputs = nn.scan(input('x', [1000, 8, 3]), ops.zeros([8, 16]), (x, before) => {
 *   const state = ops.tanh(ops.add(own.call(x), past.call(before)));
 *   return { state, output: state };
 * });
 * outputs.shape // [1000, 8, 16]
 * ```
 *
 * @param inputs [T, B, I], time first
 * @param start the state before the first step, [B, S]
 * @param cell a function of graphs; what it draws is another draw in each step
 * @throws LatentGpuError `shape-mismatch` for what does not fit, `bad-input` for a cell that scans
 */
export function scan(inputs: Tensor, start: Tensor, cell: ScanOptions['cell']): Tensor {
  if (inputs.rank !== 3 || inputs.dtype !== 'f32' || start.dtype !== 'f32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `scan: needs inputs [T, B, I] and a start [B, S] of float32, not ${inputs} and ${start}`,
    );
  }
  const [steps, rows, width] = inputs.shape as [number, number, number];
  const x = variable('x', [rows, width]);
  const state = variable('state', start.shape);
  const found = cell(x, state);
  const captured = capturedBy([found.state, found.output], { x, state });
  const read: readonly Tensor[] = [inputs, start, ...captured];
  const places = read.map(inVariable);
  const [inMemory, startInMemory, ...held] = places as [Variable, Variable, ...Variable[]];
  const inPlaceOf = new Map(
    captured.map((tensor, i): [Tensor, Tensor] => [tensor, held[i] as Variable]),
  );
  const [made, output] = substituted([found.state, found.output], inPlaceOf) as [Tensor, Tensor];
  const drawn = drawnAfter(x, [made, output]);
  const trained = held.filter((own) => own.dtype === 'f32' && !isHalf(own));
  const own = new Scan({
    inputs: inMemory,
    start: startInMemory,
    cell: (now, before) => {
      const given = new Map<Tensor, Tensor>([
        [x, now],
        [state, before],
        ...drawn.map((each) => [each, drawnAgain(each)] as const),
      ]);
      const [next, told] = substituted([made, output], given) as [Tensor, Tensor];
      return { state: next, output: told };
    },
    parameters: trained,
  });
  const moment = variable('moment', [], { dtype: 'u32' });
  const timed = new Map(drawn.map((each) => [each, renewed(each, [seed, moment])]));
  const [referenceMade, referenceOutput] = substituted([made, output], timed) as [Tensor, Tensor];
  const graph = {
    ...{ x, state, moment, captured: held, trained, steps },
    ...{ made: referenceMade, output: referenceOutput },
  };
  return loop(
    scanOp,
    [inputs, start, ...captured],
    [steps, ...output.shape],
    { scanned: { scan: own, graph } },
    {
      legs: own.forward,
      memory: [inMemory, startInMemory, ...held],
      own: [...own.memory, ...places.filter((place) => !read.includes(place))],
      value: reshape(own.outputs, [steps, ...output.shape]),
    },
  );
}

/** The same draw, as a node of its own. */
const drawnAgain = ({ op, inputs, shape, dtype, attrs, name }: Tensor): Tensor =>
  new Tensor(op, inputs, shape, dtype, attrs, name);

/** Where a tensor lies before the first step: a variable where it is, all else in one of its own. */
const inVariable = (x: Tensor): Variable =>
  isVariable(x) ? x : variable(`scanned ${x.name || x.op.name}`, x.shape, { dtype: x.dtype });

/**
 * What a cell's graph reads that changes from no step to the next: variables, and the last nodes of what the graph
 * around the cell, or the cell itself, computes without them.
 */
function capturedBy(roots: readonly Tensor[], { x, state }: CellPlaces): Tensor[] {
  const order = topological(roots);
  const moves = new Set<Tensor>([x, state, ...drawnAfter(x, roots)]);
  for (const node of order) if (node.inputs.some((input) => moves.has(input))) moves.add(node);
  const read = [
    ...roots,
    ...order.filter((node) => moves.has(node)).flatMap((node) => node.inputs),
  ];
  const still = read.filter((node) => !moves.has(node)).map(seenThrough);
  return [...new Set(still)].filter((node) => !isFixed(node));
}

/** The noise that a cell draws, and does not find drawn. */
const drawnAfter = ({ id }: Tensor, roots: readonly Tensor[]): Tensor[] =>
  topological(roots).filter((node) => node.op.kind === 'noise' && node.id > id);

/** The variable that views show, which a step may look at for itself; else the tensor. */
function seenThrough(x: Tensor): Tensor {
  const base = throughViews(x);
  return isVariable(base) ? base : x;
}

/** Whether a graph of one step has it for itself: what is made of constants. */
const isFixed = (x: Tensor): boolean =>
  topological([x]).every(({ op }) => !['variable', 'noise', 'loop'].includes(op.kind));
