// Posteriors q(z | x): what the encoder's numbers describe. A file a kind.
import { partKeys } from '../part.ts';
import { IAF, IafPart } from './iaf.ts';
import { NORMAL, NormalPart } from './normal.ts';
import type { PosteriorPart } from './part.ts';

export { PosteriorPart } from './part.ts';

export interface PosteriorConfig {
  readonly kind: 'normal' | 'iaf';
  readonly depth?: number | undefined;
  readonly hidden?: readonly number[] | undefined;
}

export const POSTERIOR_KEYS = partKeys(
  'posterior',
  { normal: NORMAL, iaf: IAF },
  { default: 'normal', help: 'q(z | x)' },
);

export function makePosterior(config: PosteriorConfig, latent: number): PosteriorPart {
  const { kind, depth = IAF.keys.depth.default, hidden = IAF.keys.hidden.default } = config;
  return kind === 'iaf' ? new IafPart(latent, { depth, hidden }) : new NormalPart(latent);
}
