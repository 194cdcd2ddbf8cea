// Posteriors q(z | x): what the encoder's numbers describe. A file a kind.
import type { CodeConfig } from '../codes.ts';
import { partKeys } from '../part.ts';
import { BitsPart, ClassesPart } from './discrete.ts';
import { FREE, FreePart } from './free.ts';
import { FULL, FullPart } from './full.ts';
import { IAF, IafPart } from './iaf.ts';
import { NORMAL, NormalPart } from './normal.ts';
import type { PosteriorPart } from './part.ts';
import { STUDENT_T, StudentPart } from './student-t.ts';

export { FreePart } from './free.ts';
export { PosteriorPart } from './part.ts';

export interface PosteriorConfig {
  readonly kind: 'normal' | 'full' | 'iaf' | 'free' | 'student-t';
  readonly depth?: number | undefined;
  readonly hidden?: readonly number[] | undefined;
  readonly rows?: number | undefined;
}

export const POSTERIOR_KEYS = partKeys(
  'posterior',
  { normal: NORMAL, full: FULL, iaf: IAF, free: FREE, 'student-t': STUDENT_T },
  { default: 'normal', help: 'q(z | x)', when: { 'code.kind': ['normal'] } },
);

/**
 * q(z | x) by its settings.
 *
 * @param latent numbers of a code, M
 * @example makePosterior({ kind: 'full' }, { kind: 'normal' }, 3).width // 9
 */
export function makePosterior(
  config: PosteriorConfig,
  code: CodeConfig,
  latent: number,
): PosteriorPart {
  if (code.kind === 'bernoulli') return new BitsPart(latent);
  if (code.kind === 'categorical') return new ClassesPart(code.groups ?? 1, code.classes ?? 2);
  const { kind, depth = IAF.keys.depth.default, hidden = IAF.keys.hidden.default } = config;
  switch (kind) {
    case 'iaf':
      return new IafPart(latent, { depth, hidden });
    case 'full':
      // One number has no covariances: what describes it is the same, in the same places.
      return latent === 1 ? new NormalPart(latent) : new FullPart(latent);
    case 'student-t':
      return new StudentPart(latent);
    case 'free':
      return new FreePart(latent, config.rows ?? 0);
    default:
      return new NormalPart(latent);
  }
}
