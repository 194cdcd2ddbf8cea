// A causal net asked for one step after the other: every block keeps its inputs as far back as its tap.
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, concat, matmul, reshape, slice, transpose, zeros } from '../ops/index.ts';
import type { CausalBlock, CausalCnn } from './causal.ts';

/** What a variable is to hold after a step; a row of either is a row of the batch. */
export type Held = readonly [held: Variable, next: Tensor];

/**
 * A register [B, n · width] one place on: its first place is left, and its last taken by `value` [B, width].
 *
 * @example nn.shifted(ops.zeros([1, 3]), ops.full([1, 1], 2)) // [0, 0, 2]
 */
export function shifted(register: Tensor, value: Tensor): Tensor {
  const [width, size] = [value.shape[1] as number, register.shape[1] as number];
  return width === size ? value : concat([slice(register, 1, width, size), value], 1);
}

/**
 * A {@link CausalCnn} at work, for series drawn side by side: each step costs its own taps alone.
 *
 * ```ts
 * const net = new nn.CausalCnn({ channels: 1, outputs: 2, features: 16, receptive: 8 });
 * const walk = new nn.CausalWalk(net, 64);
 * const begin = walk.start(); // effects before the first step
 * const value = ops.slice(walk.call(), -1, 0, 1); // of what the net says of the step, the mean
 * const effects = walk.next(value).map(([held, next]) => ops.assign(held, next));
 * ```
 */
export class CausalWalk {
  private readonly net: CausalCnn;
  private readonly batch: number;
  /** The step before, [B, C]. */
  private readonly before: Variable;
  /** Inputs of each block before the step at hand, the oldest first, [B, dilation · F]. */
  private readonly past: readonly Variable[];
  /** Weights of each block's taps, [2F, 2F]. */
  private readonly weights: readonly Variable[];
  /** Contexts of the step at hand and of those that follow, [B, T · M]. */
  private readonly coming: Variable | undefined;
  private readonly context: Tensor | undefined;
  private found: readonly Tensor[] | undefined;

  /** @param context [B, T, M], of conditional nets */
  constructor(net: CausalCnn, batch: number, context?: Tensor) {
    this.net = net;
    this.batch = batch;
    const { channels, features } = net.options;
    this.before = variable('before', [batch, channels]);
    this.past = net.blocks.map(({ gates }, i) =>
      variable(`past.${i}`, [batch, gates.reach * features]),
    );
    this.weights = net.blocks.map((_, i) => variable(`weight.${i}`, [2 * features, 2 * features]));
    this.context = context && reshape(context, [batch, -1]);
    this.coming = this.context && variable('coming', this.context.shape);
  }

  /** Memory that belongs to the walk. */
  get state(): Variable[] {
    const { before, past, weights, coming } = this;
    return [before, ...past, ...weights, ...(coming ? [coming] : [])];
  }

  /** Assignments before the first step. */
  start(): Tensor[] {
    const { before, past, coming, context, weights } = this;
    return [
      ...[before, ...past].map((held) => assign(held, zeros(held.shape))),
      ...weights.map((held, i) => {
        const { weight } = (this.net.blocks[i] as CausalBlock).gates.conv.conv;
        return assign(held, reshape(transpose(weight, [3, 1, 0, 2]), held.shape));
      }),
      ...(coming && context ? [assign(coming, context)] : []),
    ];
  }

  /** The net's outputs for the step whose turn it is, [B, outputs]. */
  call(): Tensor {
    return this.net.head(this.features().at(-1) as Tensor);
  }

  /** What the first block is given at the step, and what each makes of it, [B, F]. */
  private features(): readonly Tensor[] {
    this.found ??= this.described();
    return this.found;
  }

  private described(): readonly Tensor[] {
    const { net, coming, before } = this;
    const { features, context = 0 } = net.options;
    const found = [net.entered(before, coming && slice(coming, 1, 0, context))];
    net.blocks.forEach((block, i) => {
      const own = found[i] as Tensor;
      const taps = concat([slice(this.past[i] as Variable, 1, 0, features), own], 1);
      const product = matmul(taps, this.weights[i] as Variable);
      found.push(block.joined(add(product, block.gates.conv.conv.bias as Variable), own));
    });
    return found;
  }

  /** What is kept once the step has the value [B, C]. */
  next(value: Tensor): Held[] {
    const { before, past, coming, batch } = this;
    const features = this.features();
    const { context = 0 } = this.net.options;
    return [
      [before, value],
      ...past.map((held, i): Held => [held, shifted(held, features[i] as Tensor)]),
      ...(coming ? [[coming, shifted(coming, zeros([batch, context]))] as const] : []),
    ];
  }
}
