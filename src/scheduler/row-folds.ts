// How the invocations that share a row combine what each of them has folded.
import type { AdapterClass } from './adapter.ts';

/** serial: an invocation has the row to itself. lanes: by workgroup memory. subgroup: by registers. */
export type Folds = 'serial' | 'lanes' | 'subgroup';

/** Invocations of a rows kernel: of a workgroup, and how many of them share a row. */
export interface RowInvocations {
  workgroup: number;
  lanes: number;
  /** Whether neighbouring invocations take neighbouring rows. */
  across: boolean;
  folds: Folds;
}

/** Subgroups only where their size is known, fills the workgroup, and they are asked for. */
export function chooseFolds(
  { workgroup, lanes }: Pick<RowInvocations, 'workgroup' | 'lanes'>,
  { subgroupSize, subgroupFolds = false }: AdapterClass,
): Folds {
  if (lanes === 1) return 'serial';
  const known = subgroupSize !== undefined && workgroup % subgroupSize === 0;
  return subgroupFolds && known ? 'subgroup' : 'lanes';
}

/** The library that combines, its constants, and how it is called by people. */
export function foldLibrary(
  { workgroup, lanes, across, folds }: RowInvocations,
  { subgroupSize = 1 }: AdapterClass,
): { library: string; constants: Record<string, number>; label: string } {
  const label = {
    serial: 'serial',
    lanes: `${lanes} lanes`,
    subgroup: `${lanes} lanes by subgroups`,
  };
  if (folds !== 'subgroup') {
    return { library: `lib/fold_${folds}`, constants: {}, label: label[folds] };
  }
  const step = across ? workgroup / lanes : 1;
  const library = lanes * step <= subgroupSize ? 'lib/fold_subgroup' : 'lib/fold_subgroups';
  return { library, constants: { SUBGROUP: subgroupSize, NEAR_STEP: step }, label: label[folds] };
}
