// Fully connected layers.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import { type Activation, activations, add, matmul, reshape, transpose } from '../ops/index.ts';
import { constantInit, glorotUniform, uniform } from './initializers.ts';
import { Module } from './module.ts';
import { makeNorm, type Norm, type NormKind } from './norm-kinds.ts';

/** `torch`: U(±1/√in) for weight and bias. `glorot`: U(±√(6/(in+out))), zero bias. */
export type LinearInit = 'torch' | 'glorot';

export interface LinearOptions {
  bias?: boolean;
  init?: LinearInit | { weight: Initializer; bias?: Initializer };
}

/**
 * y = x Wᵀ + b: [..., in] to [..., out]; weight [out, in], bias [out], as in PyTorch.
 *
 * @example new nn.Linear(784, 300).call(ops.zeros([32, 784]), 'relu').shape // [32, 300]
 */
export class Linear extends Module {
  readonly weight: Variable;
  readonly bias: Variable | undefined;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const { bias = true, init = 'torch' } = options;
    const torch = uniform(1 / Math.sqrt(inFeatures));
    const chosen =
      init === 'torch'
        ? { weight: torch, bias: torch }
        : init === 'glorot'
          ? { weight: glorotUniform(inFeatures, outFeatures), bias: constantInit(0) }
          : { bias: constantInit(0), ...init };
    this.weight = variable('weight', [outFeatures, inFeatures], {
      role: 'parameter',
      init: chosen.weight,
    });
    this.bias = bias
      ? variable('bias', [outFeatures], { role: 'parameter', init: chosen.bias })
      : undefined;
  }

  /**
   * @param activation applied to the result, in the same kernel
   * @param beside what else is added before that: [..., out], broadcast with the result
   * @throws LatentGpuError `shape-mismatch` for an input of other features
   */
  call(x: Tensor, activation: Activation = 'identity', beside?: Tensor): Tensor {
    const [outFeatures, inFeatures] = this.weight.shape as [number, number];
    if (x.shape.at(-1) !== inFeatures) {
      throw new LatentGpuError(
        'shape-mismatch',
        `linear layer ${this.weight.name}: ${x} does not end in ${inFeatures} features`,
      );
    }
    // One product over all leading axes: rows are rows, whatever they stand for.
    const rows = reshape(x, [-1, inFeatures]);
    const product = matmul(rows, transpose(this.weight));
    const sum = this.bias ? add(product, this.bias) : product;
    const shaped = (y: Tensor) => reshape(y, [...x.shape.slice(0, -1), outFeatures]);
    if (beside) return activations[activation](add(shaped(sum), beside));
    return shaped(activations[activation](sum));
  }
}

export interface MlpOptions extends LinearOptions {
  /** Of the last layer; default: none. */
  output?: Activation;
  /** Whether the last layer's parameters start at zero. */
  zeroOutput?: boolean;
  /** Between each layer but the last and its activation; default: `none`. */
  norm?: NormKind;
}

/**
 * Linear layers with an activation between them; its parameters are named `0.weight`, `0.bias`, …
 *
 * @example new nn.MLP([784, 300, 40], 'relu').call(ops.zeros([32, 784])).shape // [32, 40]
 */
export class MLP extends Module {
  readonly layers: Linear[];
  /** One a hidden layer, named `norms.0.weight`, …, or none. */
  readonly norms: readonly Norm[];
  readonly activation: Activation;
  readonly output: Activation;

  /**
   * @param widths features from the input to the output, e.g. `[784, 300, 40]`
   * @throws LatentGpuError `bad-config` for fewer than two widths, or activations that there are not
   */
  constructor(
    widths: readonly number[],
    activation: Activation = 'relu',
    options: MlpOptions = {},
  ) {
    super();
    if (widths.length < 2) {
      throw new LatentGpuError(
        'bad-config',
        `an MLP needs an input and an output width, not [${widths}]`,
      );
    }
    const unknown = [activation, options.output ?? 'identity'].find(
      (name) => !(name in activations),
    );
    if (unknown) {
      const known = Object.keys(activations).join(', ');
      throw new LatentGpuError(
        'bad-config',
        `an MLP has no activation '${unknown}'; there are ${known}, and nn.Sequential for functions`,
      );
    }
    this.activation = activation;
    this.output = options.output ?? 'identity';
    const { norm = 'none' } = options;
    this.norms = widths.slice(1, -1).flatMap((width) => makeNorm(norm, width) ?? []);
    this.layers = widths.slice(1).map((width, i) => {
      const isZero = options.zeroOutput && i === widths.length - 2;
      const init = isZero ? { weight: constantInit(0), bias: constantInit(0) } : options.init;
      return new Linear(widths[i] as number, width, { ...options, ...(init && { init }) });
    });
  }

  override children(): [string, unknown][] {
    const layers = this.layers.map((layer, i): [string, unknown] => [String(i), layer]);
    return this.norms.length > 0 ? [...layers, ['norms', this.norms]] : layers;
  }

  /** @param beside what else is added to the first layer's result, before its activation */
  call(x: Tensor, beside?: Tensor): Tensor {
    const last = this.layers.length - 1;
    return this.layers.reduce((h, layer, i) => {
      const [norm, own] = [this.norms[i], i === 0 ? beside : undefined];
      if (norm) return activations[this.activation](norm.call(layer.call(h, 'identity', own)));
      return layer.call(h, i === last ? this.output : this.activation, own);
    }, x);
  }
}
