// Recurrent units in layers: gated recurrent units, and long short-term memory.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, concat, gru, lstm, matmul, reshape, slice, transpose, zeros } from '../ops/index.ts';
import { uniform } from './initializers.ts';
import { Module } from './module.ts';

/** Gates that are told sums, and parts of a state, of which the first is what a layer shows. */
const CELLS = {
  gru: { gates: 3, parts: 1, states: gru },
  lstm: { gates: 4, parts: 2, states: lstm },
} as const;

export type Cell = keyof typeof CELLS;
export const CELL_NAMES = Object.keys(CELLS) as Cell[];

/** One layer: parameters as PyTorch has them, of G gates in its order. */
export class RecurrentLayer extends Module {
  /** [G·H, in] and [G·H, H]. */
  readonly weightIh: Variable;
  readonly weightHh: Variable;
  /** [G·H]. */
  readonly biasIh: Variable;
  readonly biasHh: Variable;
  readonly hidden: number;
  private readonly cell: (typeof CELLS)[Cell];
  private readonly layer: number;

  constructor(cell: Cell, inFeatures: number, hidden: number, layer = 0) {
    super();
    if (!Number.isInteger(hidden) || hidden < 4 || hidden % 4 !== 0) {
      throw new LatentGpuError('bad-config', `recurrent units are multiples of 4, not ${hidden}`);
    }
    const init = uniform(1 / Math.sqrt(hidden));
    const parameter = (name: string, extents: number[]) =>
      variable(name, extents, { role: 'parameter', init });
    this.hidden = hidden;
    this.cell = CELLS[cell];
    this.layer = layer;
    const all = this.cell.gates * hidden;
    this.weightIh = parameter('weight_ih', [all, inFeatures]);
    this.weightHh = parameter('weight_hh', [all, hidden]);
    this.biasIh = parameter('bias_ih', [all]);
    this.biasHh = parameter('bias_hh', [all]);
  }

  override children(): [string, unknown][] {
    const { weightIh, weightHh, biasIh, biasHh, layer } = this;
    const held = { weight_ih: weightIh, weight_hh: weightHh, bias_ih: biasIh, bias_hh: biasHh };
    return Object.entries(held).map(([name, value]) => [`${name}_l${layer}`, value]);
  }

  /** Numbers of a state. */
  get width(): number {
    return this.cell.parts * this.hidden;
  }

  /** W x + its bias: [..., in] to [..., G·H]. */
  inputs(x: Tensor): Tensor {
    const rows = reshape(x, [-1, x.shape.at(-1) as number]);
    const made = add(matmul(rows, transpose(this.weightIh)), this.biasIh);
    return reshape(made, [...x.shape.slice(0, -1), -1]);
  }

  /** All states [B, 1 + T, width], the start among them, for `inputs(x)` [B, T, G·H]. */
  states(inputs: Tensor, start = zeros([inputs.shape[0] as number, this.width])): Tensor {
    return this.cell.states(inputs, this.weightHh, this.biasHh, start);
  }

  /** What is shown of states [..., width]: [..., H]. */
  shown(states: Tensor): Tensor {
    return this.cell.parts === 1 ? states : slice(states, -1, 0, this.hidden);
  }
}

/**
 * Layers of recurrent units, each of which is given what the one before it shows.
 *
 * @example new nn.Recurrent('lstm', 3, [16, 8]).size // 8
 */
export class Recurrent extends Module {
  readonly layers: readonly RecurrentLayer[];

  /**
   * @param widths units of each layer, multiples of 4
   * @throws LatentGpuError `bad-config` for no layer, or a width that is no multiple of 4
   */
  constructor(cell: Cell, inFeatures: number, widths: readonly number[]) {
    super();
    if (widths.length === 0) {
      throw new LatentGpuError('bad-config', 'recurrent nets have one layer or more');
    }
    this.layers = widths.map((width, i) => {
      const from = i === 0 ? inFeatures : (widths[i - 1] as number);
      return new RecurrentLayer(cell, from, width, i);
    });
  }

  override children(): [string, unknown][] {
    return this.layers.flatMap((layer) => layer.children());
  }

  /** Units of the last layer. */
  get size(): number {
    return this.last.hidden;
  }

  /** Numbers that all gates of the first layer are told at a step, G·H. */
  get inputsWidth(): number {
    return this.front.biasIh.size;
  }

  private get front(): RecurrentLayer {
    return this.layers[0] as RecurrentLayer;
  }

  private get last(): RecurrentLayer {
    return this.layers.at(-1) as RecurrentLayer;
  }

  /**
   * What follows each step: [B, T, in] to [B, T, H].
   *
   * @param starts [B, width] of each layer; default: zeros
   */
  call(x: Tensor, starts: readonly Tensor[] = []): Tensor {
    return this.through(this.inputs(x), starts);
  }

  /** What the first layer's gates are told: [..., in] to [..., G·H]. */
  inputs(x: Tensor): Tensor {
    return this.front.inputs(x);
  }

  /** The same of the first layer's `inputs(x)`, [B, T, G·H]. */
  through(inputs: Tensor, starts: readonly Tensor[] = []): Tensor {
    const steps = inputs.shape[1] as number;
    return this.layers.reduce((told, layer, i) => {
      const given = i === 0 ? told : layer.inputs(told);
      return slice(layer.shown(layer.states(given, starts[i])), 1, 1, steps + 1);
    }, inputs);
  }

  /** What the last layer shows of the states of all: [B, H]. */
  shown(states: readonly Tensor[]): Tensor {
    return this.last.shown(states.at(-1) as Tensor);
  }

  /** One step: [B, in] and the states of all layers to the states that follow. */
  step(x: Tensor, states: readonly Tensor[]): Tensor[] {
    const next: Tensor[] = [];
    this.layers.forEach((layer, i) => {
      const before = this.layers[i - 1];
      const seen = before ? before.shown(next[i - 1] as Tensor) : x;
      const given = reshape(layer.inputs(seen), [x.shape[0] as number, 1, -1]);
      next.push(lastOf(layer.states(given, states[i])));
    });
    return next;
  }
}

/**
 * Gated recurrent units (Cho et al. 2014); names and layouts are those of PyTorch's GRU with `batch_first`.
 *
 * @example new nn.GRU(3, [16]).call(ops.zeros([2, 10, 3])).shape // [2, 10, 16]
 */
export class GRU extends Recurrent {
  /** @param widths units of each layer, multiples of 4 */
  constructor(inFeatures: number, widths: readonly number[]) {
    super('gru', inFeatures, widths);
  }
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997), as PyTorch's LSTM with `batch_first`.
 *
 * @example new nn.LSTM(3, [16, 8]).call(ops.zeros([2, 10, 3])).shape // [2, 10, 8]
 */
export class LSTM extends Recurrent {
  /** @param widths units of each layer, multiples of 4 */
  constructor(inFeatures: number, widths: readonly number[]) {
    super('lstm', inFeatures, widths);
  }
}

/**
 * The last of [B, T, H]: [B, H].
 *
 * @example nn.lastOf(ops.reshape(ops.toFloat(ops.iota(3)), [1, 3, 1])) // [2]
 */
export function lastOf(states: Tensor): Tensor {
  const [rows, steps, hidden] = states.shape as [number, number, number];
  return reshape(slice(states, 1, steps - 1, steps), [rows, hidden]);
}

/**
 * What is known before each step of a sequence [B, T, C]: zeros, then the step before.
 *
 * @example nn.delayed(ops.reshape(ops.toFloat(ops.iota(3)), [1, 3, 1])) // [0, 0, 1]
 */
export function delayed(x: Tensor): Tensor {
  const [rows, steps, channels] = x.shape as [number, number, number];
  const nothing = zeros([rows, 1, channels]);
  return steps === 1 ? nothing : concat([nothing, slice(x, 1, 0, steps - 1)], 1);
}
