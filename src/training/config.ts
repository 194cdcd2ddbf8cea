// What a training run is: the model's keys and those of its training, in one table.
import { LatentGpuError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { MODEL_KEYS, modelConfig } from '../models/config.ts';
import { type DataDescription, type DataTraits, traitValues } from '../models/data-description.ts';
import { type Family, isFlowFamily } from '../models/families.ts';
import {
  adam,
  adamax,
  adamW,
  constantRate,
  cosine,
  iwaeStages,
  type Optimizer,
  type RateSchedule,
  sgd,
  stepDecay,
  warmup,
} from '../optim/index.ts';
import {
  flatten,
  type Given,
  type Key,
  knownKey,
  nest,
  parseText,
  type Schema,
  settle,
  type Values,
} from '../schema/index.ts';
import type { Binarization } from './binarize.ts';
import { TRAINING_KEYS } from './keys.ts';

/** Every key of a run. */
export const RUN_KEYS: Schema = { ...MODEL_KEYS, ...TRAINING_KEYS };

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

export interface TrainingConfig {
  /** Of latent-variable models, as are `binarize` and `evaluate.samples`. */
  readonly outputBias?: 'init' | 'data';
  readonly batch: number;
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly seed: number;
  readonly binarize?: Binarization | 'auto';
  readonly optimizer: {
    readonly kind: 'adam' | 'adamW' | 'adamax' | 'sgd';
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly momentum: number;
    readonly weightDecay: number;
  };
  readonly schedule: {
    readonly kind: 'constant' | 'step' | 'cosine' | 'iwae';
    readonly warmup: number;
    readonly every: number;
    readonly gamma: number;
    readonly steps: number | null;
    readonly final: number;
  };
  readonly clipNorm: number | null;
  readonly ema: number | null;
  readonly standardize: boolean;
  readonly holdOut: number;
  readonly evaluate: { readonly every: number; readonly limit: number; readonly samples?: number };
  readonly patience: number | null;
  readonly checkpointEvery: number;
}

/** What was asked for, weakest source first. */
export type Sources = readonly ReadonlyMap<string, Given>[];

/** `key=value` texts as {@link Given} values. @throws LatentGpuError `bad-config` */
export function assignments(texts: readonly string[], source = '--set'): Map<string, Given> {
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
    given.set(name, {
      value: parseText(knownKey(RUN_KEYS, name, source), text.slice(at + 1)),
      source,
    });
  }
  return given;
}

/** The values in the text of a JSON file. @throws LatentGpuError `bad-format`, `bad-config` */
export function fileValues(text: string, name: string): Map<string, Given> {
  return flatten(RUN_KEYS, parseJson(text, name), name);
}

/**
 * Settles the keys that say how data are read, before anything is known of the data.
 *
 * @throws LatentGpuError `bad-config`
 */
export function settleData(sources: Sources): Pick<TrainingConfig, 'holdOut' | 'standardize'> {
  const names = ['holdOut', 'standardize'] as const;
  const schema = Object.fromEntries(names.map((name) => [name, TRAINING_KEYS[name] as Key]));
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
 */
export function settleRun(family: Family, sources: Sources, data: DataTraits = {}): Values {
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
  const values = settle(RUN_KEYS, given, { family, ...traitValues(data) });
  if (isFlowFamily(family)) checkFlow(values);
  else checkLikelihood(values);
  return values;
}

/** Standardised data are no probabilities and no grey levels. */
function checkLikelihood(values: Values): void {
  const kind = values.get('likelihood.kind');
  const binarize = values.get('binarize');
  if (!values.get('standardize')) return;
  if (kind !== 'normal') {
    throw new LatentGpuError(
      'bad-config',
      `likelihood.kind is ${kind}, and standardised data need a normal one; leave out one of them`,
    );
  }
  if (binarize !== 'auto' && binarize !== 'none') {
    throw new LatentGpuError(
      'bad-config',
      `binarize is ${binarize}, and standardised data are not binarised; leave out one of them`,
    );
  }
}

/** Running statistics go with the parameters of their time. */
function checkFlow(values: Values): void {
  const layers = values.get('layers') as readonly { type?: unknown }[] | undefined;
  const hasStatistics =
    values.get('norm') === 'batchnorm' || layers?.some(({ type }) => type === 'batchnorm');
  const other = ['patience', 'ema'].find((name) => (values.get(name) ?? null) !== null);
  if (hasStatistics && other) {
    throw new LatentGpuError(
      'bad-config',
      `${other} keeps other parameters than the last, and the statistics of batchnorm belong to those; take actnorm, or leave ${other} out`,
    );
  }
}

/** The two halves of settled values. */
export function runConfig<F extends Family>(
  family: F,
  data: DataDescription,
  values: Values,
): { model: ReturnType<typeof modelConfig<F>>; training: TrainingConfig } {
  const own = [...values].filter(([name]) => Object.hasOwn(TRAINING_KEYS, name));
  return {
    model: modelConfig(family, data, values),
    // The table has checked every one of these.
    training: nest(new Map(own)) as unknown as TrainingConfig,
  };
}

/** Steps of the whole run. */
export function totalSteps(
  { steps, epochs }: Pick<TrainingConfig, 'steps' | 'epochs'>,
  stepsPerEpoch: number,
): number {
  return steps ?? (epochs ?? 1) * stepsPerEpoch;
}

/** @param stepsPerEpoch and total steps give the schedules their lengths */
export function makeOptimizer(
  { optimizer, schedule }: Pick<TrainingConfig, 'optimizer' | 'schedule'>,
  stepsPerEpoch: number,
  total: number,
): Optimizer {
  const course = makeSchedule(schedule, optimizer.lr, stepsPerEpoch, total);
  const plain = schedule.kind === 'constant' && schedule.warmup === 0;
  const options = { ...optimizer, lr: plain ? optimizer.lr : course };
  const makers = { adam, adamW, adamax, sgd };
  return makers[optimizer.kind](options);
}

function makeSchedule(
  schedule: TrainingConfig['schedule'],
  lr: number,
  stepsPerEpoch: number,
  total: number,
): RateSchedule {
  const courses: Record<typeof schedule.kind, () => RateSchedule> = {
    constant: () => constantRate(lr),
    step: () => stepDecay(lr, schedule.every, schedule.gamma),
    cosine: () => cosine(lr, schedule.steps ?? total, schedule.final),
    // The paper's first stage has rate 1e-3.
    iwae: () => iwaeStages(stepsPerEpoch, lr / 1e-3),
  };
  const course = courses[schedule.kind]();
  return schedule.warmup > 0 ? warmup(schedule.warmup, course) : course;
}
