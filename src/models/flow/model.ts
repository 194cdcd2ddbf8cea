// A normalizing flow as a model of data: what is done to grey levels, layers, noise.

import { LatentGpuError } from '../../errors.ts';
import {
  type Base,
  type Bijection,
  Chain,
  DiagonalBase,
  dequantize,
  eventSize,
  Flow,
  type Lesson,
  Logit,
  MixtureBase,
  StandardBase,
} from '../../flows/index.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { Module } from '../../nn/index.ts';
import { reshape } from '../../ops/index.ts';
import type { BaseConfig, FlowConfig } from './config.ts';
import { eventShape, layersOf } from './families.ts';
import type { LayerConfig } from './layer-keys.ts';
import { bijectionOfLayers } from './layers.ts';

/** Grey levels of an image. */
export const GREY_LEVELS = 256;

function baseOf(config: BaseConfig, features: number): Base {
  if (config.kind === 'mixture') return new MixtureBase(features, config.components);
  return config.kind === 'diagonal' ? new DiagonalBase(features) : new StandardBase(features);
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

/** The density of rows x [B, D] of data. */
export class FlowModel extends Module {
  readonly config: FlowConfig;
  /** Everything but the logit. */
  readonly layers: Bijection;
  readonly base: Base;
  readonly logit: Logit | undefined;
  readonly flow: Flow;
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
  }

  override children(): [string, unknown][] {
    return [
      ['layers', this.layers],
      ['base', this.base],
    ];
  }

  /** Whether it is the density of grey levels made continuous, which has bits a dimension. */
  get isDequantized(): boolean {
    return this.config.dequantize === 'uniform';
  }

  /** Rows as events, with what a draw adds to grey levels. */
  private eventsOf(x: Tensor): Tensor {
    const seen = this.isDequantized ? dequantize(x, GREY_LEVELS) : x;
    return reshape(seen, [-1, ...this.event]);
  }

  /** log p [B] in nats; of grey levels: of one draw of the density around each. */
  logProb(x: Tensor): Tensor {
    return this.flow.logProb(this.eventsOf(x));
  }

  /** The same as training does it, with the statistics that go on. */
  learn(x: Tensor): Lesson {
    return this.flow.learn(this.eventsOf(x));
  }

  /** What is done once with the first batch. */
  start(x: Tensor): readonly Tensor[] {
    return this.flow.start(this.eventsOf(x));
  }
}
