// A step with loops falls into sections: what a loop needs, its legs, what needs it. What is computed in one section
// and read in a later one, or by a loop, lies in a variable meanwhile.
import { inStreams, loopOf, streamsInLoops } from '../../graph/loop.ts';
import { substituted } from '../../graph/substitute.ts';
import { opNamed, Tensor } from '../../graph/tensor.ts';
import { numberStreams, topological, withStreams } from '../../graph/traverse.ts';
import { type Variable, variable } from '../../graph/variable.ts';

/** Roots that are planned together, and run so many times before the next section. */
export interface Section {
  readonly roots: readonly Tensor[];
  readonly times: number;
}

export interface Sections {
  /** In the order in which they run, the one with the roots asked for last; equal legs have one list of roots. */
  readonly list: readonly Section[];
  /** Memory of the step's own: of its loops, and for what goes from one section to another. */
  readonly held: readonly Variable[];
}

/** What needs no memory, or has its own. */
const isEverywhere = ({ op }: Tensor): boolean =>
  ['variable', 'constant', 'iota'].includes(op.kind);

const isLoop = ({ op }: Tensor): boolean => op.kind === 'loop';

/** Effects take place in the last section, so that all others read what was there before the step. */
export function sectionsOf(written: readonly Tensor[]): Sections {
  const before = topological(written);
  if (!before.some(isLoop)) return { list: [{ roots: written, times: 1 }], held: [] };
  // Streams are numbered by the whole step: sections number what has no number of its own from the same one on.
  const renewed = withStreams(before, numberStreams(before));
  const roots = written.map((root) => renewed.get(root) as Tensor);
  const order = topological(roots);
  const levels = levelsOf(order);
  const last = [...levels.values()].reduce((a, b) => Math.max(a, b), 0);
  const { places, carried } = placesOf(order, roots, levels, last);
  const held = new Map(
    carried.map((x) => {
      // Bytes are kept as the numbers that they are read as.
      const dtype = x.dtype === 'u8' ? 'f32' : x.dtype;
      return [x, variable(`${x.name || x.op.name} held`, x.shape, { dtype })];
    }),
  );
  const streams = streamsInLoops(before);
  const legs = new Map<readonly Tensor[], readonly Tensor[]>();
  const numbered = (effects: readonly Tensor[]) => {
    const roots = legs.get(effects) ?? inStreams(effects, streams);
    legs.set(effects, roots);
    return roots;
  };
  const list: Section[] = [];
  const known = new Map<Tensor, Tensor>();
  const assigned = (target: Variable, value: Tensor) =>
    new Tensor(opNamed('assign'), [value], target.shape, target.dtype, { target });
  for (let at = 0; at < last; at++) {
    const here = carried.filter((x) => places.get(x) === at);
    const loops = order.filter((x) => isLoop(x) && levels.get(x) === at + 1);
    const needs = loops.flatMap((node) =>
      loopOf(node).memory.flatMap((target, i) => {
        const value = node.inputs[i] as Tensor;
        return target && target !== value ? [assigned(target, value)] : [];
      }),
    );
    const effects = [...here.map((x) => assigned(held.get(x) as Variable, x)), ...needs];
    if (effects.length > 0) list.push({ roots: substituted(effects, known), times: 1 });
    for (const node of loops) {
      for (const { effects, times } of loopOf(node).legs) {
        list.push({ roots: numbered(effects), times });
      }
      known.set(node, loopOf(node).value);
    }
    for (const x of here) known.set(x, held.get(x) as Variable);
  }
  list.push({ roots: substituted(roots, known), times: 1 });
  const own = order.filter(isLoop).flatMap((node) => loopOf(node).own);
  return { list, held: [...held.values(), ...new Set(own)] };
}

/** How many loops have to run before a node, one after the other; a loop counts itself. */
function levelsOf(order: readonly Tensor[]): Map<Tensor, number> {
  const levels = new Map<Tensor, number>();
  for (const node of order) {
    const above = Math.max(0, ...node.inputs.map((x) => levels.get(x) as number));
    const runs = isLoop(node) && loopOf(node).legs.length > 0;
    levels.set(node, above + (runs ? 1 : 0));
  }
  return levels;
}

/** The section of every node: the first that reads it; and the nodes that are read in another, too. */
function placesOf(
  order: readonly Tensor[],
  roots: readonly Tensor[],
  levels: ReadonlyMap<Tensor, number>,
  last: number,
) {
  const readIn = new Map<Tensor, number[]>(roots.map((root) => [root, [last]]));
  const places = new Map<Tensor, number>();
  const carried: Tensor[] = [];
  for (const node of [...order].reverse()) {
    const readers = readIn.get(node) ?? [];
    const place = isLoop(node) ? (levels.get(node) as number) - 1 : Math.min(...readers);
    places.set(node, place);
    node.inputs.forEach((x, i) => {
      // What a loop only waits for, it does not read.
      if (isLoop(node) && !loopOf(node).memory[i]) return;
      const known = readIn.get(x);
      if (known) known.push(place);
      else readIn.set(x, [place]);
    });
    const isRead = readers.some((reader) => reader > place);
    if (isRead && !isEverywhere(node) && !isLoop(node)) carried.push(node);
  }
  return { places, carried: carried.reverse() };
}
