import { LatentGpuError } from '../errors.ts';

/**
 * How an operand of a product lies in its binding; sizes and strides count floats. Element
 * (b, r, c) of the stored matrix is at `offset + b·batchStride + r·ld + c`. Not transposed, A is
 * stored [m, k] and B [k, n]; transposed, A is stored [k, m] and B [n, k].
 */
export interface MatmulOperand {
  transposed: boolean;
  ld: number;
  offset: number;
  /** 0 if all batches read the same matrix. */
  batchStride: number;
  /** Floats in the binding. */
  size: number;
  /** Whether it is stored as packed float16; only B may be, with all of the above multiples of 4. */
  isHalf?: boolean;
}

/** C[b,m,n] = Σ_k A[b,m,k] B[b,k,n]. */
export interface MatmulProblem {
  batch: number;
  m: number;
  n: number;
  k: number;
  /**
   * If given, batch b takes the terms b·k … min(kTotal, (b+1)·k) − 1 of one longer sum, and the
   * batch strides are those from chunk to chunk.
   */
  kTotal?: number;
  a: MatmulOperand;
  b: MatmulOperand;
  /** Whether the sums of A over k are wanted too. */
  sumA: boolean;
}

export interface AdapterClass {
  isSoftware: boolean;
  /** The size of every subgroup, if the device has the feature `subgroups` and only one size. */
  subgroupSize?: number;
}

/** A kernel for a product: what to specialise and how many workgroups to dispatch. */
export interface MatmulChoice {
  shader: string;
  variant: string;
  constants: Record<string, number | string>;
  hooks: Record<string, string>;
  dispatch: [number, number, number];
  /** Rows of C that one workgroup computes. */
  tileM: number;
  /** Columns of C that one workgroup computes. */
  tileN: number;
}

interface Variant {
  shader: 'matmul' | 'matmul_subgroup' | 'matmul_tiled';
  /** Rows and columns of C that one invocation computes. */
  rows: number;
  columns: number;
  /** Invocations of a workgroup along n and m. */
  groupX: number;
  groupY: number;
  /** Terms of the sum that a tile in workgroup memory holds. */
  step?: number;
}

const register = (rows: number, columns: number, groupX: number, groupY: number): Variant => ({
  shader: 'matmul',
  rows,
  columns,
  groupX,
  groupY,
});

const subgroup = (rows: number): Variant => ({
  shader: 'matmul_subgroup',
  rows,
  columns: 4,
  groupX: 4,
  groupY: 1,
});

const tiled = (tile: number, group: number, step: number): Variant => ({
  shader: 'matmul_tiled',
  rows: tile,
  columns: tile,
  groupX: group,
  groupY: group,
  step,
});

/**
 * By name. Register tiles have workgroups of four, because software adapters run four invocations
 * in step: more of them in a workgroup would only waste work at the edges.
 */
const variants: Record<string, Variant> = {
  'subgroup-4x4': subgroup(4),
  'subgroup-8x4': subgroup(8),
  'subgroup-12x4': subgroup(12),
  'subgroup-16x4': subgroup(16),
  'register-4x4': register(4, 4, 4, 1),
  'register-8x8': register(8, 8, 4, 1),
  'register-16x8': register(16, 8, 4, 1),
  'register-tall-8x4': register(8, 4, 1, 4),
  'tiled-32x32': tiled(4, 8, 16),
  'tiled-64x64': tiled(4, 16, 16),
  'tiled-128x128': tiled(8, 16, 8),
};

/** The size of subgroup that matmul_subgroup.wgsl is written for. */
const QUAD = 4;

const MAX_GROUPS = 65535;

/** The names of all variants that compute this problem on this adapter, the default first. */
export function matmulVariants(problem: MatmulProblem, adapter: AdapterClass): string[] {
  const first = defaultVariant(problem, adapter);
  const valid = Object.keys(variants).filter(
    (name) => variants[name]?.shader !== 'matmul_subgroup' || adapter.subgroupSize === QUAD,
  );
  return [first, ...valid.filter((name) => name !== first)];
}

/**
 * Picks the kernel for a product.
 *
 * @param variant one of {@link matmulVariants}; default: the one expected to be fastest
 * @throws LatentGpuError `bad-config` for a variant that is not among them, `limit-exceeded` if the
 *   product needs more workgroups than a dispatch may have
 */
export function chooseMatmul(
  problem: MatmulProblem,
  adapter: AdapterClass,
  variant: string = defaultVariant(problem, adapter),
): MatmulChoice {
  const valid = matmulVariants(problem, adapter);
  const kind = variants[variant];
  if (kind === undefined || !valid.includes(variant)) {
    throw new LatentGpuError(
      'bad-config',
      `matmul has no variant '${variant}' for this adapter; it has ${valid.join(', ')}`,
    );
  }
  const { shader, rows, columns, groupX, groupY, step } = kind;
  const { batch, m, n, k, a, b } = problem;
  const tileM = rows * groupY;
  const tileN = columns * groupX;
  const dispatch = fold(Math.ceil(m / tileM) * Math.ceil(n / tileN) * batch);
  return {
    shader,
    variant,
    constants: {
      BATCH: batch,
      M: m,
      N: n,
      K: k,
      K_TOTAL: problem.kTotal ?? 0,
      A_LD: a.ld,
      A_OFFSET: a.offset,
      A_BATCH_STRIDE: a.batchStride,
      A_SIZE: a.size,
      B_LD: b.ld,
      B_OFFSET: b.offset,
      B_BATCH_STRIDE: b.batchStride,
      B_SIZE: b.size,
      GRID_X: dispatch[0],
      SUM_A: String(problem.sumA),
      TILE_M: rows,
      TILE_N: columns,
      ...(shader === 'matmul_subgroup' ? {} : { GROUP_X: groupX, GROUP_Y: groupY }),
      ...(step === undefined ? {} : { K_STEP: step }),
    },
    hooks: {
      a_access: access('a', a, shader),
      b_access: access('b', b, shader),
      ...(b.isHalf && { b_memory: '// @import lib/matmul_b_halves' }),
    },
    dispatch,
    tileM,
    tileN,
  };
}

/** How a kernel reads an operand: as quads where its rows allow, else float by float. */
function access(name: 'a' | 'b', operand: MatmulOperand, shader: Variant['shader']): string {
  const { transposed, ld, offset, batchStride, size } = operand;
  const aligned = [ld, offset, batchStride, size].every((count) => count % 4 === 0);
  const order = transposed ? 'column' : 'row';
  const width = aligned ? 'quads' : 'floats';
  if (shader === 'matmul_tiled') {
    return `// @import lib/matmul_tiled_${name}_${width}\n// @import lib/matmul_tiled_${name}_${order}`;
  }
  // Four terms of a transposed A lie in four places: reading quads would fetch other rows as well.
  const scattered = name === 'a' && transposed;
  return `// @import lib/matmul_${name}_${order}_${scattered ? 'floats' : width}`;
}

function fold(groups: number): [number, number, number] {
  const y = Math.ceil(groups / MAX_GROUPS);
  if (y > MAX_GROUPS) {
    throw new LatentGpuError(
      'limit-exceeded',
      `matmul needs ${groups} workgroups, but a dispatch has at most ${MAX_GROUPS}²; split the batch`,
    );
  }
  return [Math.ceil(groups / y), y, 1];
}

function defaultVariant(problem: MatmulProblem, adapter: AdapterClass): string {
  return adapter.isSoftware
    ? softwareVariant(problem, adapter.subgroupSize === QUAD)
    : gpuVariant(problem);
}

/** Measured on SwiftShader: time of one workgroup's tile, relative to 4 rows. */
const subgroupCosts: [rows: number, cost: number][] = [
  [4, 1],
  [8, 1.43],
  [12, 1.55],
  [16, 2.1],
];

/** Below this many multiplications a dispatch costs more than its product: compile little. */
const SMALL = 1 << 17;
const LARGE = 1 << 26;

function softwareVariant({ batch, m, n, k }: MatmulProblem, shares: boolean): string {
  const work = batch * m * n * k;
  if (n <= 8) return 'register-tall-8x4';
  if (!shares) {
    if (work < SMALL || m <= 4) return 'register-4x4';
    return work >= LARGE ? 'register-16x8' : 'register-8x8';
  }
  const most = work < SMALL ? 8 : 16;
  let best = { rows: 4, cost: Number.POSITIVE_INFINITY };
  for (const [rows, tile] of subgroupCosts) {
    const cost = Math.ceil(m / rows) * tile;
    if (rows <= most && cost < best.cost) best = { rows, cost };
  }
  return `subgroup-${best.rows}x4`;
}

/**
 * By reasoning for a machine of about a hundred multiprocessors: a tile's speed once it fills the
 * machine (larger tiles read less from workgroup memory), and how many workgroups that takes.
 */
const gpuTiles = [
  { extent: 128, speed: 1, fills: 128 },
  { extent: 64, speed: 0.75, fills: 192 },
  { extent: 32, speed: 0.45, fills: 400 },
];

function gpuVariant({ batch, m, n }: MatmulProblem): string {
  let best = { extent: 32, cost: Number.POSITIVE_INFINITY };
  for (const { extent, speed, fills } of gpuTiles) {
    const tiles = batch * Math.ceil(m / extent) * Math.ceil(n / extent);
    // Tiles that do not fill the machine take as long as those that just do.
    const cost = (Math.max(tiles, fills) * extent * extent) / speed;
    if (cost < best.cost) best = { extent, cost };
  }
  return `tiled-${best.extent}x${best.extent}`;
}
