// How a kernel of several layers is cut into workgroups, and how long it is expected to take beside
// one kernel a product. All times are microseconds; their differences decide, so that they need be no
// better than that.
import { layers as layersShader, layersSubgroup, type Shader } from '../../kernels/shaders.gen.ts';
import type { Constants } from '../../kernels/specialize.ts';
import { type AdapterClass, workgroupsOn } from '../lower/adapter.ts';

/** Products that follow each other: rows of the first operand, and widths from it to the last. */
export interface Chain {
  readonly m: number;
  readonly widths: readonly number[];
}

export interface LayersChoice {
  readonly shader: Shader<'layers' | 'layers_subgroup'>;
  /** Rows of a workgroup. */
  readonly rows: number;
  /** Workgroups that share the columns of the last layer. */
  readonly parts: number;
  /** Quads that each strip holds: what even layers read, and what odd ones do. */
  readonly strips: readonly number[];
  readonly constants: Constants<'layers'>;
  /** Declarations for each layer. */
  readonly tiles: readonly string[];
  readonly microseconds: number;
}

/** Bytes of workgroup memory: WebGPU's default limit. */
const WORKGROUP_MEMORY = 16384;
/** Bytes of private variables, all together: the least that WGSL lets a kernel have. */
const PRIVATE_MEMORY = 8192;

const quadsOf = (width: number) => Math.ceil(width / 4);

/** Quads of a row in the strips of even and of odd layers. */
function stripQuads({ widths }: Chain): number[] {
  const strips: number[] = [];
  widths.slice(0, -1).forEach((width, l) => {
    strips[l % 2] = Math.max(strips[l % 2] ?? 0, quadsOf(width));
  });
  return strips;
}

/** Terms of the sum and columns of each product, in quads. */
function layerQuads({ widths }: Chain): { k: number; n: number }[] {
  const quads = widths.map(quadsOf);
  return quads.slice(1).map((n, l) => ({ k: quads[l] as number, n }));
}

/** The best way to compute a chain in one kernel, or undefined if its rows do not fit. */
export function chooseLayers(chain: Chain, adapter: AdapterClass): LayersChoice | undefined {
  const candidates = !adapter.isSoftware
    ? gpuCandidates(chain, adapter)
    : adapter.subgroupSize === 4
      ? subgroupCandidates(chain)
      : // Barriers cost more than dispatches: only on demand.
        [{ ...tiled(chain, 4, 4, 1), microseconds: Number.POSITIVE_INFINITY }];
  const bytes = (choice: LayersChoice) => 16 * choice.strips.reduce((a, b) => a + b, 0);
  return candidates
    .filter((choice) => {
      const most = choice.shader === layersShader ? WORKGROUP_MEMORY : PRIVATE_MEMORY;
      return bytes(choice) <= most;
    })
    .sort((a, b) => a.microseconds - b.microseconds)[0];
}

/** How long a product [m, k] · [k, n] is expected to take in a kernel of its own. */
export function productMicroseconds(
  m: number,
  k: number,
  n: number,
  adapter: AdapterClass,
): number {
  if (!adapter.isSoftware) return gpuProduct(m, k, n);
  const narrow = quadsOf(n) <= 2;
  const ways = narrow
    ? [{ tiles: Math.ceil(m / 32) * quadsOf(n), cost: TALL_COST }]
    : tileCosts.map(({ rows, cost }) => ({
        tiles: Math.ceil(m / rows) * Math.ceil(n / 16),
        cost,
      }));
  return (
    dispatchMicroseconds(adapter) +
    Math.min(
      ...ways.map(({ tiles, cost }) => Math.max(1, tiles / CORES) * quadsOf(k) * cost * TILE_TIME),
    )
  );
}

/** What a kernel costs that computes next to nothing. */
export const dispatchMicroseconds = ({ isSoftware }: AdapterClass): number => (isSoftware ? 17 : 4);

// Software adapters: measured on SwiftShader with two cores.

const CORES = 2;
/** Four rows of sixteen columns, four terms of their sums. */
const TILE_TIME = 0.3;
/** The time of a tile, relative to that. */
const tileCosts = [
  { rows: 4, cost: 1 },
  { rows: 8, cost: 1.43 },
  { rows: 12, cost: 1.55 },
  { rows: 16, cost: 2.1 },
];
/** Of four columns of 32 rows in a kernel of its own; of `rows` rows in a kernel of several layers. */
const TALL_COST = 1.6;
const narrowCost = (rows: number) => 0.5 + 0.04 * rows;

/** Rows and columns are dealt out to workgroups of one subgroup. */
function subgroupCandidates(chain: Chain): LayersChoice[] {
  const quads = stripQuads(chain);
  const layers = layerQuads(chain);
  return tileCosts.flatMap(({ rows, cost }) =>
    [1, 2].map((parts) => {
      const times = layers.map(({ k, n }, l) => {
        const own = Math.ceil(n / (l === layers.length - 1 ? parts : 1));
        return k * (n <= 2 ? own * narrowCost(rows) : Math.ceil(own / 4) * cost) * TILE_TIME;
      });
      const turns = Math.ceil((Math.ceil(chain.m / rows) * parts) / CORES);
      return {
        shader: layersSubgroup,
        rows,
        parts,
        strips: quads.map((q) => (q * rows) / 4),
        constants: {},
        tiles: layers.map(({ n }, l) => `const NARROW_${l}: bool = ${n <= 2};`),
        microseconds: 17 + turns * times.reduce((a, b) => a + b, 0),
      };
    }),
  );
}

// GPUs: by reasoning for a machine of about a hundred multiprocessors, on which small products wait
// for memory most of the time.

const MULTIPROCESSORS = 100;
/** Sixteen terms of the sums of a tiled product; four terms in a kernel of several layers. */
const TILED_STEP = 0.35;
const LAYERS_STEP = 0.1;
/** Multiplications a microsecond and multiprocessor: of tiled products; of layers, read from caches. */
const TILED_SPEED = 50_000;
const LAYERS_SPEED = 15_000;
/** Quads of weights a microsecond that come from the cache which all multiprocessors share. */
const CACHE_SPEED = 200_000;

function gpuProduct(m: number, k: number, n: number): number {
  const tiles = Math.ceil(m / 32) * Math.ceil(n / 32);
  const busy = Math.min(tiles, MULTIPROCESSORS);
  return 4 + Math.max((k / 16) * TILED_STEP, (m * k * n) / (busy * TILED_SPEED));
}

function gpuCandidates(chain: Chain, adapter: AdapterClass): LayersChoice[] {
  const last = layerQuads(chain).at(-1) as { n: number };
  const parts = [1, 2, 4, 8, 16].filter((count) => count === 1 || last.n >= 16 * count);
  return [1, 2, 4, 8, 16].flatMap((rows) =>
    parts.flatMap((count) =>
      workgroupsOn(adapter).map((workgroup) => tiled(chain, rows, workgroup, count)),
    ),
  );
}

/** Tiles of up to four rows are dealt out to the invocations of a workgroup. */
function tiled(chain: Chain, rows: number, workgroup: number, parts: number): LayersChoice {
  const tile = Math.min(rows, 4);
  const layers = layerQuads(chain);
  const groups = Math.ceil(chain.m / rows) * parts;
  const waves = Math.ceil(groups / MULTIPROCESSORS);
  const shares = layers.map(({ n }, l) => Math.ceil(n / (l === layers.length - 1 ? parts : 1)));
  const read = layers.reduce((quads, { k }, l) => quads + 4 * k * (shares[l] as number), 0);
  const times = layers.map(({ k }, l) => {
    const own = shares[l] as number;
    const slots = (rows / tile) * own;
    const turns = Math.ceil(slots / workgroup);
    return Math.max(turns * k * LAYERS_STEP, (waves * rows * own * k * 16) / LAYERS_SPEED);
  });
  return {
    shader: layersShader,
    rows,
    parts,
    strips: stripQuads(chain).map((q) => q * rows),
    constants: { WORKGROUP: workgroup },
    tiles: layers.map((_, l) => `const TILE_${l}: u32 = ${tile}u;`),
    // Of two that take equally long, the one with fewer invocations.
    microseconds:
      4 +
      Math.max(
        times.reduce((a, b) => a + b, 0),
        (groups * read) / CACHE_SPEED,
      ) +
      workgroup / 1000,
  };
}
