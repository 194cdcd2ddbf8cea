// What codes are made of.
import { LatentGpuError } from '../errors.ts';
import type { Schema } from '../schema/index.ts';

/** Numbers of a code, at most. */
const MOST = 65536;

export const CODE_KEYS = {
  'code.kind': {
    type: 'choice',
    choices: ['normal', 'bernoulli', 'categorical'],
    default: 'normal',
    help: 'what codes are made of: real numbers, bits, or classes',
  },
  'code.groups': {
    type: 'integer',
    min: 1,
    max: MOST,
    default: 20,
    when: { 'code.kind': ['categorical'] },
    help: 'variables of a categorical code',
  },
  'code.classes': {
    type: 'integer',
    min: 2,
    max: 4096,
    default: 10,
    when: { 'code.kind': ['categorical'] },
    help: 'values that each of them has',
  },
  latent: {
    type: 'integer',
    min: 1,
    max: MOST,
    default: 20,
    when: { 'code.kind': ['normal', 'bernoulli'] },
    help: 'size of a code: real numbers, or bits',
  },
} as const satisfies Schema;

export interface CodeConfig {
  readonly kind: 'normal' | 'bernoulli' | 'categorical';
  readonly groups?: number | undefined;
  readonly classes?: number | undefined;
}

export const NORMAL_CODE: CodeConfig = { kind: 'normal' };

/**
 * Numbers of a code, M.
 *
 * @throws LatentGpuError `bad-config`
 */
export function codeSize({ kind, groups = 1, classes = 2 }: CodeConfig, latent = 0): number {
  if (kind !== 'categorical') return latent;
  const size = groups * classes;
  if (size <= MOST) return size;
  throw new LatentGpuError(
    'bad-config',
    `code.groups × code.classes is ${size} numbers of a code; at most ${MOST} are possible`,
  );
}
