// The operations on tensors, by family.
export {
  type Activation,
  activations,
  gelu,
  leakyRelu,
  logSigmoid,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from './activations.ts';
export * from './arithmetic.ts';
export { batchNorm, NORM_EPSILON, NORM_MOMENTUM } from './batch-norm.ts';
export { causalSolve, inOrder } from './causal-solve.ts';
export { cholesky } from './cholesky.ts';
export * from './choosing.ts';
export * from './comparison.ts';
export { constant, full, type TensorLike, zeros } from './constant.ts';
export { type ConvolutionOptions, conv2d, convTranspose2d } from './convolution.ts';
export { cumProd } from './cum-prod.ts';
export * from './densities.ts';
export { assign, scatterRows, store } from './effects.ts';
export * from './elementary.ts';
export { evaluate } from './evaluate.ts';
export { digamma, logGamma } from './gamma.ts';
export { addRows, gather } from './gather.ts';
export { gradient, vectorJacobian } from './gradient.ts';
export { gru } from './gru.ts';
export * from './integers.ts';
export { lstm } from './lstm.ts';
export { type LuFrame, luInverse, luMatrix } from './lu.ts';
export { matmul } from './matmul.ts';
export { weighedMoments, whitenedRows } from './mixture.ts';
export { logNdtr, ndtri } from './normal-tails.ts';
export { identity, oneHot } from './one-hot.ts';
export { onlyThrough } from './only-through.ts';
export { type PatchOptions, patches, windowOf } from './patches.ts';
export { permuteColumns } from './permute.ts';
export { concat, padTo, slice, split } from './pieces.ts';
export {
  batchIndices,
  batchRows,
  iota,
  type NoiseOptions,
  permutation,
  randomBernoulli,
  randomGumbel,
  randomLogistic,
  randomNormal,
  randomUniform,
  seed,
  step,
  uniformGumbel,
} from './random.ts';
export {
  type Axes,
  logMeanExp,
  logSoftmax,
  logSumExp,
  max,
  mean,
  type ReduceOptions,
  softmax,
  sum,
  variance,
} from './reduce.ts';
export { scaleGradient } from './scale-gradient.ts';
export { cumSum, logCumSumExp, type ScanOptions } from './scan.ts';
export { argSort, type SortOptions, sort, topK } from './sort.ts';
export { rationalQuadratic, type SplineForm } from './spline.ts';
export { type TriangularOptions, triangle, triangularInverse } from './triangular.ts';
export { expand, reshape, stopGradient, transpose, unsqueeze } from './views.ts';
