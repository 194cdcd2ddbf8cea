// A masked net whose one set of weights serves several sets of masks: orders of its features, and ranks of
// its hidden units. Germain, Gregor, Murray and Larochelle 2015, sections 4.2 (orders) and 4.3 (units).
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  type Activation,
  expand,
  full,
  gather,
  greater,
  less,
  modUint,
  mul,
  reshape,
  sub,
  toFloat,
} from '../ops/index.ts';
import { Random, shuffled } from '../random.ts';
import { STREAMS } from '../streams.ts';
import { Linear } from './linear.ts';
import { type Masked, maskedPass, spreadRanks, type Turns } from './masked.ts';
import { Module } from './module.ts';

export interface MadeSetsOptions {
  readonly features: number;
  /** Numbers that a feature is shown as, side by side: [features · inputs]. Default: 1. */
  readonly inputs?: number;
  /** Widths of the hidden layers, at least one. */
  readonly hidden: readonly number[];
  /** Numbers for each feature; they come in blocks [features] one after the other. */
  readonly outputs: number;
  readonly activation?: Activation;
  /** Default: 1, whose hidden units have ranks spread evenly; those of several are drawn. */
  readonly sets?: number;
  /** `natural`: as features stand; `random`: an order a set. Default: `natural`. */
  readonly ordering?: 'natural' | 'random';
  /** Features before its own that an output sees at most. Default: all of them. */
  readonly lags?: number;
  /** Of orders and ranks, which are part of the model. */
  readonly seed?: number;
}

/**
 * A masked net of several sets of masks, asked under one of them or under all.
 *
 * ```ts
 * const net = new nn.MadeSets({ features: 4, hidden: [16], outputs: 2, sets: 8, ordering: 'random' });
 * net.all().map((view) => view.call(ops.zeros([3, 4]))).length // 8
 * ```
 */
export class MadeSets extends Module {
  readonly features: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: Activation;
  readonly sets: number;
  readonly layers: readonly Linear[];
  /** s · D + the feature whose turn is k, and s · D + the turn of feature i, of set s: unsigned [sets · D]. */
  readonly order: Variable;
  readonly back: Variable;
  /** Ranks of the units of each hidden layer, [sets, width]. */
  readonly units: readonly Variable[];
  private readonly lags: number | undefined;

  /** @throws LatentGpuError `bad-config` for nets that leave outputs without anything to see */
  constructor(options: MadeSetsOptions) {
    super();
    const {
      features,
      inputs = 1,
      hidden,
      outputs,
      sets = 1,
      activation = 'relu',
      seed = 0,
    } = options;
    const { ordering = 'natural', lags } = options;
    if (hidden.length === 0) {
      throw new LatentGpuError('bad-config', 'a masked net needs at least one hidden layer');
    }
    const narrow = hidden.find((width) => width < features - 1);
    if (lags !== undefined && narrow !== undefined) {
      throw new LatentGpuError(
        'bad-config',
        `a layer of ${narrow} units is too narrow for a masked net of limited order, which needs one for each of ${features} features but the last; widen it to ${features - 1} or more`,
      );
    }
    this.features = features;
    this.inputs = inputs;
    this.outputs = outputs;
    this.activation = activation;
    this.sets = sets;
    this.lags = lags;
    const random = new Random(seed, STREAMS.masks, 0);
    const orders = Array.from({ length: sets }, () =>
      ordering === 'random'
        ? [...shuffled(features, random)]
        : Array.from({ length: features }, (_, i) => i),
    );
    const table = (name: string, of: (order: readonly number[], k: number) => number): Variable =>
      variable(name, [sets * features], {
        dtype: 'u32',
        role: 'buffer',
        init: () =>
          Uint32Array.from(
            orders.flatMap((order, s) => order.map((_, k) => s * features + of(order, k))),
          ),
      });
    this.order = table('order', (order, k) => order[k] as number);
    const backs = new Map(orders.map((order) => [order as readonly number[], inverseOf(order)]));
    this.back = table('back', (order, i) => backs.get(order)?.[i] as number);
    this.units = hidden.map((width) => {
      const drawn = () =>
        Array.from({ length: width }, () => random.integer(Math.max(1, features - 1)));
      const ranks = Array.from({ length: sets }, () =>
        sets > 1 && lags === undefined ? drawn() : spreadRanks(width, features, 0),
      ).flat();
      return variable('units', [sets, width], { role: 'buffer', init: () => ranks });
    });
    const widths = [features * inputs, ...hidden, outputs * features];
    this.layers = widths.slice(1).map((width, i) => new Linear(widths[i] as number, width));
  }

  override children(): [string, unknown][] {
    return [
      ...this.layers.map((layer, i): [string, unknown] => [String(i), layer]),
      ['order', this.order],
      ['back', this.back],
      ...this.units.map((units, i): [string, unknown] => [`${i}.units`, units]),
    ];
  }

  /** The net under one set of masks. @param which its number, unsigned [1] */
  under(which: Tensor): MaskedView {
    return new MaskedView(this, this.turnsOf(which), this.weightsOf(which));
  }

  private turnsOf(which: Tensor): Turns {
    const { sets, features } = this;
    const row = (table: Variable) =>
      reshape(modUint(gather(reshape(table, [sets, features]), which), features), [features]);
    return { places: row(this.order), ranks: row(this.back) };
  }

  private weightsOf(which: Tensor): Tensor[] {
    const { features, inputs, outputs, lags } = this;
    const turns = reshape(toFloat(this.turnsOf(which).ranks), [features, 1]);
    const ranks = [
      reshape(expand(turns, [features, inputs]), [-1]),
      ...this.units.map((units) => reshape(gather(units, which), [-1])),
      reshape(expand(reshape(turns, [1, features]), [outputs, features]), [-1]),
    ];
    const last = this.layers.length - 1;
    return this.layers.map(({ weight }, i) => {
      const from = reshape(ranks[i] as Tensor, [1, -1]);
      const to = reshape(ranks[i + 1] as Tensor, [-1, 1]);
      // Ranks are whole numbers: a half between them keeps comparisons exact.
      const sees = less(from, sub(to, i === last ? 0.5 : -0.5));
      if (lags === undefined) return mul(weight, sees);
      // Units of one rank see one window, and an output those of the rank before its own.
      const reach = i === 0 ? lags : 1;
      const recent = greater(from, sub(to, (i === last ? 1 : 0) + reach - 0.5));
      return mul(weight, mul(sees, recent));
    });
  }

  /** All sets: the nets whose densities are mixed. */
  all(): MaskedView[] {
    return Array.from({ length: this.sets }, (_, s) => this.under(full([1], s, 'u32')));
  }
}

/**
 * A net under a set of masks.
 *
 * ```ts
 * const net = new nn.MadeSets({ features: 4, hidden: [16], outputs: 2 });
 * net.all()[0]?.call(ops.zeros([3, 4])).shape // [3, 8]
 * ```
 */
export class MaskedView implements Masked {
  readonly features: number;
  readonly inputs: number;
  readonly activation: Activation;
  readonly layers: readonly Linear[];
  private readonly masked: readonly Tensor[];
  private readonly own: Turns;

  constructor(net: MadeSets, turns: Turns, weights: readonly Tensor[]) {
    this.features = net.features;
    this.inputs = net.inputs;
    this.activation = net.activation;
    this.layers = net.layers;
    this.own = turns;
    this.masked = weights;
  }

  weights(): readonly Tensor[] {
    return this.masked;
  }

  turns(): Turns {
    return this.own;
  }

  contextOf(): undefined {
    return undefined;
  }

  /** y [B, outputs · features] of x [B, features · inputs]. */
  call(x: Tensor): Tensor {
    return maskedPass(this, this.masked, x);
  }
}

function inverseOf(order: readonly number[]): number[] {
  const back = new Array<number>(order.length);
  order.forEach((feature, k) => {
    back[feature] = k;
  });
  return back;
}
