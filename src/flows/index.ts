// Normalizing flows: bijections with their log-determinants, and the distributions they make.
export { ActNorm } from './act-norm.ts';
export { Autoregressive, type AutoregressiveOptions } from './autoregressive.ts';
export { BatchNorm } from './batch-norm.ts';
export {
  Bijection,
  Chain,
  type Cost,
  eventSize,
  Inverted,
  type Learned,
  type Mapped,
  type Recurrence,
  type Stage,
  type Way,
} from './bijection.ts';
export { type Certificate, certify } from './certify.ts';
export {
  type Conditioner,
  type ConditionerFactory,
  Coupling,
  type CouplingOptions,
  MASKS,
  type MaskKind,
} from './coupling.ts';
export {
  bitsPerDimension,
  type Dequantized,
  dequantize,
  VariationalDequantizer,
} from './dequantization.ts';
export { CausalConvolution, emergingConvolution } from './emerging.ts';
export { Exp } from './exp.ts';
export { Flow, type Lesson, negativeLogLikelihood, type SampleOptions } from './flow.ts';
export { LuLinear, QrLinear } from './linear.ts';
export { Logit } from './logit.ts';
export { type Matrix, whitening } from './matrices.ts';
export { halfOf, type Level, MultiScale } from './multi-scale.ts';
export { Passage, type PassageOptions } from './passage.ts';
export { Permutation, randomOrder } from './permutation.ts';
export { Reshape } from './reshape.ts';
export { type SplineOptions, spline } from './spline.ts';
export { Squeeze } from './squeeze.ts';
export {
  additive,
  affine,
  SCALES,
  type ScaleKind,
  type Transformed,
  type Transformer,
} from './transformers.ts';
