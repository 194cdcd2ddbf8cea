// Priors p(z). A file a kind.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Posterior } from '../../objectives/index.ts';
import type { CodeConfig } from '../codes.ts';
import { partKeys } from '../part.ts';
import { LEARNED, LearnedPrior, UNIFORM, UniformPrior } from './discrete.ts';
import { MIXTURE, MixturePrior } from './mixture.ts';
import { NORMAL, NormalPrior } from './normal.ts';
import type { PriorPart } from './part.ts';
import { REALNVP, RealNvpPrior } from './realnvp.ts';
import { VAMP, VampPrior } from './vamp.ts';

export type { MixturePrior } from './mixture.ts';
export { PriorPart } from './part.ts';

export interface PriorConfig {
  readonly kind: 'normal' | 'realnvp' | 'mixture' | 'vamp' | 'uniform' | 'learned';
  readonly components?: number | undefined;
  readonly depth?: number | undefined;
  readonly hidden?: readonly number[] | undefined;
}

const OF_DISCRETE: readonly string[] = ['uniform', 'learned'];

export const PRIOR_KEYS = partKeys(
  'prior',
  {
    normal: NORMAL,
    realnvp: REALNVP,
    mixture: MIXTURE,
    vamp: VAMP,
    uniform: UNIFORM,
    learned: LEARNED,
  },
  {
    default: (get) => ((get('code.kind') ?? 'normal') === 'normal' ? 'normal' : 'uniform'),
    help: 'p(z)',
  },
);

/** What a prior is made for. */
export interface PriorTraits {
  readonly code: CodeConfig;
  /** Numbers of a code, M. */
  readonly latent: number;
  /** Numbers of a data point, D. */
  readonly features: number;
  /** Of rotations that a flow starts from. */
  readonly seed: number;
  /** Independent normals q(z | x) for rows x [K, D], or why there are none. */
  readonly posteriorOf: ((x: Tensor) => Posterior) | string;
}

/**
 * p(z) by its settings.
 *
 * ```ts
 * const traits = { latent: 2, features: 784, seed: 0, posteriorOf: 'none is needed' };
 * makePrior({ kind: 'normal' }, { ...traits, code: { kind: 'normal' } }).isStandard // true
 * ```
 *
 * @throws LatentGpuError `bad-config` for a prior of other codes, or of other posteriors
 */
export function makePrior(config: PriorConfig, traits: PriorTraits): PriorPart {
  const { code, latent, features, seed, posteriorOf } = traits;
  const { kind, depth = REALNVP.keys.depth.default, hidden = REALNVP.keys.hidden.default } = config;
  const isDiscrete = code.kind !== 'normal';
  if (isDiscrete !== OF_DISCRETE.includes(kind)) {
    throw new LatentGpuError(
      'bad-config',
      `prior.kind is ${kind} and code.kind is ${code.kind}, which takes ${isDiscrete ? 'uniform or learned' : 'normal, realnvp, mixture or vamp'}`,
    );
  }
  switch (kind) {
    case 'realnvp':
      return new RealNvpPrior(latent, { depth, hidden }, seed);
    case 'mixture':
      return new MixturePrior(latent, config.components ?? 10);
    case 'vamp': {
      if (typeof posteriorOf === 'string') throw new LatentGpuError('bad-config', posteriorOf);
      return new VampPrior(config.components ?? 500, features, posteriorOf);
    }
    case 'uniform':
      return new UniformPrior(code, latent);
    case 'learned':
      return new LearnedPrior(code, latent);
    default:
      return new NormalPrior(latent);
  }
}
