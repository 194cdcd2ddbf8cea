// An objective as it is configured: bound, estimator, weights and schedules put together.
import { LatentGpuError } from '../errors.ts';
import { type Live, live } from '../graph/live.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Batch, Module } from '../nn/index.ts';
import { mean, mul, neg } from '../ops/index.ts';
import type { AggregateWeights } from './aggregate.ts';
import { cooled, cyclicalAnnealing, linearAnnealing } from './annealing.ts';
import { type Baseline, MeanBaseline, NetworkBaseline } from './baselines.ts';
import { checkObjective, type ObjectiveTraits } from './check.ts';
import { Constraint } from './constraint.ts';
import type { Weights } from './divergence.ts';
import { elbo } from './elbo.ts';
import type { Estimate } from './estimate.ts';
import { dreg } from './estimators/dreg.ts';
import { enumerated } from './estimators/enumerated.ts';
import { gumbel, straightThrough } from './estimators/relaxed.ts';
import { score } from './estimators/score.ts';
import { stl } from './estimators/stl.ts';
import { importanceBound } from './importance.ts';
import type { ObjectiveConfig } from './keys.ts';
import type { LatentModel } from './model.ts';
import { settledObjective } from './settle.ts';

export interface ObjectiveTerms extends Estimate {
  /** Scalar to be lowered: minus the mean surrogate, whose gradient is the estimate. */
  readonly loss: Tensor;
  /** Scalar to be recorded: minus the mean bound; the same tensor as the loss where that is its value. */
  readonly value: Tensor;
}

/**
 * Owned by a model as its child `objective`; of plain settings it has neither parameters nor buffers.
 *
 * ```ts
 * const objective = new objectives.Objective({ beta: 4, anneal: 'linear' }, { features: 784 });
 * const trainer = await Trainer.create({ …, loss: (batch) => objective.lossOf(model, batch) });
 * await trainer.set(objective.live['objective.beta'], 4);
 * ```
 */
export class Objective extends Module {
  readonly config: ObjectiveConfig;
  /** Numbers that may change while a plan is replayed, by their keys. */
  readonly live: Readonly<Record<string, Live>>;
  /** Of `score` with a baseline that learns. */
  readonly baseline: (Module & Baseline) | undefined;
  readonly constraint: Constraint | undefined;

  /**
   * @param settings keys of `OBJECTIVE_KEYS` without their prefix; what is left out has its default
   * @throws LatentGpuError `bad-config` for settings that mean nothing together
   */
  constructor(settings: Partial<ObjectiveConfig>, traits: ObjectiveTraits) {
    super();
    const config = settledObjective(settings, traits);
    checkObjective(config, traits);
    this.config = config;
    const { constraint = 'none', target = 10, constraintRate } = config;
    this.baseline = baselineOf(config, traits.features);
    this.constraint =
      constraint === 'none'
        ? undefined
        : new Constraint({
            on: constraint,
            target,
            ...(constraintRate !== undefined && { rate: constraintRate }),
          });
    const { beta, temperature } = config;
    const lives: Record<string, Live> = {};
    const add = (name: string, value: number | undefined) => {
      if (value !== undefined) lives[name] = live(name, value);
    };
    // A weight of 1 that stays is none, and spares kernels a binding.
    const isPlain = beta === 1 && !this.isAnnealed && !traits.isLive;
    add('objective.beta', isPlain ? undefined : beta);
    for (const name of ['freeBits', 'totalCorrelation', 'discrepancy'] as const) {
      // Of weight 0 a term is none.
      add(`objective.${name}`, config[name] || undefined);
    }
    add('objective.temperature', temperature);
    this.live = lives;
  }

  /**
   * What a step of training does with a batch.
   *
   * @throws LatentGpuError `bad-config` for a schedule that is not told the epoch
   */
  of(model: LatentModel, batch: Batch): ObjectiveTerms {
    const weights = this.weights(batch);
    const temperature = this.temperature(batch);
    const estimate = this.estimate(model, batch, weights, temperature);
    const held = this.constraint?.applied(estimate) ?? estimate;
    const loss = neg(mean(held.surrogate));
    return {
      ...held,
      loss,
      value: held.surrogate === held.bound ? loss : neg(mean(held.bound)),
      metrics: {
        kl: mean(held.kl),
        ...held.metrics,
        ...(this.isAnnealed && weights.beta && { beta: weights.beta as Tensor }),
        ...(this.cools && temperature && { temperature }),
      },
    };
  }

  /** The same as a trainer takes it: the loss is what is recorded, the surrogate what is lowered. */
  lossOf(model: LatentModel, batch: Batch) {
    const { loss, value, metrics = {}, effects = [] } = this.of(model, batch);
    return { loss: value, ...(loss !== value && { surrogate: loss }), metrics, effects };
  }

  private estimate(
    model: LatentModel,
    batch: Batch,
    weights: Weights,
    temperature: Tensor | undefined,
  ): Estimate {
    const { bound, estimator, samples, kl = 'analytic', baseline = 'none' } = this.config;
    switch (estimator) {
      case 'reparameterized':
        return bound === 'iwae'
          ? importanceBound(model, batch, samples)
          : elbo(model, batch, { samples, kl, ...weights, ...this.together() });
      case 'stl':
        return stl(model, batch, { bound, samples, ...weights });
      case 'dreg':
        return dreg(model, batch, { samples });
      case 'score':
        return score(model, batch, {
          bound,
          samples,
          kl,
          baseline: this.baseline ?? (baseline === 'leave-one-out' ? baseline : 'none'),
          ...weights,
        });
      case 'gumbel':
        return gumbel(model, batch, { samples, temperature: temperature ?? 1, ...weights });
      case 'straight-through':
        return straightThrough(model, batch, {
          samples,
          temperature: temperature ?? 1,
          ...weights,
        });
      case 'enumerated':
        return enumerated(model, batch, weights);
    }
  }

  /** What is asked of the codes of a batch together. */
  private together(): AggregateWeights {
    const tensorOf = (name: string) => this.live[`objective.${name}`]?.tensor;
    const [gamma, lambda] = [tensorOf('totalCorrelation'), tensorOf('discrepancy')];
    return {
      ...(gamma && { totalCorrelation: gamma }),
      ...(lambda && { discrepancy: lambda }),
    };
  }

  private get isAnnealed(): boolean {
    return (this.config.anneal ?? 'none') !== 'none';
  }

  private get cools(): boolean {
    return (this.config.temperatureEpochs ?? 0) > 0;
  }

  private weights(batch: Batch): Weights {
    if (this.constraint) return { beta: this.constraint.beta };
    const { anneal = 'none', annealEpochs = 10, freeBitsBy: by = 'all' } = this.config;
    const beta = this.live['objective.beta']?.tensor;
    const least = this.live['objective.freeBits']?.tensor;
    const schedule = anneal === 'cyclical' ? cyclicalAnnealing : linearAnnealing;
    return {
      ...(beta && {
        beta: this.isAnnealed
          ? mul(beta, schedule(epochOf(batch, 'objective.anneal'), annealEpochs))
          : beta,
      }),
      ...(least && { freeBits: { least, by } }),
    };
  }

  private temperature(batch: Batch): Tensor | undefined {
    const start = this.live['objective.temperature'];
    if (!start || !this.cools) return start?.tensor;
    const { temperatureFloor = 0.5, temperatureEpochs = 1, temperature = 1 } = this.config;
    const epoch = epochOf(batch, 'objective.temperatureEpochs');
    return cooled(start.tensor, epoch, temperatureEpochs, temperatureFloor / temperature);
  }
}

function baselineOf(
  { baseline, baselineHidden }: ObjectiveConfig,
  features: number,
): (Module & Baseline) | undefined {
  if (baseline === 'mean') return new MeanBaseline();
  return baseline === 'network' ? new NetworkBaseline(features, baselineHidden) : undefined;
}

function epochOf({ epoch }: Batch, key: string): Tensor {
  if (epoch) return epoch;
  throw new LatentGpuError(
    'bad-config',
    `${key} follows the epoch, and the batch has none; give it one, a scalar`,
  );
}
