// Why a loss, or its surrogate, is not finite: the first tensor on the way to it that is not, in the user's terms.

import { loopOf } from '../graph/loop.ts';
import { formatShape, sameShape } from '../graph/shape.ts';
import { type Tensor, throughViews } from '../graph/tensor.ts';
import { numberStreams, topological, withStreams } from '../graph/traverse.ts';
import { isVariable, packedMembers, type Variable } from '../graph/variable.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Description } from './description.ts';
import type { TrainerState } from './state.ts';
import type { StepDescription } from './step.ts';

/** Tensors that are kept and read back at a time, and their bytes. */
const CHUNK = { tensors: 16, bytes: 2 ** 26 };

/** What made a number of a step not finite. */
export interface Guilty {
  /** The tensor, and how much of it. */
  readonly what: string;
  /** How to mend it, where that can be told from the tensor. */
  readonly advice?: string;
}

/** How many of the values are not finite. */
function countBad(values: ArrayLike<number>): number {
  let bad = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) bad++;
  return bad;
}

const shareOf = (bad: number, size: number) => `${bad} of ${size} value${size === 1 ? '' : 's'}`;

/** The first parameter with a value that is not finite: `encoder.0.weight [300, 784] (2 of …)`. */
export function firstBadParameter(
  flat: Variable,
  values: Float32Array | Uint32Array,
): string | undefined {
  for (const member of packedMembers(flat)) {
    const start = member.parent?.offset as number;
    const bad = countBad(values.subarray(start, start + member.size));
    if (bad > 0) return `parameter ${titleOf(member)} (${shareOf(bad, member.size)})`;
  }
  return undefined;
}

/** The first of the trained variables of a state with a value that is not finite. */
export function firstBadIn(
  { parameters, tables }: Description['trained'],
  { tensors }: TrainerState,
): string | undefined {
  const bad = firstBadParameter(parameters, tensors.get('parameters') as Float32Array);
  if (bad) return bad;
  for (const table of tables) {
    const count = countBad(tensors.get(`buffer.${table.name}`) as Float32Array);
    if (count > 0) return `table ${titleOf(table)} (${shareOf(count, table.size)})`;
  }
  return undefined;
}

/**
 * The first tensor of the step, in the order of execution, that is not finite and makes `root` so: its
 * loss, or a surrogate. The runtime stands just before the step, and its state does not change.
 *
 * @returns undefined if every tensor is finite when it is computed by itself
 */
export async function firstNonFinite(
  runtime: Runtime,
  { effects, step }: Pick<StepDescription, 'effects' | 'step'>,
  root: Tensor,
): Promise<Guilty | undefined> {
  const parameters = await runtime.read(step.parameters);
  const parameter = firstBadParameter(step.parameters, parameters);
  if (parameter) return { what: parameter };
  const order = topological([root]);
  const renewed = withStreams(order, numberStreams(topological(effects)));
  const bad = new Map<Tensor, number>();
  const most = runtime.adapter.maxBindingBytes;
  const seen = order.filter((node) => isComputed(node) && node.size * 4 <= most);
  for (const chunk of chunksOf(seen)) {
    const outputs = Object.fromEntries(
      chunk.map((node, i) => [String(i), renewed.get(node) as Tensor]),
    );
    const plan = await runtime.compile({ outputs });
    try {
      await plan.run();
      for (const [i, node] of chunk.entries()) {
        bad.set(node, countBad(await plan.read(String(i))));
      }
    } finally {
      plan.destroy();
    }
  }
  const guilty = reachedFrom(root, (node) => bad.get(node) !== 0);
  const first = seen.find((node) => guilty.has(node) && (bad.get(node) as number) > 0);
  if (!first) return undefined;
  const share = shareOf(bad.get(first) as number, first.size);
  const what = `${describe(first)} (${share})`;
  if (!(await isBeyondTable(runtime, first))) return { what };
  const rows = first.inputs[0]?.shape[0] as number;
  return {
    what: `${what}, picked by an index beyond the ${rows} rows of the table`,
    advice: `number the rows from 0 to ${rows - 1}`,
  };
}

/** Of rows that were picked from a table whose numbers are all finite only their index can be to blame. */
async function isBeyondTable(runtime: Runtime, node: Tensor): Promise<boolean> {
  if (node.op.kind !== 'gather') return false;
  const table = throughViews(node.inputs[0] as Tensor);
  // What is computed was found to be finite before; bytes always are.
  if (!isVariable(table) || table.dtype !== 'f32') return true;
  return countBad(await runtime.read(table)) === 0;
}

/** Tensors with values of their own, in float32. */
function isComputed(node: Tensor): boolean {
  const { op, dtype, shape } = node;
  if (op.kind === 'loop') return sameShape(loopOf(node).value.shape, shape);
  const kinds = ['elementwise', 'noise', 'gather', 'reduce', 'matmul', 'kernel'];
  return dtype === 'f32' && kinds.includes(op.kind);
}

function chunksOf(nodes: readonly Tensor[]): Tensor[][] {
  const chunks: Tensor[][] = [];
  let room = 0;
  for (const node of nodes) {
    const last = chunks.at(-1);
    if (last && last.length < CHUNK.tensors && node.size * 4 <= room) last.push(node);
    else {
      chunks.push([node]);
      room = CHUNK.bytes;
    }
    room -= node.size * 4;
  }
  return chunks;
}

/**
 * What the root depends on by way of suspects alone: a value that is not finite but masked, as the
 * other side of a `where`, does no harm.
 */
function reachedFrom(root: Tensor, isSuspect: (node: Tensor) => boolean): Set<Tensor> {
  const reached = new Set<Tensor>();
  const stack = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (reached.has(node) || !isSuspect(node)) continue;
    reached.add(node);
    stack.push(...node.inputs);
  }
  return reached;
}

const titleOf = (node: Tensor) =>
  `${node.name || node.op.name}${node.rank > 0 ? ` ${formatShape(node.shape)}` : ''}`;

/** `exp [100, 20] of encoder.2.bias, encoder.2.weight`: the tensor and the named ones it comes from. */
function describe(node: Tensor): string {
  if (node.name) return titleOf(node);
  const sources: string[] = [];
  const seen = new Set<Tensor>([node]);
  let front: readonly Tensor[] = node.inputs;
  // Breadth first: the nearest names tell most.
  while (front.length > 0 && sources.length < 3) {
    const next: Tensor[] = [];
    for (const x of front) {
      if (seen.has(x)) continue;
      seen.add(x);
      if (isVariable(x) && x.dtype !== 'f32') continue;
      if (x.name) sources.push(x.name);
      else next.push(...x.inputs);
    }
    front = next;
  }
  const of = sources.slice(0, 3).join(', ');
  return `${titleOf(node)}${of && ` of ${of}`}`;
}
