// Random numbers on the GPU: Philox4x32-10 with counter (quad, stream, step, 0) and the run's seed as
// key, so that every number is a pure function of where it is used and when. Quads are counted line by
// line along the last axis whose extent is not 1.
// Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
import { LatentGpuError } from '../errors.ts';
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { checkShape, type Shape, sizeOf } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { libPermute, libRandom } from '../kernels/shaders.gen.ts';
import { seedWords } from '../random.ts';
import { neg } from './arithmetic.ts';
import { less } from './comparison.ts';
import { log } from './elementary.ts';
import { elementwise } from './elementwise.ts';
import { addUint, divUint, modUint, mulUint } from './integers.ts';
import { logisticFromBits } from './reference/logistic.ts';
import { permute } from './reference/permute.ts';
import { gumbelFromBits, normalFromBits, philox, uniformFromBits } from './reference/philox.ts';

/**
 * The step counter of a run: every plan that draws random numbers reads it. Trainers move it; a plan of one's own draws
 * the same again until it is moved, `effects: [assign(step, addUint(step, 1))]`.
 */
export const step: Variable = variable('step', [], { dtype: 'u32', init: () => [0] });
/** The seed of draws, two 32-bit words: the runtime's, until `runtime.write(ops.seed, [7, 0])` sets another. */
export const seed: Variable = variable('seed', [2], {
  dtype: 'u32',
  init: (_shape, _random, own = 0) => seedWords(own),
});

export type NoiseKind = 'normal' | 'uniform' | 'gumbel' | 'logistic';

/** Numbers in the reference's four lanes, in float64. */
const lanes: Record<NoiseKind, (bits: [number, number, number, number]) => number[]> = {
  normal: (bits) => normalFromBits(...bits),
  uniform: (bits) => bits.map(uniformFromBits),
  gumbel: (bits) => bits.map(gumbelFromBits),
  logistic: (bits) => bits.map(logisticFromBits),
};

const noiseOps = Object.fromEntries(
  (Object.keys(lanes) as NoiseKind[]).map((kind) => [
    kind,
    defineOp({
      name: kind,
      kind: 'noise',
      flops: 30,
      snippet: { fn: `${kind}4`, module: libRandom },
      reference: ([seedWords, stepWord], node) => {
        const result = ndarray(node.shape);
        const width = node.shape.findLast((extent) => extent !== 1) ?? 1;
        const quads = Math.ceil(width / 4);
        const [low, high] = (seedWords as NdArray).data as unknown as [number, number];
        const at = (stepWord as NdArray).data[0] as number;
        const stream = node.attrs.stream as number;
        for (let row = 0; row < sizeOf(node.shape) / width; row++) {
          for (let quad = 0; quad < quads; quad++) {
            const bits = philox([row * quads + quad, stream, at, 0], [low, high]);
            const values = lanes[kind](bits);
            for (let lane = 0; lane < 4 && quad * 4 + lane < width; lane++) {
              result.data[row * width + quad * 4 + lane] = values[lane] as number;
            }
          }
        }
        return result;
      },
    }),
  ]),
) as Record<NoiseKind, ReturnType<typeof defineOp>>;

export interface NoiseOptions {
  /**
   * Which independent sequence to draw from. By default each noise tensor of a plan has its own,
   * numbered in the order in which the graph uses them, from the same one on in every plan: two plans that draw at
   * one {@link step} draw the same numbers. A number below 1024 sets a draw apart from those.
   */
  stream?: number;
}

let unnamedStreams = 0;

function noise(kind: NoiseKind, shape: Shape, options: NoiseOptions): Tensor {
  // Two draws are two different tensors: `draw` keeps common-subexpression elimination off them.
  const attrs =
    options.stream === undefined ? { draw: unnamedStreams++ } : { stream: options.stream };
  return new Tensor(noiseOps[kind], [seed, step], checkShape(kind, shape), 'f32', attrs);
}

/**
 * Standard normal draws, new at every step.
 *
 * @example randomNormal([16, 2]).shape // [16, 2]
 */
export function randomNormal(shape: Shape, options: NoiseOptions = {}): Tensor {
  return noise('normal', shape, options);
}

/**
 * Uniform draws in the open interval (0, 1), new at every step.
 *
 * @example randomUniform([16, 2]).shape // [16, 2]
 */
export function randomUniform(shape: Shape, options: NoiseOptions = {}): Tensor {
  return noise('uniform', shape, options);
}

/**
 * Standard Gumbel draws -log E with E exponential, new at every step: the largest of logits plus
 * these is a categorical draw (Gumbel 1954). All 32 bits of a word, within [-3.13, 22.9].
 *
 * @example randomGumbel([4, 10]).shape // [4, 10]
 */
export function randomGumbel(shape: Shape, options: NoiseOptions = {}): Tensor {
  return noise('gumbel', shape, options);
}

/**
 * Standard logistic draws log(u / (1 - u)), new at every step. All 32 bits, within ±22.9.
 *
 * @example randomLogistic([4, 10]).shape // [4, 10]
 */
export function randomLogistic(shape: Shape, options: NoiseOptions = {}): Tensor {
  return noise('logistic', shape, options);
}

/**
 * Gumbel draws of {@link randomUniform}'s 23 bits, within [-2.82, 16.7]: those of version 0.1.0, kept
 * where a seed's samples would change. What is new takes {@link randomGumbel}.
 *
 * @example uniformGumbel([4, 10]).shape // [4, 10]
 */
export function uniformGumbel(shape: Shape): Tensor {
  return neg(log(neg(log(randomUniform(shape)))));
}

/**
 * 0/1 draws with the given probabilities; no gradient flows.
 *
 * @example randomBernoulli(full([2, 3], 0.5)).shape // [2, 3]
 */
export function randomBernoulli(probability: Tensor, options: NoiseOptions = {}): Tensor {
  return less(randomUniform(probability.shape, options), probability);
}

const iotaOp = defineOp({
  name: 'iota',
  kind: 'iota',
  reference: (_inputs, node) =>
    ndarray(
      node.shape,
      Array.from({ length: node.size }, (_, i) => i),
    ),
});

/**
 * 0, 1, …, n - 1 as unsigned integers.
 *
 * @example iota(3) // [0, 1, 2]
 */
export function iota(n: number): Tensor {
  return new Tensor(iotaOp, [], checkShape('iota', [n]), 'u32');
}

const permuteNode = elementwise({
  name: 'permute',
  fn: 'permute4',
  module: libPermute,
  dtype: 'u32',
  operands: 'u32',
  flops: 60,
  reference: (index, n, k0, k1) =>
    permute(index as number, n as number, [k0 as number, k1 as number]),
});

/**
 * `index` under a keyed bijection of 0 … n - 1. Shapes broadcast; all unsigned integers.
 *
 * @throws LatentGpuError `bad-input` for an n that is no whole number from 1 to 2³¹ - 1
 * @example permutation(iota(5), 5, [constant(1, 'u32'), constant(2, 'u32')]).shape // [5]
 */
export function permutation(index: Tensor, n: number, key: readonly [Tensor, Tensor]): Tensor {
  if (!(Number.isInteger(n) && n >= 1 && n < 2 ** 31)) {
    throw new LatentGpuError(
      'bad-input',
      `permutation: of ${n} elements; give a whole number from 1 to 2³¹ - 1`,
    );
  }
  return permuteNode(index, n, key[0], key[1]);
}

/**
 * The rows of this step's batch out of `count`, [batch]: every epoch of ⌊count / batch⌋ batches
 * is a new permutation of the rows, chosen by the step counter and the seed on the GPU.
 *
 * @example batchIndices(60_000, 100, [constant(1, 'u32'), constant(2, 'u32')]).shape // [100]
 */
export function batchIndices(
  count: number,
  batch: number,
  words: readonly [Tensor, Tensor],
): Tensor {
  const batches = Math.max(1, Math.floor(count / batch));
  const epoch = divUint(step, batches);
  const position = addUint(mulUint(modUint(step, batches), batch), iota(batch));
  const wrapped = batch > count ? modUint(position, count) : position;
  return permutation(wrapped, count, [addUint(words[0], mulUint(epoch, 0x9e3779b9)), words[1]]);
}

/**
 * The rows of step `at` as {@link batchIndices} picks them on the GPU, on the host: [batch].
 *
 * @example batchRows(60_000, 100, [1, 2], 0).length // 100
 */
export function batchRows(
  count: number,
  batch: number,
  words: readonly [number, number],
  at: number,
): Uint32Array {
  const batches = Math.max(1, Math.floor(count / batch));
  const epoch = Math.floor(at / batches);
  const first = (at % batches) * batch;
  const key = [(words[0] + Math.imul(epoch, 0x9e3779b9)) >>> 0, words[1]] as const;
  return Uint32Array.from({ length: batch }, (_, i) => permute((first + i) % count, count, key));
}
