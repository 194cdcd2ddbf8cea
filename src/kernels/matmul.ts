// Which variant of which skeleton computes a product, and with what constants and hooks.
import { LatentGpuError } from '../errors.ts';
import { gpuVariant, softwareVariant } from './matmul-defaults.ts';
import { inQuads, OPERAND_SHADERS, operandAccess } from './matmul-operands.ts';
import type { MatmulOperand, MatmulProblem } from './matmul-problem.ts';
import { libMatmulBHalves, matmul, matmulSubgroup, matmulTiled } from './shaders.gen.ts';
import type { Constants, Hooks, Shader } from './specialize.ts';
import { extentClass, type TunedTable, tunedVariant } from './tuned.ts';
import { operandConstants } from './window.ts';

export interface AdapterClass {
  readonly isSoftware: boolean;
  /** The size of every subgroup, if the device has the feature `subgroups` and only one size, or asks for one. */
  readonly subgroupSize?: number;
  /** Whether kernels must ask for subgroups of that size, because there are others. Default: false. */
  readonly asksSubgroupSize?: boolean;
  /** Invocations that a workgroup may have. Default: 256, as on every adapter but the oldest. */
  readonly maxInvocations?: number;
  /** Turns after which the driver ends an invocation's loops. Default: none. */
  readonly loopTurns?: number;
  /** Of a GPU, as WebGPU names it: `nvidia`, `amd`. */
  readonly vendor?: string;
  /** What measurements have found; classes of kernels that are not in it get the default. */
  readonly tuned?: TunedTable;
}

const SKELETONS = { matmul, matmul_subgroup: matmulSubgroup, matmul_tiled: matmulTiled };
type MatmulShader = keyof typeof SKELETONS;

/** Invocations that a workgroup has at most. */
export const mostInvocations = ({ maxInvocations = 256 }: AdapterClass): number =>
  Math.min(256, maxInvocations);

/** A kernel for a product: what to specialise and how many workgroups to dispatch. */
export interface MatmulChoice {
  shader: Shader<MatmulShader>;
  variant: string;
  constants: Constants<MatmulShader | 'lib/matmul_window'>;
  hooks: Hooks<MatmulShader>;
  /** What the hooks import. */
  imports: readonly Shader[];
  dispatch: [number, number, number];
  /** Rows of C that one workgroup computes. */
  tileM: number;
  /** Columns of C that one workgroup computes. */
  tileN: number;
}

interface Variant {
  shader: MatmulShader;
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

/** A tile's extents must be such that every invocation stages as many quads: none is left over. */
const tiled = (
  rows: number,
  columns: number,
  groupY: number,
  groupX: number,
  step: number,
): Variant => ({ shader: 'matmul_tiled', rows, columns, groupX, groupY, step });

/**
 * By name. Register tiles have workgroups of four, because software adapters run four invocations
 * in step: more of them in a workgroup would only waste work at the edges. The wide ones are for
 * GPUs whose workgroup memory is no faster than their cache.
 */
const variants: Record<string, Variant> = {
  'subgroup-4x4': subgroup(4),
  'subgroup-8x4': subgroup(8),
  'subgroup-12x4': subgroup(12),
  'subgroup-16x4': subgroup(16),
  'register-4x4': register(4, 4, 4, 1),
  'register-8x8': register(8, 8, 4, 1),
  'register-16x8': register(16, 8, 4, 1),
  'register-tall-4x4': register(4, 4, 1, 4),
  'register-tall-8x4': register(8, 4, 1, 4),
  'register-wide-4x4': register(4, 4, 8, 8),
  'register-wide-8x4': register(8, 4, 8, 8),
  'tiled-32x32': tiled(4, 4, 8, 8, 16),
  'tiled-64x64': tiled(4, 4, 16, 16, 16),
  'tiled-128x128': tiled(8, 8, 16, 16, 8),
  // Few rows, few columns.
  'tiled-16x64': tiled(4, 4, 4, 16, 16),
  'tiled-64x16': tiled(4, 4, 16, 4, 16),
  // A product that is large one way only.
  'tiled-64x128': tiled(4, 8, 16, 16, 16),
  'tiled-128x64': tiled(8, 4, 16, 16, 16),
  // With fewer invocations that do more each.
  'tiled-64x64-few': tiled(8, 8, 8, 8, 16),
};

/** A large tile where a workgroup may not have many invocations. */
const LARGE_WITH_FEW = 'tiled-64x64-few';

/** The size of subgroup that matmul_subgroup.wgsl is written for. */
const QUAD = 4;

const MAX_GROUPS = 65535;

/** The names of all variants that compute this problem on this adapter, the chosen one first. */
export function matmulVariants(problem: MatmulProblem, adapter: AdapterClass): string[] {
  const first = chosenVariant(problem, adapter);
  return [first, ...validVariants(adapter).filter((name) => name !== first)];
}

/**
 * The names of those variants that may be the fastest, the chosen one first: barriers are ruinous on
 * a software adapter, and workgroups of four leave most of a GPU idle.
 */
export function matmulCandidates(problem: MatmulProblem, adapter: AdapterClass): string[] {
  const [first, ...others] = matmulVariants(problem, adapter) as [string, ...string[]];
  const isPlausible = (name: string) => {
    const { shader, groupX, groupY } = variants[name] as Variant;
    if (adapter.isSoftware) return shader !== 'matmul_tiled' && groupX * groupY <= QUAD;
    return shader === 'matmul_tiled' || groupX * groupY > QUAD;
  };
  return [first, ...others.filter(isPlausible)];
}

/** Products of one class are expected to have the same fastest variant. */
export function matmulClass({ batch, m, n, k, a, b, sumA }: MatmulProblem): string {
  const layout = [a, b].map(layoutOf).join('');
  const width = [a, b].map((operand) => (inQuads(operand) ? '4' : '1')).join('');
  const half = b.isHalf ? ' of halves' : '';
  const extents = [m, k, n].map(extentClass).join('×');
  const many = batch > 1 ? ` by ${extentClass(batch)}` : '';
  return `product ${layout} ${width}${half} ${extents}${many}${sumA ? ' with sums' : ''}`;
}

const layoutOf = ({ transposed, windowed }: MatmulOperand) =>
  windowed ? 'W' : transposed ? 'T' : 'N';

function validVariants(adapter: AdapterClass): string[] {
  const most = mostInvocations(adapter);
  return Object.keys(variants).filter((name) => {
    const { shader, groupX, groupY } = variants[name] as Variant;
    if (groupX * groupY > most) return false;
    return shader !== 'matmul_subgroup' || adapter.subgroupSize === QUAD;
  });
}

/**
 * Picks the kernel for a product.
 *
 * @param variant one of {@link matmulVariants}; default: what measurements say of the product's
 *   class, else the one expected to be fastest
 * @throws LatentGpuError `bad-config` for a variant that is not among them, `limit-exceeded` if the
 *   product needs more workgroups than a dispatch may have
 */
export function chooseMatmul(
  problem: MatmulProblem,
  adapter: AdapterClass,
  variant: string = chosenVariant(problem, adapter),
): MatmulChoice {
  const valid = validVariants(adapter);
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
    shader: SKELETONS[shader],
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
      ...windowConstantsOf(a),
      ...windowConstantsOf(b),
      GRID_X: dispatch[0],
      SUM_A: String(problem.sumA),
      TILE_M: rows,
      TILE_N: columns,
      ...(shader === 'matmul_subgroup' ? {} : { GROUP_X: groupX, GROUP_Y: groupY }),
      ...(step === undefined ? {} : { K_STEP: step }),
    },
    hooks: {
      a_access: operandAccess('a', a, shader),
      b_access: operandAccess('b', b, shader),
      ...(b.isHalf && { b_memory: libMatmulBHalves }),
    },
    imports: OPERAND_SHADERS,
    dispatch,
    tileM,
    tileN,
  };
}

const windowConstantsOf = ({ windowed }: MatmulOperand) => windowed && operandConstants(windowed);

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

function chosenVariant(problem: MatmulProblem, adapter: AdapterClass): string {
  return (
    tunedVariant(adapter.tuned, matmulClass(problem), validVariants(adapter)) ??
    defaultVariant(problem, adapter)
  );
}

function defaultVariant(problem: MatmulProblem, adapter: AdapterClass): string {
  if (adapter.isSoftware) return softwareVariant(problem, adapter.subgroupSize === QUAD);
  const variant = gpuVariant(problem, adapter.vendor);
  return validVariants(adapter).includes(variant) ? variant : LARGE_WITH_FEW;
}
