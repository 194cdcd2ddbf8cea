// What graphs have in common for whoever writes them down in another language: how rows are told from
// extents of a model, and which nodes make a layer.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isVariable, type Variable } from '../graph/variable.ts';

/**
 * Primes, one of which divides no extent of a model: an extent that it divides counts rows. They are near
 * each other, so that what is described in another way for many rows is so for all of them.
 */
const PRIMES = [8191, 8209, 8219, 8221, 8231, 131071, 524287];

/** Steps beyond which a graph is a loop unrolled: a pass for each of many features. */
export const MOST_NODES = 50_000;

/** Numbers of rows that cannot be mistaken for an extent of a model that has these variables. */
export function rowCounts(variables: Iterable<Tensor>, ...more: readonly number[]): number[] {
  const extents = [...more, ...[...variables].flatMap(({ shape }) => shape)];
  return PRIMES.filter((prime) => extents.every((extent) => extent % prime !== 0));
}

/** The first of {@link rowCounts}. @throws LatentGpuError `limit-exceeded` */
export function rowsFor(variables: Iterable<Tensor>, ...more: readonly number[]): number {
  const [found] = rowCounts(variables, ...more);
  if (found !== undefined) return found;
  throw new LatentGpuError('limit-exceeded', 'a model of such extents has no file of its graph');
}

/** The product that a sum adds a row of known numbers to. */
export function biasOf(node: Tensor): { product: Tensor; bias: Tensor } | undefined {
  if (node.op.name !== 'add') return undefined;
  const [a, b] = node.inputs as [Tensor, Tensor];
  const isBias = (x: Tensor) => x.rank === 1 && x.size === node.shape.at(-1);
  if (a.op.name === 'matmul' && a.rank === 2 && isBias(b)) return { product: a, bias: b };
  if (b.op.name === 'matmul' && b.rank === 2 && isBias(a)) return { product: b, bias: a };
  return undefined;
}

/** A weight that is read across, as layers keep theirs. */
export function weightOf(x: Tensor): Variable | undefined {
  const own = x.op.name === 'transpose' && x.rank === 2 ? x.inputs[0] : undefined;
  return own && isVariable(own) && own.role !== 'input' ? own : undefined;
}
