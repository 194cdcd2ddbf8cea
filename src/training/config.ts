// What a training run is: the keys of its model's family and those of all training, in one table.
import { LatentGpuError } from '../errors.ts';
import { isObject, parseJson } from '../formats/json.ts';
import {
  type DataDescription,
  type DataTraits,
  type FamilyRow,
  families,
  familyOf,
  fromFormat1,
  type ModelConfig,
  modelConfig,
  traitValues,
} from '../models/index.ts';
import {
  type ConfigOf,
  flatten,
  type Given,
  type Key,
  knownKey,
  nest,
  parseText,
  type Schema,
  settle,
  spelled,
  type Values,
} from '../schema/index.ts';
import type { Binarization } from './binarize.ts';
import { TRAINING_KEYS } from './keys.ts';

const rowOf = (family: FamilyRow | string): FamilyRow =>
  typeof family === 'string' ? familyOf(family) : family;

/** Keys that say how a gradient is followed. */
const OF_GRADIENTS = /^(optimizer|schedule)\.|^(clipNorm|ema)$/;

/**
 * Every key of a run of a family, with the defaults that suit it.
 *
 * @example runKeys('vae')['optimizer.lr']?.type // "number"
 */
export function runKeys(of: FamilyRow | string): Schema {
  const { keys, run, defaults, followsGradient } = rowOf(of);
  const all = Object.entries(TRAINING_KEYS as Schema);
  const own = followsGradient === false ? all.filter(([name]) => !OF_GRADIENTS.test(name)) : all;
  const training = own.map(([name, key]): [string, Key] => {
    const usual = defaults?.[name];
    const when = followsGradient && OF_GRADIENTS.test(name) && { ...followsGradient, ...key.when };
    return [
      name,
      { ...key, ...(usual !== undefined && { default: usual }), ...(when && { when }) },
    ];
  });
  return { ...keys, ...run, ...Object.fromEntries(training) };
}

/**
 * Keys that may change when a run is continued: its length and its reports, and what helps a run
 * that went astray. All others would make it another run.
 */
export const FREE_KEYS: readonly string[] = [
  'optimizer.lr',
  'clipNorm',
  'steps',
  'epochs',
  'evaluate.every',
  'evaluate.limit',
  'evaluate.samples',
  'patience',
  'checkpointEvery',
];

/** Settled keys of training; those of models with a decoder's likelihood may be missing. */
export type TrainingConfig = ConfigOf<typeof TRAINING_KEYS> & {
  readonly outputBias?: 'init' | 'data';
  readonly binarize?: Binarization | 'auto';
  readonly evaluate: { readonly samples?: number };
  readonly optimizer: {
    readonly scheme?: 'joint' | 'alternating';
    readonly eSteps?: number;
    readonly mSteps?: number;
  };
};

/** What was asked for, weakest source first. */
export type Sources = readonly ReadonlyMap<string, Given>[];

/** Refuses a key that the family does not have, and says whose it is if another has it. */
function checkOwn(family: FamilyRow, schema: Schema, name: string, source: string): void {
  if (Object.hasOwn(schema, spelled(schema, name))) return;
  const others = families()
    .filter((other) => {
      const theirs = runKeys(other);
      return Object.hasOwn(theirs, spelled(theirs, name));
    })
    .map((other) => other.name);
  if (others.length > 0) {
    throw new LatentGpuError(
      'bad-config',
      `${source}: ${name} has no effect here; it goes with family ${others.join(' or ')}, and family is ${family.name}`,
    );
  }
  knownKey(schema, name, source);
}

/**
 * `key=value` texts as `Given` values.
 *
 * @throws LatentGpuError `bad-config`
 * @example assignments('vae', ['latent=7']).get('latent')?.value // 7
 */
export function assignments(
  of: FamilyRow | string,
  texts: readonly string[],
  source = '--set',
): Map<string, Given> {
  const family = rowOf(of);
  const schema = runKeys(family);
  const given = new Map<string, Given>();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) {
      throw new LatentGpuError(
        'bad-config',
        `${source}: '${text}' is not key=value, as in ${source} latent=7`,
      );
    }
    const name = text.slice(0, at).trim();
    checkOwn(family, schema, name, source);
    given.set(spelled(schema, name), {
      value: parseText(knownKey(schema, name, source), text.slice(at + 1)),
      source,
    });
  }
  return given;
}

/**
 * The values in the text of a JSON file.
 *
 * @throws LatentGpuError `bad-format`, `bad-config`
 * @example fileValues('vae', '{ "latent": 7 }', 'mine.json').get('latent')?.value // 7
 */
export function fileValues(
  family: FamilyRow | string,
  text: string,
  name: string,
): Map<string, Given> {
  return keyValues(family, parseJson(text, name), name);
}

/**
 * The values of a nested object of a run's keys, of the present format or of an older one.
 *
 * @throws LatentGpuError `bad-config` for a key that the family has not
 * @example keyValues('vae', { latent: 7 }, 'mine.json').get('latent')?.value // 7
 */
export function keyValues(
  of: FamilyRow | string,
  object: unknown,
  source: string,
): Map<string, Given> {
  const family = rowOf(of);
  const schema = runKeys(family);
  const present = isObject(object) ? fromFormat1(object) : object;
  if (isObject(present)) {
    for (const name of Object.keys(present)) {
      const isPart = Object.keys(schema).some((key) => key.startsWith(`${name}.`));
      if (!isPart) checkOwn(family, schema, name, source);
    }
  }
  return flatten(schema, present, source);
}

/**
 * Settles the keys that say how data are read, before anything is known of the data.
 *
 * @throws LatentGpuError `bad-config`
 * @example settleData([assignments('vae', ['holdOut=0.1'])]).holdOut // 0.1
 */
export function settleData(sources: Sources): Pick<TrainingConfig, 'holdOut' | 'standardize'> {
  const names = ['holdOut', 'standardize'] as const;
  const schema = Object.fromEntries(names.map((name) => [name, TRAINING_KEYS[name]]));
  const given = new Map(
    sources.flatMap((source) => [...source].filter(([name]) => Object.hasOwn(schema, name))),
  );
  const values = settle(schema, given);
  return {
    holdOut: values.get('holdOut') as number,
    standardize: values.get('standardize') as boolean,
  };
}

/**
 * Settles a run: defaults under each source in turn. Epochs and steps exclude each other, so either
 * displaces the other where it comes from a weaker source.
 *
 * @param data what is known of them, for defaults
 * @throws LatentGpuError `bad-config`
 * @example settleRun('vae', [assignments('vae', ['latent=7'])]).get('latent') // 7
 */
export function settleRun(of: FamilyRow | string, sources: Sources, data: DataTraits = {}): Values {
  const family = rowOf(of);
  const given = new Map<string, Given>();
  for (const source of sources) {
    const totals = ['epochs', 'steps'].filter((name) => (source.get(name)?.value ?? null) !== null);
    if (totals.length === 2) {
      const from = source.get('steps')?.source;
      throw new LatentGpuError(
        'bad-config',
        `${from}: epochs and steps are both given; the length of a run is one or the other`,
      );
    }
    if (totals[0]) given.delete(totals[0] === 'epochs' ? 'steps' : 'epochs');
    for (const [name, value] of source) given.set(name, value);
  }
  const fixed = { family: family.name, ...traitValues(data) };
  const schema = runKeys(family);
  for (const [name, { source }] of given) checkOwn(family, schema, name, source);
  const values = settle(schema, given, fixed);
  checkLikelihood(values);
  family.check?.(values);
  return values;
}

/** Standardised data are no probabilities and no grey levels. */
function checkLikelihood(values: Values): void {
  const kind = values.get('likelihood.kind');
  const binarize = values.get('binarize');
  if (!values.get('standardize') || kind === undefined) return;
  if (kind !== 'normal' && kind !== 'student-t') {
    throw new LatentGpuError(
      'bad-config',
      `likelihood.kind is ${kind}, and standardised data need a normal or student-t one; leave out one of them`,
    );
  }
  if (binarize !== 'auto' && binarize !== 'none') {
    throw new LatentGpuError(
      'bad-config',
      `binarize is ${binarize}, and standardised data are not binarised; leave out one of them`,
    );
  }
}

/**
 * The two halves of settled values.
 *
 * @example runConfig('vae', { shape: [4] }, settleRun('vae', [assignments('vae', ['batch=50'])])).training.batch // 50
 */
export function runConfig(
  of: FamilyRow | string,
  data: DataDescription,
  values: Values,
): { model: ModelConfig; training: TrainingConfig } {
  const family = rowOf(of);
  const own = [...values].filter(([name]) => !Object.hasOwn(family.keys, name));
  return {
    model: modelConfig(family.name, data, values),
    // The table has checked every one of these.
    training: nest(new Map(own)) as unknown as TrainingConfig,
  };
}
