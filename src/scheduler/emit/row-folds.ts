// How the invocations that share a row combine what each of them has folded.
import {
  libFoldLanes,
  libFoldSerial,
  libFoldSubgroup,
  libFoldSubgroups,
} from '../../kernels/shaders.gen.ts';
import type { Constants, Shader } from '../../kernels/specialize.ts';
import type { AdapterClass } from '../lower/adapter.ts';

/** Invocations of a rows kernel: of a workgroup, and how many of them share a row. */
export interface RowShape {
  readonly workgroup: number;
  readonly lanes: number;
  /** Whether those that share a row exchange registers; else they meet in workgroup memory. */
  readonly subgroups: boolean;
}

/** Subgroups only where their size is known and fills the workgroup, and there is someone to join. */
export function canExchange(
  { workgroup, lanes }: Omit<RowShape, 'subgroups'>,
  { subgroupSize }: AdapterClass,
): boolean {
  return lanes > 1 && subgroupSize !== undefined && workgroup % subgroupSize === 0;
}

/** As the adapter class says where nothing has been measured. */
export function withFolds<T extends Omit<RowShape, 'subgroups'>>(
  shape: T,
  adapter: AdapterClass,
): T & RowShape {
  const { subgroupFolds = false } = adapter;
  return { ...shape, subgroups: subgroupFolds && canExchange(shape, adapter) };
}

/**
 * The library that combines, its constants, and how it is called by people.
 *
 * @param across whether neighbouring invocations take neighbouring rows
 */
export function foldLibrary(
  { workgroup, lanes, subgroups }: RowShape,
  across: boolean,
  { subgroupSize = 1 }: AdapterClass,
): {
  library: Shader;
  constants: Constants<'lib/fold_subgroups'>;
  label: string;
  /** Whether registers are exchanged. */
  exchanges: boolean;
} {
  const apart = { constants: {}, exchanges: false };
  if (lanes === 1) return { ...apart, library: libFoldSerial, label: 'serial' };
  if (!subgroups) return { ...apart, library: libFoldLanes, label: `${lanes} lanes` };
  const step = across ? workgroup / lanes : 1;
  const library = lanes * step <= subgroupSize ? libFoldSubgroup : libFoldSubgroups;
  const constants = { SUBGROUP: subgroupSize, NEAR_STEP: step };
  return { library, constants, label: `${lanes} lanes by subgroups`, exchanges: true };
}
