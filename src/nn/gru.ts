// Gated recurrent units in layers.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, concat, gru, matmul, reshape, slice, transpose, zeros } from '../ops/index.ts';
import { uniform } from './initializers.ts';
import { Module } from './module.ts';

/** One layer: parameters as PyTorch has them, of the reset, the update and the new state. */
export class GRULayer extends Module {
  /** [3H, in] and [3H, H]. */
  readonly weightIh: Variable;
  readonly weightHh: Variable;
  /** [3H]. */
  readonly biasIh: Variable;
  readonly biasHh: Variable;
  readonly hidden: number;
  private readonly layer: number;

  constructor(inFeatures: number, hidden: number, layer = 0) {
    super();
    if (!Number.isInteger(hidden) || hidden < 4 || hidden % 4 !== 0) {
      throw new LatentGpuError('bad-config', `recurrent units are multiples of 4, not ${hidden}`);
    }
    const init = uniform(1 / Math.sqrt(hidden));
    const parameter = (name: string, extents: number[]) =>
      variable(name, extents, { role: 'parameter', init });
    this.hidden = hidden;
    this.layer = layer;
    this.weightIh = parameter('weight_ih', [3 * hidden, inFeatures]);
    this.weightHh = parameter('weight_hh', [3 * hidden, hidden]);
    this.biasIh = parameter('bias_ih', [3 * hidden]);
    this.biasHh = parameter('bias_hh', [3 * hidden]);
  }

  override children(): [string, unknown][] {
    const { weightIh, weightHh, biasIh, biasHh, layer } = this;
    const held = { weight_ih: weightIh, weight_hh: weightHh, bias_ih: biasIh, bias_hh: biasHh };
    return Object.entries(held).map(([name, value]) => [`${name}_l${layer}`, value]);
  }

  /** W x + c: [..., in] to [..., 3H]. */
  inputs(x: Tensor): Tensor {
    const rows = reshape(x, [-1, x.shape.at(-1) as number]);
    const made = add(matmul(rows, transpose(this.weightIh)), this.biasIh);
    return reshape(made, [...x.shape.slice(0, -1), 3 * this.hidden]);
  }

  /** All states [B, 1 + T, H], the start among them, for {@link inputs} [B, T, 3H]. */
  states(inputs: Tensor, start = zeros([inputs.shape[0] as number, this.hidden])): Tensor {
    return gru(inputs, this.weightHh, this.biasHh, start);
  }
}

/**
 * Layers of gated recurrent units (Cho et al. 2014), each of which is given the states of the one before it; names
 * and layouts are those of PyTorch's GRU with `batch_first`.
 */
export class GRU extends Module {
  readonly layers: readonly GRULayer[];

  /** @param widths units of each layer, multiples of 4 */
  constructor(inFeatures: number, widths: readonly number[]) {
    super();
    if (widths.length === 0) throw new LatentGpuError('bad-config', 'a GRU has one layer or more');
    this.layers = widths.map(
      (width, i) => new GRULayer(i === 0 ? inFeatures : (widths[i - 1] as number), width, i),
    );
  }

  override children(): [string, unknown][] {
    return this.layers.flatMap((layer) => layer.children());
  }

  /** Units of the last layer. */
  get size(): number {
    return (this.layers.at(-1) as GRULayer).hidden;
  }

  /**
   * What follows each step: [B, T, in] to [B, T, H].
   *
   * @param starts [B, H] of each layer; default: zeros
   */
  call(x: Tensor, starts: readonly Tensor[] = []): Tensor {
    return this.through((this.layers[0] as GRULayer).inputs(x), starts);
  }

  /** The same of the first layer's inputs, [B, T, 3H]. */
  through(inputs: Tensor, starts: readonly Tensor[] = []): Tensor {
    const steps = inputs.shape[1] as number;
    return this.layers.reduce((told, layer, i) => {
      const given = i === 0 ? told : layer.inputs(told);
      return slice(layer.states(given, starts[i]), 1, 1, steps + 1);
    }, inputs);
  }

  /** One step: [B, in] and the states of all layers to the states that follow. */
  step(x: Tensor, states: readonly Tensor[]): Tensor[] {
    const next: Tensor[] = [];
    this.layers.forEach((layer, i) => {
      const seen = i === 0 ? x : (next[i - 1] as Tensor);
      const given = reshape(layer.inputs(seen), [x.shape[0] as number, 1, -1]);
      next.push(lastOf(layer.states(given, states[i])));
    });
    return next;
  }
}

/** The last of [B, T, H]: [B, H]. */
export function lastOf(states: Tensor): Tensor {
  const [rows, steps, hidden] = states.shape as [number, number, number];
  return reshape(slice(states, 1, steps - 1, steps), [rows, hidden]);
}

/** What is known before each step of a sequence [B, T, C]: zeros, then the step before. */
export function delayed(x: Tensor): Tensor {
  const [rows, steps, channels] = x.shape as [number, number, number];
  const nothing = zeros([rows, 1, channels]);
  return steps === 1 ? nothing : concat([nothing, slice(x, 1, 0, steps - 1)], 1);
}
