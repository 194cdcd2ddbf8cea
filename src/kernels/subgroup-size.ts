// Kernels that ask for subgroups of one size, where those of an adapter come in several.
const ENTRY = /@compute\b/;
const ASKED = /@subgroup_size\((\d+)\)/;
/** Stands before all else in a kernel that asks. */
const ENABLED = 'enable subgroup_size_control;';

/** A kernel whose subgroups all have this size. */
export function askSubgroupSize(code: string, size: number): string {
  return `${ENABLED}\n${code.replace(ENTRY, `@compute @subgroup_size(${size})`)}`;
}

/** The attribute by which a kernel asks; empty if it does not. */
export const subgroupSizeAttribute = (code: string): string => ASKED.exec(code)?.[0] ?? '';
