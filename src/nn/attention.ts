// Attention: what is at some places of a sequence, by how well they match. Vaswani et al. 2017.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  add,
  concat,
  cos,
  exp,
  iota,
  lessEqual,
  matmul,
  mul,
  reshape,
  sin,
  slice,
  softmax,
  toFloat,
  transpose,
  unsqueeze,
  where,
} from '../ops/index.ts';
import { constantInit, glorotUniform, uniform } from './initializers.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** What stands in place of the scores of what is not seen. */
const UNSEEN = -1e9;

export interface AttentionOptions {
  /** 1 where a place may be seen, else 0: [T, S], or with leading axes that broadcast. */
  readonly mask?: Tensor;
  /** Whether each place sees itself and those before it alone; T = S. */
  readonly isCausal?: boolean;
}

/**
 * softmax(q kᵀ / √D) v: queries [..., T, D], keys [..., S, D] and values [..., S, E] to [..., T, E], as PyTorch's
 * `scaled_dot_product_attention`. A place that may see none sees all alike.
 *
 * ```ts
 * const [q, k, v] = [ops.zeros([2, 5, 8]), ops.zeros([2, 7, 8]), ops.zeros([2, 7, 3])];
 * nn.attention(q, k, v).shape // [2, 5, 3]
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for a causal one whose queries are not as many as its keys
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { mask, isCausal = false }: AttentionOptions = {},
): Tensor {
  const [steps, places] = [q.shape.at(-2) as number, k.shape.at(-2) as number];
  let scores = mul(matmul(q, transpose(k)), 1 / Math.sqrt(q.shape.at(-1) as number));
  if (mask) scores = where(mask, scores, UNSEEN);
  if (isCausal) {
    if (steps !== places) {
      throw new LatentGpuError(
        'shape-mismatch',
        `attention: ${steps} queries and ${places} keys; causal attention is of as many`,
      );
    }
    const at = toFloat(iota(steps));
    scores = where(lessEqual(at, unsqueeze(at, -1)), scores, UNSEEN);
  }
  return matmul(softmax(scores), v);
}

/**
 * Several attentions side by side, each of its own share of the features, of sequences [B, T, D]. Parameters are
 * named, and begin, as those of PyTorch's `MultiheadAttention`.
 *
 * ```ts
 * const layer = new nn.MultiHeadAttention(32, 4);
 * layer.call(ops.zeros([8, 12, 32]), { isCausal: true }).shape // [8, 12, 32]
 * ```
 */
export class MultiHeadAttention extends Module {
  readonly heads: number;
  /** Of queries, keys and values one below the other, [3 D, D]. */
  readonly inWeight: Variable;
  readonly inBias: Variable;
  readonly out: Linear;

  /** @throws LatentGpuError `bad-config` for features that cannot be shared among so many */
  constructor(features: number, heads: number) {
    super();
    if (!(Number.isInteger(heads) && heads >= 1 && features % heads === 0)) {
      const why = `${features} features cannot be shared among ${heads} heads`;
      throw new LatentGpuError('bad-config', `MultiHeadAttention: ${why}`);
    }
    this.heads = heads;
    const parameter = (name: string, shape: number[], init = constantInit(0)) =>
      variable(name, shape, { role: 'parameter', init });
    const drawn = glorotUniform(features, 3 * features);
    this.inWeight = parameter('in_proj_weight', [3 * features, features], drawn);
    this.inBias = parameter('in_proj_bias', [3 * features]);
    this.out = new Linear(features, features, {
      init: { weight: uniform(1 / Math.sqrt(features)), bias: constantInit(0) },
    });
  }

  override children(): [string, unknown][] {
    return [
      ['in_proj_weight', this.inWeight],
      ['in_proj_bias', this.inBias],
      ['out_proj', this.out],
    ];
  }

  /**
   * @param x [B, T, D], whose places ask
   * @param options of {@link attention}; `memory` [B, S, D] is what is asked, by default `x` itself
   */
  call(x: Tensor, options: AttentionOptions & { readonly memory?: Tensor } = {}): Tensor {
    const { memory = x, ...how } = options;
    const features = this.out.weight.shape[0] as number;
    const part = (of: Tensor, first: number, count: number) => {
      const [from, to] = [first * features, (first + count) * features];
      const rows = reshape(of, [-1, features]);
      const own = matmul(rows, transpose(slice(this.inWeight, 0, from, to)));
      return this.apart(add(own, slice(this.inBias, 0, from, to)), of, count);
    };
    const [q, k, v] = memory === x ? part(x, 0, 3) : [...part(x, 0, 1), ...part(memory, 1, 2)];
    const heard = attention(q as Tensor, k as Tensor, v as Tensor, how);
    return this.out.call(reshape(transpose(heard, [0, 2, 1, 3]), x.shape));
  }

  /** Rows [B · T, n · D] as n tensors [B, heads, T, D / heads]. */
  private apart(rows: Tensor, of: Tensor, count: number): Tensor[] {
    const [batch, steps, features] = of.shape as [number, number, number];
    return Array.from({ length: count }, (_, i) => {
      const own = slice(rows, 1, i * features, (i + 1) * features);
      const heads = reshape(own, [batch, steps, this.heads, features / this.heads]);
      return transpose(heads, [0, 2, 1, 3]);
    });
  }
}

/**
 * Sines and cosines of places or times t [...] at `width` / 2 rates each, from 1 down to nearly 1 / `longest`: [...,
 * width]. What a net is told of where in a sequence, or when in a diffusion, it is (Vaswani et al. 2017).
 *
 * ```ts
 * nn.sinusoids(ops.toFloat(ops.iota(12)), 32).shape // [12, 32]
 * ```
 *
 * @throws LatentGpuError `bad-config` for a width that is not even
 */
export function sinusoids(t: Tensor, width: number, longest = 10_000): Tensor {
  if (!(Number.isInteger(width) && width >= 2 && width % 2 === 0)) {
    throw new LatentGpuError('bad-config', `sinusoids: a width of ${width}; give an even one`);
  }
  const rates = exp(mul(toFloat(iota(width / 2)), (-2 * Math.log(longest)) / width));
  const phase = mul(unsqueeze(t, t.rank), rates);
  return concat([sin(phase), cos(phase)]);
}
