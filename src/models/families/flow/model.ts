// A normalizing flow as a model of data: what is done to grey levels, layers, noise.

import {
  type Density,
  LearnedMixture,
  LearnedNormal,
  StandardNormal,
} from '../../../distributions/index.ts';
import { LatentGpuError } from '../../../errors.ts';
import {
  type Bijection,
  Chain,
  dequantize,
  eventSize,
  Flow,
  type Lesson,
  Logit,
  type VariationalDequantizer,
} from '../../../flows/index.ts';
import type { Shape } from '../../../graph/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, Module } from '../../../nn/index.ts';
import { mean, neg, reshape, sub } from '../../../ops/index.ts';
import type { Abilities, GreyAbility } from '../../abilities.ts';
import { TEMPERATURE_KEYS } from '../../controls.ts';
import type { GradientLearner } from '../../learner.ts';
import type { Model } from '../../model.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { eventShape, layersOf } from './architectures.ts';
import type { BaseConfig, FlowConfig } from './config.ts';
import { dequantizerOf } from './dequantizer.ts';
import type { LayerConfig } from './layer-keys.ts';
import { bijectionOfLayers } from './layers.ts';
import { DEQUANTIZED, flowPortrait } from './portrait.ts';

/** Grey levels of an image. */
export const GREY_LEVELS = 256;

function baseOf(config: BaseConfig, features: number): Density {
  if (config.kind === 'mixture') return new LearnedMixture(features, config.components ?? 8);
  return config.kind === 'diagonal' ? new LearnedNormal(features) : new StandardNormal([features]);
}

/** Passes that one graph may hold. */
const UNROLLED = 64;

/** Training goes from data to noise in one graph. */
function checkPasses(layers: readonly LayerConfig[], features: number): void {
  const isSequential = layers.some(({ type }) => type === 'inverse-autoregressive');
  if (!isSequential || features <= UNROLLED) return;
  throw new LatentGpuError(
    'bad-config',
    `inverse autoregressive layers take a pass for each feature in training, and ${features} features are too many (at most ${UNROLLED}); train maf, which takes one`,
  );
}

/**
 * The density of rows x [B, D] of data.
 *
 * ```ts
 * const flow = { family: 'linear-lu', data: { shape: [2] }, dequantize: 'none', logit: null } as const;
 * new FlowModel({ ...flow, base: { kind: 'normal' } }).logProb(ops.zeros([3, 2])).shape // [3]
 * ```
 */
export class FlowModel extends Module implements Model {
  readonly config: FlowConfig;
  /** Everything but the logit. */
  readonly layers: Bijection;
  readonly base: Density;
  readonly logit: Logit | undefined;
  readonly flow: Flow;
  /** What learns how grey levels are made continuous. */
  readonly dequantizer: VariationalDequantizer | undefined;
  readonly features: number;
  private readonly event: Shape;

  /** @param seed of orders and rotations, which are then part of the model */
  constructor(config: FlowConfig, seed = 0) {
    super();
    this.config = config;
    this.event = eventShape(config);
    this.features = eventSize(this.event);
    const layers = layersOf(config);
    checkPasses(layers, this.features);
    this.layers = bijectionOfLayers(layers, this.event, seed);
    this.base = baseOf(config.base, this.features);
    this.logit = config.logit === null ? undefined : new Logit(this.event, config.logit);
    const whole = this.logit ? new Chain([this.layers, this.logit]) : this.layers;
    this.flow = new Flow(whole, this.base);
    this.dequantizer =
      config.dequantize === 'variational' ? dequantizerOf(config, GREY_LEVELS) : undefined;
  }

  override children(): [string, unknown][] {
    return [
      ['layers', this.layers],
      ['base', this.base],
      ...(this.dequantizer ? [['dequantizer', this.dequantizer] as [string, unknown]] : []),
    ];
  }

  /** Whether it is the density of grey levels made continuous, which has bits a dimension. */
  get isDequantized(): boolean {
    return this.config.dequantize !== 'none';
  }

  /** Rows as events, with what a draw adds to grey levels, and log q of it if that is not 0. */
  private seen(x: Tensor): { events: Tensor; logNoise?: Tensor } {
    const { dequantizer } = this;
    if (dequantizer) {
      const { value, logProb } = dequantizer.call(
        reshape(x, [-1, ...dequantizer.bijection.dataShape]),
      );
      return { events: reshape(value, [-1, ...this.event]), logNoise: logProb };
    }
    const values = this.isDequantized ? dequantize(x, GREY_LEVELS) : x;
    return { events: reshape(values, [-1, ...this.event]) };
  }

  /**
   * log p [B] in nats; of grey levels: of one draw of the density around each, less log q of the draw
   * where it is learned, so that its mean is a bound.
   */
  logProb(x: Tensor): Tensor {
    const { events, logNoise } = this.seen(x);
    const logProb = this.flow.logProb(events);
    return logNoise ? sub(logProb, logNoise) : logProb;
  }

  /** The same as training does it, with the statistics that go on. */
  learn(x: Tensor): Lesson {
    const { events, logNoise } = this.seen(x);
    const { logProb, effects } = this.flow.learn(events);
    return { logProb: logNoise ? sub(logProb, logNoise) : logProb, effects };
  }

  /** What is done once with the first batch. */
  start(x: Tensor): readonly Tensor[] {
    return this.flow.start(this.seen(x).events);
  }

  get learner(): GradientLearner {
    return {
      loss: ({ x }) => {
        const { logProb, effects } = this.learn(x);
        return { loss: neg(mean(logProb)), effects };
      },
      start: ({ x }) => this.start(x),
    };
  }

  get can(): Abilities {
    const { features, flow, layers } = this;
    const grey = this.greyLevels();
    const unitRange = this.unitRange();
    return {
      code: {
        size: features,
        noun: 'noise',
        values: 'noise',
        isStandard: true,
        mean: ({ x }) => reshape(flow.bijection.inverse(this.seen(x).events).value, [-1, features]),
      },
      decode: {
        mean: (z) =>
          reshape(flow.bijection.forward(reshape(z, [-1, ...flow.bijection.shape])).value, [
            -1,
            features,
          ]),
        numbers: features,
      },
      draw: {
        controls: TEMPERATURE_KEYS,
        codes: (noise) => this.base.draw([noise.shape[0] as number]).value,
      },
      logWeights: { exact: true, of: (batch: Batch) => this.logProb(batch.x) },
      bijection: { flow, layers },
      ...(grey && { grey }),
      ...(unitRange && { unitRange }),
      ...(this.logit && { treatment: [`logit ${this.config.logit}`] }),
      quantities: ({ x }) => [negativeLogLikelihood(this.logProb(x))],
      lacks: LACKS,
    };
  }

  private unitRange(): Abilities['unitRange'] {
    const { logit } = this;
    const { dequantize } = this.config;
    const isGrey = dequantize !== 'none';
    if (!isGrey && !logit) return undefined;
    const remedy = [...(logit ? ['logit=null'] : []), ...(isGrey ? ['dequantize=none'] : [])];
    return {
      who: logit ? 'a logit' : `dequantize=${dequantize}`,
      remedy: `set ${remedy.join(' and ')}`,
    };
  }

  private greyLevels(): GreyAbility | undefined {
    const { dequantize: dequantization } = this.config;
    if (dequantization === 'none') return undefined;
    return {
      levels: GREY_LEVELS,
      dequantization,
      how: DEQUANTIZED[dequantization],
      treatment: TREATED[dequantization],
    };
  }

  get portrait() {
    return flowPortrait(this.config);
  }
}

/** What is done to grey levels, in a line about the data. */
const TREATED = { uniform: 'dequantised', variational: 'dequantised variationally' } as const;

const LACKS = {
  impute: 'a flow, which takes no missing values; train a vae to fill in what is missing',
  'code.draw': 'a flow, whose codes have neither draws nor deviations; leave out --draw',
  'code.logStd': 'a flow, whose codes have neither draws nor deviations; leave out --std',
  'decode.draw': 'a flow, which leaves nothing to draw; leave out --draw',
  binarize: 'a flow, whose data are not binarised; leave out --binarize',
  prior: 'a flow, whose codes are noise already: it is a density itself',
  half: 'a flow, whose log-determinants want all their bits; leave out --half',
  joint: 'a flow, whose codes follow from the data: there is no posterior to sample',
  estimate: 'a flow, whose gradient is exact: there are no estimators to compare',
  refine: 'a flow, whose codes are exact: there is nothing to refit; leave out --refine',
} as const;
