// What a training run is: the model's keys and those of its training, in one table.
import { LatentGpuError } from '../errors.ts';
import { type Family, MODEL_KEYS, type ModelConfig, modelConfig } from '../models/config.ts';
import {
  flatten,
  type Given,
  knownKey,
  nest,
  parseText,
  type Schema,
  settle,
  type Values,
} from '../models/schema.ts';
import {
  adam,
  adamax,
  adamW,
  constantRate,
  cosine,
  iwaeStages,
  type Optimizer,
  type Schedule,
  sgd,
  stepDecay,
  warmup,
} from '../optim/index.ts';
import { BINARIZATIONS, type Binarization } from './batches.ts';

const ADAMS = ['adam', 'adamW', 'adamax'];
const RATES: Readonly<Record<string, number>> = { sgd: 1e-2, adamax: 2e-3 };

const TRAINING_KEYS: Schema = {
  outputBias: {
    type: 'choice',
    choices: ['init', 'data'],
    default: 'init',
    help: "the decoder's last bias: as init says, or from the data's means",
  },
  batch: { type: 'integer', min: 1, max: 65536, default: 100, help: 'data points in a step' },
  steps: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    help: 'steps in all, in place of epochs',
  },
  epochs: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: (get) => (get('steps') === undefined || get('steps') === null ? 5 : null),
    help: 'passes over the data in all',
  },
  seed: {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'of initial weights, noise and shuffling',
  },
  binarize: {
    type: 'choice',
    choices: ['auto', ...BINARIZATIONS],
    default: 'auto',
    help: 'grey to 0/1; auto: resampled if Bernoulli on grey data',
  },
  'optimizer.kind': {
    type: 'choice',
    choices: [...ADAMS, 'sgd'],
    default: 'adam',
    help: 'update rule',
  },
  'optimizer.lr': {
    type: 'number',
    above: 0,
    default: (get) => RATES[String(get('optimizer.kind'))] ?? 1e-3,
    help: 'learning rate',
  },
  'optimizer.betas': {
    type: 'numbers',
    length: 2,
    min: 0,
    below: 1,
    default: [0.9, 0.999],
    when: { 'optimizer.kind': ADAMS },
    help: 'decays of the two moments',
  },
  'optimizer.eps': {
    type: 'number',
    above: 0,
    default: 1e-8,
    when: { 'optimizer.kind': ADAMS },
    help: 'added to the denominator',
  },
  'optimizer.momentum': {
    type: 'number',
    min: 0,
    below: 1,
    default: 0,
    when: { 'optimizer.kind': ['sgd'] },
    help: 'of the velocity',
  },
  'optimizer.weightDecay': {
    type: 'number',
    min: 0,
    default: (get) => (get('optimizer.kind') === 'adamW' ? 1e-2 : 0),
    help: 'decoupled in adamW, else added to the gradient',
  },
  'schedule.kind': {
    type: 'choice',
    choices: ['constant', 'step', 'cosine', 'iwae'],
    default: 'constant',
    help: 'course of the learning rate',
  },
  'schedule.warmup': {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'steps of linear rise from 0, before any kind',
  },
  'schedule.every': {
    type: 'integer',
    min: 1,
    default: 1000,
    when: { 'schedule.kind': ['step'] },
    help: 'steps from drop to drop',
  },
  'schedule.gamma': {
    type: 'number',
    above: 0,
    max: 1,
    default: 0.1,
    when: { 'schedule.kind': ['step'] },
    help: 'factor of a drop',
  },
  'schedule.steps': {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    when: { 'schedule.kind': ['cosine'] },
    help: "length of the cosine; null: the run's",
  },
  'schedule.final': {
    type: 'number',
    min: 0,
    default: 0,
    when: { 'schedule.kind': ['cosine'] },
    help: 'learning rate at its end',
  },
  clipNorm: {
    type: 'number',
    above: 0,
    nullable: true,
    default: null,
    help: 'larger gradients are scaled down to this norm',
  },
  ema: {
    type: 'number',
    above: 0,
    below: 1,
    nullable: true,
    default: null,
    help: 'decay of a moving average of the weights, which is what is kept',
  },
  holdOut: {
    type: 'number',
    min: 0,
    default: 0,
    help: 'training rows to evaluate on instead: a number or a fraction',
  },
  'evaluate.every': {
    type: 'integer',
    min: 0,
    default: 1,
    help: 'epochs between evaluations; 0: none',
  },
  'evaluate.limit': { type: 'integer', min: 1, default: 1000, help: 'rows of an evaluation' },
  'evaluate.samples': {
    type: 'integer',
    min: 0,
    default: 0,
    help: 'importance samples for a likelihood; 0: none',
  },
  patience: {
    type: 'integer',
    min: 1,
    nullable: true,
    default: null,
    help: 'evaluations without progress before stopping; keeps the best',
  },
  checkpointEvery: {
    type: 'integer',
    min: 0,
    default: 1000,
    help: 'steps between checkpoints; 0: only at the end',
  },
};

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
  readonly outputBias: 'init' | 'data';
  readonly batch: number;
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly seed: number;
  readonly binarize: Binarization | 'auto';
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
  readonly holdOut: number;
  readonly evaluate: { readonly every: number; readonly limit: number; readonly samples: number };
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
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch (cause) {
    throw new LatentGpuError('bad-format', `${name}: not JSON (${(cause as Error).message})`);
  }
  return flatten(RUN_KEYS, object, name);
}

/**
 * Settles a run: defaults under each source in turn. Epochs and steps exclude each other, so either
 * displaces the other where it comes from a weaker source.
 *
 * @throws LatentGpuError `bad-config`
 */
export function settleRun(family: Family, sources: Sources): Values {
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
  return settle(RUN_KEYS, given, { family });
}

/** The two halves of settled values. */
export function runConfig(
  family: Family,
  data: ModelConfig['data'],
  values: Values,
): { model: ModelConfig; training: TrainingConfig } {
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
): Schedule {
  const courses: Record<typeof schedule.kind, () => Schedule> = {
    constant: () => constantRate(lr),
    step: () => stepDecay(lr, schedule.every, schedule.gamma),
    cosine: () => cosine(lr, schedule.steps ?? total, schedule.final),
    // The paper's first stage has rate 1e-3.
    iwae: () => iwaeStages(stepsPerEpoch, lr / 1e-3),
  };
  const course = courses[schedule.kind]();
  return schedule.warmup > 0 ? warmup(schedule.warmup, course) : course;
}
