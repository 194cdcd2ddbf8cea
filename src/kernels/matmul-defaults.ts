// Which variant of a product is expected to be the fastest where nothing was measured: by measurement
// on a software adapter, by reasoning on GPUs.
import { gpuClass } from './gpus.ts';
import type { MatmulProblem } from './matmul-problem.ts';

type Extents = Pick<MatmulProblem, 'batch' | 'm' | 'n' | 'k'>;

/**
 * Measured on SwiftShader: time of one workgroup's tile, relative to 4 rows, for sums of at most 64
 * terms and for longer ones. Sixteen rows are more than its registers hold.
 */
const subgroupCosts: [rows: number, short: number, long: number][] = [
  [4, 1, 1],
  [8, 1.52, 1.52],
  [12, 1.96, 1.96],
  [16, 2.75, 3.04],
];
const SHORT = 64;

/** Below this many multiplications a dispatch costs more than its product: compile little. */
const SMALL = 1 << 17;
/** Below this many, so much more that only compiling counts, which takes as long as a kernel has loads. */
const TINY = 1 << 14;
/** Below this many, eight rows compile a quarter sooner and take an eighth longer: worth hundreds of steps. */
const MODEST = 1 << 21;
const LARGE = 1 << 26;

/** @param shares whether subgroups of four exchange what they have loaded */
export function softwareVariant({ batch, m, n, k }: Extents, shares: boolean): string {
  const work = batch * m * n * k;
  if (n <= (shares ? 4 : 8)) return work < TINY ? 'register-tall-4x4' : 'register-tall-8x4';
  if (!shares) {
    if (work < SMALL || m <= 4) return 'register-4x4';
    return work >= LARGE ? 'register-16x8' : 'register-8x8';
  }
  const most = work < TINY ? 4 : work < MODEST ? 8 : 16;
  let best = { rows: 4, cost: Number.POSITIVE_INFINITY };
  for (const [rows, short, long] of subgroupCosts) {
    const cost = Math.ceil(m / rows) * (k <= SHORT ? short : long);
    if (rows <= most && cost < best.cost) best = { rows, cost };
  }
  return `subgroup-${best.rows}x4`;
}

/** Workgroups by their tile's extent that one multiprocessor needs to hide what it waits for. */
const RESIDENT = { 128: 2, 64: 3, 32: 6.25 };

/** @param vendor as WebGPU names it */
export function gpuVariant({ batch, m, n }: Extents, vendor: string | undefined): string {
  const { multiprocessors, tileSpeed, hasWorkgroupMemory } = gpuClass(vendor);
  let best = { extent: 32, cost: Number.POSITIVE_INFINITY };
  for (const extent of [128, 64, 32] as const) {
    const fills = multiprocessors * RESIDENT[extent];
    const tiles = batch * Math.ceil(m / extent) * Math.ceil(n / extent);
    // Tiles that do not fill the machine take as long as those that just do.
    const cost = (Math.max(tiles, fills) * extent * extent) / tileSpeed[extent];
    if (cost < best.cost) best = { extent, cost };
  }
  if (hasWorkgroupMemory) return `tiled-${best.extent}x${best.extent}`;
  return best.extent === 32 ? 'register-wide-4x4' : 'register-wide-8x4';
}
