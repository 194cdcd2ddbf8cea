// Priors p(z). A file a kind.
import { partKeys } from '../part.ts';
import { NORMAL, NormalPrior } from './normal.ts';
import type { PriorPart } from './part.ts';
import { REALNVP, RealNvpPrior } from './realnvp.ts';

export { PriorPart } from './part.ts';

export interface PriorConfig {
  readonly kind: 'normal' | 'realnvp';
  readonly depth?: number | undefined;
  readonly hidden?: readonly number[] | undefined;
}

export const PRIOR_KEYS = partKeys(
  'prior',
  { normal: NORMAL, realnvp: REALNVP },
  { default: 'normal', help: 'p(z)' },
);

export function makePrior(config: PriorConfig, latent: number, seed: number): PriorPart {
  const { kind, depth = REALNVP.keys.depth.default, hidden = REALNVP.keys.hidden.default } = config;
  return kind === 'realnvp'
    ? new RealNvpPrior(latent, { depth, hidden }, seed)
    : new NormalPrior(latent);
}
