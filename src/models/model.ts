// A model, and how an ability of it is asked for. What it cannot do, its family says once, in its own words.
import { LatentGpuError } from '../errors.ts';
import type { Module } from '../nn/index.ts';
import type { Abilities } from './abilities.ts';
import type { Learner } from './learner.ts';

/** A model: parameters, how they learn, and what it can do. */
export interface Model extends Module {
  /** Numbers of a data point, D. */
  readonly features: number;
  readonly learner: Learner;
  readonly can: Abilities;
  /** What is said of it: parts and their sizes. */
  readonly portrait?: Portrait;
}

/** A model in words, for reports and the line that a run begins with. */
export interface Portrait {
  /** `a code of 20`. */
  readonly inside: string;
  /** `→ 20`, `likelihood bernoulli`, in the line of a run. */
  readonly line?: readonly [codes: string, likelihood: string];
  /** Labels and texts. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** What stands one after the other from noise to data. */
  readonly layers?: readonly (readonly [what: string, keys: string])[];
  /** The same for programs: each with its keys. */
  readonly layerConfigs?: readonly object[];
  /** What it cannot do, a sentence each. */
  readonly notes?: readonly string[];
}

type AbilityName = Exclude<
  keyof Abilities,
  | 'lacks'
  | 'levels'
  | 'quantities'
  | 'freedom'
  | 'facts'
  | 'densityOf'
  | 'numbers'
  | 'trainingRows'
  | 'treatment'
  | 'unitRange'
>;

/**
 * An ability that is needed.
 *
 * ```ts
 * const model = buildModel(settledConfig({ family: 'vae', data: { shape: [4] }, latent: 2 }));
 * need(model, 'code', 'runs/vae').size // 2
 * ```
 *
 * @param dir what to call the model, for the message
 * @param otherwise what to say of a family that has no words of its own
 * @throws LatentGpuError `bad-input`, in the family's own words, if the model lacks it
 */
export function need<N extends AbilityName>(
  { can }: Model,
  name: N,
  dir: string,
  otherwise = `a model that has no '${name}'`,
): NonNullable<Abilities[N]> {
  const found = can[name];
  if (found) return found as NonNullable<Abilities[N]>;
  throw lack(can, name, dir, otherwise);
}

/**
 * Whether rows can be drawn from a model: by decoding codes, or place after place.
 *
 * @example isDrawn(buildModel(settledConfig({ family: 'vae', data: { shape: [4] } })).can) // true
 */
export function isDrawn({ draw, decode, ancestral }: Abilities): boolean {
  return ancestral !== undefined || (draw !== undefined && decode !== undefined);
}

/**
 * The refusal of a part of an ability, `code.draw`, in the family's own words.
 *
 * @example lack({}, 'code.draw', 'runs/mine', 'a model whose codes cannot be drawn').code // "bad-input"
 */
export function lack(can: Abilities, name: string, dir: string, otherwise: string): LatentGpuError {
  return new LatentGpuError('bad-input', `${dir} holds ${can.lacks?.[name] ?? otherwise}`);
}
