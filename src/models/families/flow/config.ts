// What a normalizing flow is, in numbers and words.
import type { MaskKind, ScaleKind } from '../../../flows/index.ts';
import type { ModelConfig } from '../../family.ts';
import type { NetConfig } from '../../nets/mlp.ts';
import type { LayerConfig } from './layer-keys.ts';

export interface TransformConfig {
  readonly kind: 'affine' | 'additive' | 'spline';
  /** Of affine ones. */
  readonly scale?: ScaleKind | undefined;
  /** Of splines. */
  readonly bins?: number | undefined;
  readonly bound?: number | undefined;
}

export interface BaseConfig {
  readonly kind: 'normal' | 'diagonal' | 'mixture';
  /** Of a mixture. */
  readonly components?: number | undefined;
}

export type Mixing = 'none' | 'reverse' | 'random' | 'lu' | 'qr';

/** How grey levels are made continuous. */
export type Dequantization = 'none' | 'uniform' | 'variational';

/** What learns how to: couplings, shown the image. */
export interface DequantizerConfig {
  readonly depth?: number | undefined;
  /** Of their nets. */
  readonly hidden?: readonly number[] | undefined;
}

/** Keys that do not concern the family are missing. */
export interface FlowConfig extends ModelConfig {
  readonly depth?: number | undefined;
  readonly levels?: number | undefined;
  readonly net?: NetConfig | undefined;
  readonly transform?: TransformConfig | undefined;
  readonly mask?: MaskKind | undefined;
  readonly mixing?: Mixing | undefined;
  readonly kernel?: number | undefined;
  readonly norm?: 'none' | 'actnorm' | 'batchnorm' | undefined;
  /** Of the family `flow`, from noise to data. */
  readonly layers?: readonly LayerConfig[] | undefined;
  readonly base: BaseConfig;
  readonly dequantize: Dequantization;
  /** Of variational dequantisation. */
  readonly dequantizer?: DequantizerConfig | undefined;
  /** Margin of the logit; null: there is none. */
  readonly logit: number | null;
}
