// Nodes of a program that nothing of it reads: graphs hold what they were described with, products transposed too.
import type {
  ProgramJson,
  ProgramNode,
  ProgramPart,
  Streams,
} from '../../sampler/program/format.ts';

type Nodes = Pick<ProgramJson, 'nodes' | 'parts' | 'streams'>;

/** The same program with nodes that its parts need, and inputs, which are fed by name. */
export function pruned({ nodes, parts, streams }: Nodes): Nodes {
  const all = Object.values(parts) as ProgramPart[];
  const drawn = (Object.values(streams) as Streams[]).flat().map(([node]) => node);
  const waiting = [...all.flatMap(({ legs, out }) => [...legs.flat(), out]), ...drawn];
  const inputs = nodes.flatMap(([op], place) => (op === 'in' ? [place] : []));
  const needed = new Set(inputs);
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (needed.has(place)) continue;
    needed.add(place);
    waiting.push(...(nodes[place] as ProgramNode)[1]);
  }
  const kept = nodes.flatMap((_, place) => (needed.has(place) ? [place] : []));
  const places = new Map(kept.map((place, at) => [place, at]));
  const at = (place: number) => places.get(place) as number;
  const moved = <T extends object>(of: T, each: (value: NonNullable<T[keyof T]>) => unknown) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, each(value)])) as T;
  return {
    nodes: kept.map((place) => {
      const [op, operands, ...attributes] = nodes[place] as ProgramNode;
      return [op, operands.map(at), ...attributes];
    }),
    parts: moved(parts, ({ legs, order, out }) => ({
      ...{ legs: legs.map((leg) => leg.map(at)), order, out: at(out) },
    })),
    streams: moved(streams, (list) => list.map(([node, stream]) => [at(node), stream])),
  };
}
