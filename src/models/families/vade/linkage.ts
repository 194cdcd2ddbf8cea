// Graph degree linkage (Zhang, Wang, Zhao and Tang 2012): clusters that hang together in the graph of nearest rows,
// whatever their shape, found by merging those that many edges join in both directions.
import type { Neighbours } from './neighbours.ts';

/** A cluster is large that has this part of an even share of the rows: a few rows apart from all are none. */
const LARGE = 0.4;
/** What belongs to no cluster. */
export const NOWHERE = -1;

/** Edges from row i to its nearest, of weight exp(-d²/σ²), by where they start and by where they end. */
interface Edges {
  readonly weights: Float64Array;
  /** Edges that end at row i: `ending[starts[i]]` to `ending[starts[i + 1] - 1]`. */
  readonly ending: Uint32Array;
  readonly starts: Uint32Array;
}

type Merge = readonly [into: number, from: number];

/**
 * The cluster of each row, [N], from 0, the largest first; {@link NOWHERE} for rows of what is too small to be one.
 *
 * @param clusters N or fewer
 */
export function linkedClusters(neighbours: Neighbours, clusters: number): Int32Array {
  const parts = firstParts(neighbours, clusters);
  const merges = agglomerate(neighbours, parts, clusters);
  return cut(parts, merges, clusters);
}

/** Rows that are each other's nearest, or hang together by such; single rows where that leaves too few parts. */
function firstParts({ nearest, size, count }: Neighbours, least: number): Uint32Array {
  const parent = Uint32Array.from({ length: size }, (_, i) => i);
  const root = (row: number): number => {
    let at = row;
    while (parent[at] !== at) at = parent[at] as number;
    parent[row] = at;
    return at;
  };
  if (count > 0)
    for (let i = 0; i < size; i++) parent[root(i)] = root(nearest[i * count] as number);
  const names = new Map<number, number>();
  const parts = parent.map((_, i) => {
    const at = root(i);
    if (!names.has(at)) names.set(at, names.size);
    return names.get(at) as number;
  });
  return names.size >= least ? parts : parts.map((_, i) => i);
}

function edgesOf({ nearest, distances, size }: Neighbours): Edges {
  const mean = distances.reduce((a, b) => a + b, 0) / Math.max(1, distances.length);
  const starts = new Uint32Array(size + 1);
  for (const to of nearest) starts[to + 1] = (starts[to + 1] as number) + 1;
  for (let i = 0; i < size; i++) starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  const free = starts.slice();
  const ending = new Uint32Array(nearest.length);
  nearest.forEach((to, edge) => {
    ending[free[to] as number] = edge;
    free[to] = (free[to] as number) + 1;
  });
  return { weights: distances.map((d) => (mean > 0 ? Math.exp(-d / mean) : 1)), ending, starts };
}

/** All merges down to so many parts, those of the greatest affinity first. */
function agglomerate(neighbours: Neighbours, parts: Uint32Array, clusters: number): Merge[] {
  const { nearest, size, count } = neighbours;
  const { weights, ending, starts } = edgesOf(neighbours);
  const label = parts.slice();
  const members: number[][] = [];
  label.forEach((part, row) => {
    members[part] ??= [];
    members[part]?.push(row);
  });
  const total = members.length;
  let alive = members.map((_, part) => part);
  const sum = (row: Float64Array, at: number, more: number) => {
    row[at] = (row[at] as number) + more;
  };
  // Of parts a and b at [b, a]: Σ over b's rows of the edges that come from a, times those that go to it.
  const product = new Float64Array(total * total);
  const [from, to] = [new Float64Array(size), new Float64Array(size)];
  const meet = (part: number) => {
    const touched: number[] = [];
    for (const row of members[part] as number[]) {
      for (let edge = row * count; edge < (row + 1) * count; edge++) {
        const other = nearest[edge] as number;
        sum(from, other, weights[edge] as number);
        touched.push(other);
      }
      for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
        const edge = ending[at] as number;
        sum(to, Math.floor(edge / count), weights[edge] as number);
      }
    }
    for (const b of alive) product[b * total + part] = 0;
    for (const row of touched) {
      const both = (from[row] as number) * (to[row] as number);
      sum(product, (label[row] as number) * total + part, both);
      from[row] = 0;
    }
    for (const row of members[part] as number[]) {
      for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
        to[Math.floor((ending[at] as number) / count)] = 0;
      }
    }
  };
  const affinity = (a: number, b: number) =>
    (product[b * total + a] as number) / (members[a] as number[]).length ** 2 +
    (product[a * total + b] as number) / (members[b] as number[]).length ** 2;
  const partner = new Uint32Array(total);
  const height = new Float64Array(total);
  const choose = (part: number) => {
    height[part] = -1;
    for (const other of alive) {
      const found = other === part ? -1 : affinity(part, other);
      if (found <= (height[part] as number)) continue;
      height[part] = found;
      partner[part] = other;
    }
  };
  for (const part of alive) meet(part);
  for (const part of alive) choose(part);
  const merges: Merge[] = [];
  while (alive.length > clusters) {
    const into = alive.reduce((a, b) => ((height[b] as number) > (height[a] as number) ? b : a));
    const gone = partner[into] as number;
    merges.push([into, gone]);
    for (const row of members[gone] as number[]) label[row] = into;
    members[into] = (members[into] as number[]).concat(members[gone] as number[]);
    alive = alive.filter((part) => part !== gone);
    for (const a of alive) sum(product, into * total + a, product[gone * total + a] as number);
    meet(into);
    for (const part of alive) {
      if (part === into || partner[part] === into || partner[part] === gone) choose(part);
      else if (affinity(part, into) > (height[part] as number)) {
        height[part] = affinity(part, into);
        partner[part] = into;
      }
    }
  }
  return merges;
}

/** The parts as they were when for the last time so many of them were large, or at the end if they never were. */
function cut(parts: Uint32Array, merges: readonly Merge[], clusters: number): Int32Array {
  const sizes: number[] = [];
  for (const part of parts) sizes[part] = (sizes[part] ?? 0) + 1;
  const large = (LARGE * parts.length) / clusters;
  const begun = sizes.slice();
  let last = merges.length;
  merges.forEach(([into, from], at) => {
    sizes[into] = (sizes[into] as number) + (sizes[from] as number);
    sizes[from] = 0;
    if (sizes.filter((rows) => rows >= large).length >= clusters) last = at + 1;
  });
  const name = begun.map((_, part) => part);
  for (const [into, from] of merges.slice(0, last).reverse()) name[from] = name[into] as number;
  const rows = begun.map(() => 0);
  for (const part of parts) rows[name[part] as number] = (rows[name[part] as number] as number) + 1;
  const order = [...rows.keys()].sort((a, b) => (rows[b] as number) - (rows[a] as number));
  const rank = new Map(order.slice(0, clusters).map((part, at) => [part, at]));
  return Int32Array.from(parts, (part) => rank.get(name[part] as number) ?? NOWHERE);
}
