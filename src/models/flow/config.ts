// What a normalizing flow is, in numbers and words.
import type { MaskKind, ScaleKind } from '../../flows/index.ts';
import type { DataDescription } from '../data-description.ts';
import type { FlowFamily } from '../families.ts';
import type { NetConfig } from '../vae.ts';
import type { LayerConfig } from './layer-keys.ts';

export type TransformConfig =
  | { kind: 'affine'; scale: ScaleKind }
  | { kind: 'additive' }
  | { kind: 'spline'; bins: number; bound: number };

export type BaseConfig = { kind: 'normal' | 'diagonal' } | { kind: 'mixture'; components: number };

export type Mixing = 'none' | 'reverse' | 'random' | 'lu' | 'qr';

/** How grey levels are made continuous. */
export type Dequantization = 'none' | 'uniform' | 'variational';

/** What learns how to: couplings, shown the image. */
export interface DequantizerConfig {
  readonly depth: number;
  /** Of their nets. */
  readonly hidden: readonly number[];
}

/** Keys that do not concern the family are missing. */
export interface FlowConfig {
  readonly family: FlowFamily;
  readonly data: DataDescription;
  readonly depth?: number;
  readonly levels?: number;
  readonly net?: NetConfig;
  readonly transform?: TransformConfig;
  readonly mask?: MaskKind;
  readonly mixing?: Mixing;
  readonly kernel?: number;
  readonly norm?: 'none' | 'actnorm' | 'batchnorm';
  /** Of the family `flow`, from noise to data. */
  readonly layers?: readonly LayerConfig[];
  readonly base: BaseConfig;
  readonly dequantize: Dequantization;
  /** Of variational dequantisation. */
  readonly dequantizer?: DequantizerConfig;
  /** Margin of the logit; null: there is none. */
  readonly logit: number | null;
}
