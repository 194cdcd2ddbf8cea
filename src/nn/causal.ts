// Causal convolutions over series: what stands at a step follows from that step and those before it. Dilated ones
// see far back by few layers. Van den Oord et al. 2016, "WaveNet: a generative model for raw audio".
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Activation, add, concat, relu, zeros } from '../ops/index.ts';
import { gated } from './blocks.ts';
import { Conv1d } from './conv.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { delayed } from './recurrent.ts';

/**
 * [B, T, in] to [B, T, out] by `kernel` taps, `dilation` steps apart, of which the last is the step itself.
 *
 * @example new nn.CausalConv1d(1, 16, { dilation: 4 }).call(ops.zeros([3, 50, 1])).shape // [3, 50, 16]
 */
export class CausalConv1d extends Module {
  /** Weight [out, in, 1, kernel]. */
  readonly conv: Conv1d;
  /** Steps back that the first tap lies. */
  readonly reach: number;

  constructor(
    inChannels: number,
    outChannels: number,
    { kernel = 2, dilation = 1 }: { readonly kernel?: number; readonly dilation?: number } = {},
  ) {
    super();
    this.reach = (kernel - 1) * dilation;
    this.conv = new Conv1d(inChannels, outChannels, { kernel, dilation, padding: 'valid' });
  }

  override children(): [string, unknown][] {
    return this.conv.children();
  }

  call(x: Tensor, activation: Activation = 'identity'): Tensor {
    const [rows, , channels] = x.shape as [number, number, number];
    const front = zeros([rows, this.reach, channels]);
    return this.conv.call(this.reach > 0 ? concat([front, x], 1) : x, activation);
  }
}

export interface CausalCnnOptions {
  /** Numbers of a step. */
  readonly channels: number;
  /** Numbers that are told of a step. */
  readonly outputs: number;
  /** Of a step in every layer; twice as many where they are gated. */
  readonly features: number;
  /** Steps before its own that one sees. */
  readonly receptive: number;
  /** Numbers that each step is told beside those before it. Default: none. */
  readonly context?: number;
}

/**
 * x + W (tanh(a) ⊙ σ(b)), a and b halves of a causal convolution of two taps.
 *
 * @example new nn.CausalBlock(16, 2).call(ops.zeros([1, 50, 16])).shape // [1, 50, 16]
 */
export class CausalBlock extends Module {
  readonly gates: CausalConv1d;
  readonly out: Linear;

  constructor(features: number, dilation: number) {
    super();
    this.gates = new CausalConv1d(features, 2 * features, { dilation });
    this.out = new Linear(features, features);
  }

  call(x: Tensor): Tensor {
    return this.joined(this.gates.call(x), x);
  }

  /** @param gates [..., 2F] of a step @param own its input [..., F] */
  joined(gates: Tensor, own: Tensor): Tensor {
    return add(own, this.out.call(gated(gates)));
  }
}

/** Dilations 1, 2, 4, … of layers of two taps, the last as long as is left of `receptive` - 1. */
export function dilationsOf(receptive: number): number[] {
  const found: number[] = [];
  for (let left = receptive - 1; left > 0; left -= found.at(-1) as number) {
    found.push(Math.min(left, 2 ** found.length));
  }
  return found;
}

/**
 * Tells something of each step by the `receptive` steps before it, and by a context of the step.
 *
 * ```ts
 * const net = new nn.CausalCnn({ channels: 1, outputs: 2, features: 16, receptive: 8 });
 * net.call(ops.zeros([3, 50, 1])).shape // [3, 50, 2]
 * ```
 */
export class CausalCnn extends Module {
  readonly options: CausalCnnOptions;
  /** Of the step before. */
  readonly first: Linear;
  readonly told: Linear | undefined;
  readonly blocks: readonly CausalBlock[];
  readonly hidden: Linear;
  readonly last: Linear;

  /** @throws LatentGpuError `bad-config` for a net that sees no step */
  constructor(options: CausalCnnOptions) {
    super();
    const { channels, outputs, features, receptive, context = 0 } = options;
    if (!(Number.isInteger(receptive) && receptive >= 1)) {
      const why = `a causal net that sees ${receptive} steps; it must be a whole number above 0`;
      throw new LatentGpuError('bad-config', why);
    }
    this.options = options;
    this.first = new Linear(channels, features);
    this.told = context > 0 ? new Linear(context, features, { bias: false }) : undefined;
    this.blocks = dilationsOf(receptive).map((dilation) => new CausalBlock(features, dilation));
    this.hidden = new Linear(features, 2 * features);
    this.last = new Linear(2 * features, outputs);
  }

  override children(): [string, unknown][] {
    const { first, told, blocks, hidden, last } = this;
    return Object.entries({ first, ...(told && { told }), blocks: [...blocks], hidden, last });
  }

  /** Numbers of a step where it takes most. */
  get numbers(): number {
    const { features, outputs } = this.options;
    return Math.max(2 * features, outputs);
  }

  /** Outputs [B, T, outputs] of series [B, T, C]. @param context [B, T, M], of conditional nets */
  call(x: Tensor, context?: Tensor): Tensor {
    const start = this.entered(delayed(x), context);
    return this.head(this.blocks.reduce((h, block) => block.call(h), start));
  }

  /** What the first block is given. @param before the step before, [..., C] @param context [..., M] */
  entered(before: Tensor, context?: Tensor): Tensor {
    const seen = this.first.call(before);
    return this.told && context ? add(seen, this.told.call(context)) : seen;
  }

  /** Outputs of the last block's features [..., F]. */
  head(h: Tensor): Tensor {
    return this.last.call(this.hidden.call(relu(h), 'relu'));
  }
}
