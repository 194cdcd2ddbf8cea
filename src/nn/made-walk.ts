// A MADE asked for one feature after the other, as sequential directions of flows do: what the features
// already known say to the first layer is kept, and of the last layer only the rows are computed whose
// turn it is. All D features together cost about one pass of the whole net.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isVariable, type Variable, variable } from '../graph/variable.ts';
import {
  activations,
  add,
  addUint,
  assign,
  expand,
  full,
  gather,
  matmul,
  mul,
  reshape,
  slice,
  sum,
  transpose,
} from '../ops/index.ts';
import type { Masked, Turns } from './masked.ts';

/**
 * Weights as a walk reads them, and how far it has come. Its features go by rank.
 *
 * ```ts
 * const walk = new nn.MadeWalk(made, 64);
 * const begin = walk.start(); // effects before the first feature
 * const value = ops.slice(walk.call(), -1, 0, 1); // of what the net says of the feature, the mean
 * const effects = walk.advance(value); // shows it to the net and goes on to the next
 * ```
 */
export class MadeWalk {
  /** Rank of the feature whose turn it is: unsigned [1]. */
  readonly known: Variable;
  /** Which feature has each rank, and the rank of each feature: unsigned [D]. */
  readonly places: Variable;
  readonly ranks: Variable;
  private readonly made: Masked;
  private readonly turns: Turns;
  private readonly batch: number;
  /** What the first layer has been told, [B, hidden]. */
  private readonly seen: Variable;
  /** What feature of rank k tells the first layer, [D, inputs · hidden]. */
  private readonly first: Variable;
  /** Masked weights between hidden layers, [out, in]. */
  private readonly middle: readonly Variable[];
  /** The last layer's rows for rank k, [D, outputs · hidden], and biases, [D, outputs]. */
  private readonly last: Variable;
  private readonly bias: Variable;

  constructor(made: Masked, batch: number) {
    this.made = made;
    this.batch = batch;
    const { features, inputs } = made;
    const held = (name: string, shape: Shape) => variable(name, shape);
    const whole = (name: string, size: number) => variable(name, [size], { dtype: 'u32' });
    this.turns = made.turns();
    const { turns } = this;
    // Those of a net with one order are known beforehand: nothing needs to be copied.
    const kept = (name: string, turn: Tensor) => (isVariable(turn) ? turn : whole(name, features));
    this.places = kept('places', turns.places);
    this.ranks = kept('ranks', turns.ranks);
    this.known = whole('known', 1);
    const layers = made.layers.map((layer) => layer.weight.shape as [number, number]);
    const [hidden] = layers[0] as [number, number];
    const [all, before] = layers.at(-1) as [number, number];
    const outputs = all / features;
    this.seen = held('seen', [batch, hidden]);
    this.first = held('first', [features, inputs * hidden]);
    this.middle = layers.slice(1, -1).map((shape, i) => held(`middle.${i}`, shape));
    this.last = held('last', [features, outputs * before]);
    this.bias = held('bias', [features, outputs]);
  }

  /** Memory that belongs to the walk. */
  get state(): Variable[] {
    const { known, places, ranks, seen, first, middle, last, bias } = this;
    return [known, places, ranks, seen, first, ...middle, last, bias];
  }

  /** Assignments before the first step. @param context [B, C], of conditional nets */
  start(context?: Tensor): Tensor[] {
    const { made, turns } = this;
    const { features, inputs } = made;
    const { places } = turns;
    const [weights, biases] = [made.weights(), made.layers.map(({ bias }) => bias as Variable)];
    const [first, last] = [weights[0] as Tensor, weights.at(-1) as Tensor];
    const [, width] = first.shape as [number, number];
    const shown = made.contextOf(context, this.batch);
    const told = shown ? matmul(shown, transpose(slice(first, -1, features * inputs, width))) : 0;
    const blocks = reshape(last, [-1, features, last.shape[1] as number]);
    return [
      assign(this.known, full([1], 0, 'u32')),
      ...(this.places === places ? [] : [assign(this.places, places)]),
      ...(this.ranks === turns.ranks ? [] : [assign(this.ranks, turns.ranks)]),
      assign(this.seen, expand(add(biases[0] as Variable, told), this.seen.shape)),
      assign(
        this.first,
        gather(
          reshape(transpose(slice(first, -1, 0, features * inputs)), this.first.shape),
          places,
        ),
      ),
      ...this.middle.map((held, i) => assign(held, weights[i + 1] as Tensor)),
      assign(this.last, gather(reshape(transpose(blocks, [1, 0, 2]), this.last.shape), places)),
      assign(
        this.bias,
        gather(transpose(reshape(biases.at(-1) as Variable, [-1, features])), places),
      ),
    ];
  }

  /** The net's outputs for the feature whose turn it is, [B, outputs]. */
  call(): Tensor {
    const act = activations[this.made.activation];
    const hidden = this.middle.reduce((h: Tensor, weight, i) => {
      const bias = this.made.layers[i + 1]?.bias as Variable;
      return act(add(matmul(h, transpose(weight)), bias));
    }, act(this.seen));
    const width = hidden.shape[1] as number;
    const rows = reshape(gather(this.last, this.known), [1, -1, width]);
    const products = mul(reshape(hidden, [this.batch, 1, width]), rows);
    return add(sum(products, -1), gather(this.bias, this.known));
  }

  /** Assignments that show the net the feature's value [B, inputs] and go on to the next. */
  advance(value: Tensor): Tensor[] {
    const { inputs } = this.made;
    const told = gather(this.first, this.known);
    return [
      assign(
        this.seen,
        add(
          this.seen,
          inputs === 1 ? mul(value, told) : matmul(value, reshape(told, [inputs, -1])),
        ),
      ),
      assign(this.known, addUint(this.known, 1)),
    ];
  }
}
