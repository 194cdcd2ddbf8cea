// A net whose output i sees only the inputs that come before i in an order.
// Germain, Gregor, Murray and Larochelle 2015.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { type Activation, concat, mul } from '../ops/index.ts';
import { constantInit } from './initializers.ts';
import { Linear } from './linear.ts';
import { type Masked, maskedPass, spreadRanks, type Turns } from './masked.ts';
import { Module } from './module.ts';

export interface MadeOptions {
  readonly features: number;
  readonly hidden: readonly number[];
  /** Numbers for each feature; they come in blocks [features] one after the other. */
  readonly outputs: number;
  /** Rank of each feature, a permutation of 0 … features - 1. Default: as they stand. */
  readonly order?: ArrayLike<number>;
  /** Features of a context that every output sees. */
  readonly context?: number;
  readonly activation?: Activation;
  /** Whether the last layer starts at zero. */
  readonly zeroOutput?: boolean;
}

/**
 * y [B, outputs · features] of x [B, features]: output i depends on the inputs of lower rank only.
 * Hidden units have ranks spread evenly; a unit sees units of its own rank or lower.
 *
 * @example new nn.MADE({ features: 4, hidden: [16], outputs: 2 }).call(ops.zeros([3, 4])).shape // [3, 8]
 */
export class MADE extends Module implements Masked {
  readonly features: number;
  readonly inputs = 1;
  readonly layers: readonly Linear[];
  readonly masks: readonly Variable[];
  readonly order: Uint32Array;
  readonly activation: Activation;
  private readonly context: number;

  /** @throws LatentGpuError `bad-config` for an order that does not rank each feature once, or no hidden layer */
  constructor(options: MadeOptions) {
    super();
    const { features, hidden, outputs, context = 0, activation = 'relu' } = options;
    const order = Uint32Array.from(options.order ?? Array.from({ length: features }, (_, i) => i));
    const isOrder = order.length === features && new Set(order).size === features;
    if (!isOrder || order.some((rank) => rank >= features)) {
      throw new LatentGpuError(
        'bad-config',
        `MADE: the order must rank ${features} features once each`,
      );
    }
    if (hidden.length === 0) {
      throw new LatentGpuError('bad-config', 'MADE needs at least one hidden layer');
    }
    this.features = features;
    this.order = order;
    this.activation = activation;
    this.context = context;
    // Units of rank -1 see the context alone: the feature that comes first sees nothing else.
    const least = context > 0 || features === 1 ? -1 : 0;
    const ranks: number[][] = [
      // What the context says may be known to every output.
      [...order, ...new Array<number>(context).fill(-1)],
      ...hidden.map((width) => spreadRanks(width, features, least)),
      Array.from({ length: outputs * features }, (_, i) => order[i % features] as number),
    ];
    this.layers = ranks.slice(1).map((out, i) => {
      const isZero = options.zeroOutput && i === hidden.length;
      const init = { weight: constantInit(0), bias: constantInit(0) };
      return new Linear((ranks[i] as number[]).length, out.length, isZero ? { init } : {});
    });
    this.masks = this.layers.map((layer, i) => {
      const [below, above] = [ranks[i] as number[], ranks[i + 1] as number[]];
      const isLast = i === this.layers.length - 1;
      const sees = (to: number, from: number) => (isLast ? from < to : from <= to);
      return variable('mask', layer.weight.shape, {
        init: () =>
          Float32Array.from({ length: layer.weight.size }, (_, at) => {
            const to = above[Math.floor(at / below.length)] as number;
            return sees(to, below[at % below.length] as number) ? 1 : 0;
          }),
      });
    });
  }

  override children(): [string, unknown][] {
    return this.layers.flatMap((layer, i) => [
      [String(i), layer],
      [`${i}.mask`, this.masks[i]],
    ]);
  }

  /** Weights of the layers as they count: zeros where nothing is seen. */
  weights(): Tensor[] {
    return this.layers.map(({ weight }, i) => mul(weight, this.masks[i] as Variable));
  }

  /** Memory of the caller's own. */
  turns(): Turns {
    return turnsOf(this.order);
  }

  /** @param context [B, C], of conditional nets @throws LatentGpuError `shape-mismatch` */
  call(x: Tensor, context?: Tensor): Tensor {
    const weights = this.weights();
    const told = this.contextOf(context, x.shape[0] as number);
    const shown = told ? concat([x, told], -1) : x;
    return maskedPass(this, weights, shown);
  }

  /** The context as far as the net takes one. @throws LatentGpuError `shape-mismatch` */
  contextOf(given: Tensor | undefined, batch: number): Tensor | undefined {
    if (this.context === 0) return undefined;
    const shape = [batch, this.context].join(', ');
    if (given?.shape.join(', ') === shape) return given;
    throw new LatentGpuError(
      'shape-mismatch',
      `MADE needs a context [${shape}], not ${given ?? 'none'}`,
    );
  }
}

function turnsOf(order: Uint32Array): Turns {
  const places = new Uint32Array(order.length);
  for (const [feature, rank] of order.entries()) places[rank] = feature;
  const whole = (name: string, values: Uint32Array) =>
    variable(name, [values.length], { dtype: 'u32', init: () => values });
  return { places: whole('places', places), ranks: whole('ranks', order) };
}
