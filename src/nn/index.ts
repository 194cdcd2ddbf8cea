// Layers: what holds parameters and describes how they act.
export { type AttentionOptions, attention, MultiHeadAttention, sinusoids } from './attention.ts';
export type { Batch } from './batch.ts';
export { BatchNorm } from './batch-norm.ts';
export { GatedBlock, ResidualBlock } from './blocks.ts';
export { CausalBlock, CausalCnn, type CausalCnnOptions, CausalConv1d } from './causal.ts';
export { CausalWalk, type Held, shifted } from './causal-walk.ts';
export { ClassColumns, ConditionedMLP, classesAsOnes } from './conditioned.ts';
export {
  Conv1d,
  Conv2d,
  type Conv2dOptions,
  ConvNet,
  type ConvNetOptions,
  ConvTranspose2d,
} from './conv.ts';
export { Dropout } from './dropout.ts';
export { Embedding } from './embedding.ts';
export { constantInit, glorotUniform, normal, uniform } from './initializers.ts';
export { isLearning, type Learning, learning } from './learning.ts';
export { Linear, type LinearInit, type LinearOptions, MLP, type MlpOptions } from './linear.ts';
export { MADE, type MadeOptions } from './made.ts';
export { MadeSets, type MadeSetsOptions, type MaskedView } from './made-sets.ts';
export { MadeWalk } from './made-walk.ts';
export type { Masked, Turns } from './masked.ts';
export { Module } from './module.ts';
export { makeNorm, NORM_NAMES, type Norm, type NormKind } from './norm-kinds.ts';
export { GroupNorm, LayerNorm } from './norms.ts';
export { GatedLayer, PixelCnn, type PixelCnnOptions } from './pixel-cnn.ts';
export { PixelWalk } from './pixel-walk.ts';
export { CELL_NAMES, type Cell, delayed, GRU, LSTM, lastOf, Recurrent } from './recurrent.ts';
export { averagePool, maxPool, upsample } from './resample.ts';
export { Scan, type ScanOptions } from './scan.ts';
export { scan } from './scan-op.ts';
export { Sequential, type SequentialPart } from './sequential.ts';
