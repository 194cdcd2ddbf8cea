// Priors p(z). A file a kind.
import { LatentGpuError } from '../../errors.ts';
import type { CodeConfig } from '../codes.ts';
import { partKeys } from '../part.ts';
import { LEARNED, LearnedPrior, UNIFORM, UniformPrior } from './discrete.ts';
import { NORMAL, NormalPrior } from './normal.ts';
import type { PriorPart } from './part.ts';
import { REALNVP, RealNvpPrior } from './realnvp.ts';

export { PriorPart } from './part.ts';

export interface PriorConfig {
  readonly kind: 'normal' | 'realnvp' | 'uniform' | 'learned';
  readonly depth?: number | undefined;
  readonly hidden?: readonly number[] | undefined;
}

const OF_DISCRETE: readonly string[] = ['uniform', 'learned'];

export const PRIOR_KEYS = partKeys(
  'prior',
  { normal: NORMAL, realnvp: REALNVP, uniform: UNIFORM, learned: LEARNED },
  {
    default: (get) => ((get('code.kind') ?? 'normal') === 'normal' ? 'normal' : 'uniform'),
    help: 'p(z)',
  },
);

/**
 * @param latent numbers of a code, M
 * @throws LatentGpuError `bad-config` for a prior of other codes
 */
export function makePrior(
  config: PriorConfig,
  code: CodeConfig,
  latent: number,
  seed: number,
): PriorPart {
  const { kind, depth = REALNVP.keys.depth.default, hidden = REALNVP.keys.hidden.default } = config;
  const isDiscrete = code.kind !== 'normal';
  if (isDiscrete !== OF_DISCRETE.includes(kind)) {
    throw new LatentGpuError(
      'bad-config',
      `prior.kind is ${kind} and code.kind is ${code.kind}, which takes ${isDiscrete ? 'uniform or learned' : 'normal or realnvp'}`,
    );
  }
  switch (kind) {
    case 'realnvp':
      return new RealNvpPrior(latent, { depth, hidden }, seed);
    case 'uniform':
      return new UniformPrior(code, latent);
    case 'learned':
      return new LearnedPrior(code, latent);
    default:
      return new NormalPrior(latent);
  }
}
