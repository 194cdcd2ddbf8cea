// Graph degree linkage (Zhang, Wang, Zhao and Tang 2012): clusters that hang together in the graph of nearest rows,
// whatever their shape, found by merging those that many edges join in both directions.
import { Pauses } from '../../../pauses.ts';
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
export async function linkedClusters(
  neighbours: Neighbours,
  clusters: number,
): Promise<Int32Array> {
  const parts = firstParts(neighbours, clusters);
  const left = new Agglomeration(neighbours, parts);
  const merges: Merge[] = [];
  const pauses = new Pauses();
  while (left.count > clusters) {
    merges.push(left.merge());
    await pauses.whenDue();
  }
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

/** Parts on their way to being merged, those of the greatest affinity first. */
class Agglomeration {
  private readonly neighbours: Neighbours;
  private readonly edges: Edges;
  /** The part of each row, and the rows of each part. */
  private readonly label: Uint32Array;
  private readonly members: number[][] = [];
  private readonly total: number;
  private alive: number[];
  /** Of parts a and b at [b, a]: Σ over b's rows of the edges that come from a, times those that go to it. */
  private readonly product: Float64Array;
  /** Sums of one part's edges to each row and from it; zero between two {@link meet}. */
  private readonly from: Float64Array;
  private readonly to: Float64Array;
  /** With whom a part's affinity is greatest, and how great. */
  private readonly partner: Uint32Array;
  private readonly height: Float64Array;

  constructor(neighbours: Neighbours, parts: Uint32Array) {
    this.neighbours = neighbours;
    this.edges = edgesOf(neighbours);
    this.label = parts.slice();
    parts.forEach((part, row) => {
      this.members[part] ??= [];
      this.members[part]?.push(row);
    });
    this.total = this.members.length;
    this.alive = [...this.members.keys()];
    this.product = new Float64Array(this.total ** 2);
    this.from = new Float64Array(neighbours.size);
    this.to = new Float64Array(neighbours.size);
    this.partner = new Uint32Array(this.total);
    this.height = new Float64Array(this.total);
    for (const part of this.alive) this.meet(part);
    for (const part of this.alive) this.choose(part);
  }

  get count(): number {
    return this.alive.length;
  }

  /** Merges the two parts that are nearest. */
  merge(): Merge {
    const { height, partner, members, product, total } = this;
    const into = this.alive.reduce((a, b) =>
      (height[b] as number) > (height[a] as number) ? b : a,
    );
    const gone = partner[into] as number;
    for (const row of members[gone] as number[]) this.label[row] = into;
    members[into] = (members[into] as number[]).concat(members[gone] as number[]);
    this.alive = this.alive.filter((part) => part !== gone);
    for (const a of this.alive) add(product, into * total + a, product[gone * total + a] as number);
    this.meet(into);
    for (const part of this.alive) {
      if (part === into || partner[part] === into || partner[part] === gone) this.choose(part);
      else this.consider(part, into);
    }
    return [into, gone];
  }

  /** The products of one part with all others, anew. */
  private meet(part: number): void {
    const { from, to, label, product, total } = this;
    const { nearest, count } = this.neighbours;
    const { weights, ending, starts } = this.edges;
    const rows = this.members[part] as number[];
    const touched: number[] = [];
    for (const row of rows) {
      for (let edge = row * count; edge < (row + 1) * count; edge++) {
        const other = nearest[edge] as number;
        add(from, other, weights[edge] as number);
        touched.push(other);
      }
      for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
        const edge = ending[at] as number;
        add(to, Math.floor(edge / count), weights[edge] as number);
      }
    }
    for (const b of this.alive) product[b * total + part] = 0;
    for (const row of touched) {
      const both = (from[row] as number) * (to[row] as number);
      add(product, (label[row] as number) * total + part, both);
      from[row] = 0;
    }
    for (const row of rows) {
      for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
        to[Math.floor((ending[at] as number) / count)] = 0;
      }
    }
  }

  /** The partner of a part, among all others. */
  private choose(part: number): void {
    this.height[part] = -1;
    for (const other of this.alive) if (other !== part) this.consider(part, other);
  }

  private consider(part: number, other: number): void {
    const found = this.affinity(part, other);
    if (found <= (this.height[part] as number)) return;
    this.height[part] = found;
    this.partner[part] = other;
  }

  private affinity(a: number, b: number): number {
    const { product, members, total } = this;
    return (
      (product[b * total + a] as number) / (members[a] as number[]).length ** 2 +
      (product[a * total + b] as number) / (members[b] as number[]).length ** 2
    );
  }
}

function add(sums: Float64Array, at: number, more: number): void {
  sums[at] = (sums[at] as number) + more;
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
