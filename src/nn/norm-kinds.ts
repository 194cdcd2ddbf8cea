// Normalisations of nets, by name.
import { BatchNorm } from './batch-norm.ts';
import { GroupNorm, LayerNorm } from './norms.ts';

export const NORM_NAMES = ['none', 'batch', 'layer', 'group'] as const;
export type NormKind = (typeof NORM_NAMES)[number];
export type Norm = BatchNorm | LayerNorm | GroupNorm;

/**
 * Of channels: `group` cuts them into eight parts, or as many of 4, 2 and 1 as divide them.
 *
 * @example nn.makeNorm('group', 16)?.call(ops.zeros([1, 8, 8, 16])).shape // [1, 8, 8, 16]
 */
export function makeNorm(kind: NormKind, channels: number): Norm | undefined {
  if (kind === 'none') return undefined;
  if (kind === 'batch') return new BatchNorm(channels);
  if (kind === 'layer') return new LayerNorm(channels);
  const parts = [8, 4, 2, 1].find((count) => channels % count === 0) as number;
  return new GroupNorm(parts, channels);
}
