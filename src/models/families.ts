// The table of families: a row each, and those that users define.
import { LatentGpuError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Schema } from '../schema/index.ts';
import { AE } from './families/ae.ts';
import { AR } from './families/ar/index.ts';
import { BAYES_LINEAR } from './families/bayes-linear/index.ts';
import { CLASSIFIER } from './families/classifier.ts';
import { CVAE } from './families/cvae.ts';
import { FLOWS } from './families/flow/index.ts';
import { GMM } from './families/gmm/index.ts';
import { HVAE } from './families/hvae/index.ts';
import { M2 } from './families/m2/index.ts';
import { MADE_FAMILY } from './families/made/index.ts';
import { PIXELCNN } from './families/pixelcnn/index.ts';
import { PPCA } from './families/ppca/index.ts';
import { VADE } from './families/vade/index.ts';
import { IWAE, VAE } from './families/vae/index.ts';
import type { Family } from './family.ts';

/** Those that users define. */
const OWN = new Map<string, Family>();

/** Copies of this library in one process share nothing but this: what was defined, and by which copy. */
const SHARED = Symbol.for('latentgpu.families');
const shared = globalThis as { [SHARED]?: Map<string, object> };

/**
 * Names of families that another copy of this library holds, whose models this one could not run.
 *
 * @example foreignFamilies().length // 0
 */
export function foreignFamilies(): string[] {
  const all = [...(shared[SHARED] ?? [])];
  return all.filter(([, holder]) => holder !== OWN).map(([name]) => name);
}

const BUILT = [
  VAE,
  IWAE,
  AE,
  CVAE,
  M2,
  HVAE,
  VADE,
  GMM,
  PPCA,
  AR,
  MADE_FAMILY,
  PIXELCNN,
  ...FLOWS,
  BAYES_LINEAR,
  CLASSIFIER,
];

const BUILT_IN: ReadonlyMap<string, Family> = new Map(
  BUILT.map((family) => [family.name, family as Family]),
);

/**
 * Names of all families, the built-in ones first.
 *
 * @example familyNames().includes('vae') // true
 */
export function familyNames(): string[] {
  return [...BUILT_IN.keys(), ...OWN.keys()];
}

/**
 * All families, the built-in ones first.
 *
 * @example families().some(({ name }) => name === 'gmm') // true
 */
export function families(): Family[] {
  return [...BUILT_IN.values(), ...OWN.values()];
}

/**
 * The family of a name, built in or one's own; undefined if there is none.
 *
 * @example findFamily('nobody') === undefined // true
 */
export function findFamily(name: unknown): Family | undefined {
  return BUILT_IN.get(name as string) ?? OWN.get(name as string);
}

/**
 * The family of a name, built in or one's own.
 *
 * @throws LatentGpuError `bad-config` that lists the families there are
 * @example familyOf('vae').name // "vae"
 */
export function familyOf(name: string): Family {
  const found = findFamily(name);
  if (found) return found;
  const names = familyNames();
  throw new LatentGpuError(
    'bad-config',
    `there is no family '${name}'; there are ${names.join(', ')}; did you mean '${nearest(name, names)}'?`,
  );
}

/**
 * Adds a family of one's own to the table: from then on it trains, resumes, evaluates, samples, reports
 * and exports like those that are built in, by what its models can do.
 *
 * ```ts
 * const KEYS = { latent: { type: 'integer', min: 1, default: 2, help: 'size of a code' } } as const;
 * export const MINE = defineFamily({
 *   name: 'mine', title: 'Mine', about: 'a model of my own', keys: KEYS,
 *   build: ({ latent }, data) => new MyModel(latent, data.shape),
 * });
 * ```
 *
 * @returns the family itself
 * @throws LatentGpuError `bad-config` for a name that is taken by a built-in family, or is no name
 */
export function defineFamily<const S extends Schema>(family: Family<S>): Family<S> {
  const { name } = family;
  if (BUILT_IN.has(name) || !/^[a-z][a-z0-9-]*$/.test(name)) {
    const why = BUILT_IN.has(name) ? 'is taken' : 'is no name: small letters, digits and dashes';
    throw new LatentGpuError('bad-config', `a family cannot be called '${name}', which ${why}`);
  }
  OWN.set(name, family as unknown as Family);
  shared[SHARED] ??= new Map();
  shared[SHARED].set(name, OWN);
  return family;
}
