// The bijection that a list of layers makes.
import { isLatentGpuError, LatentGpuError } from '../../errors.ts';
import {
  ActNorm,
  Autoregressive,
  additive,
  affine,
  BatchNorm,
  type Bijection,
  Chain,
  type ConditionerFactory,
  Coupling,
  emergingConvolution,
  eventSize,
  halfOf,
  Inverted,
  type Level,
  LuLinear,
  type MaskKind,
  MultiScale,
  Permutation,
  QrLinear,
  Reshape,
  randomOrder,
  type ScaleKind,
  Squeeze,
  spline,
  type Transformer,
} from '../../flows/index.ts';
import { formatShape, type Shape } from '../../graph/shape.ts';
import { ConvNet, MLP } from '../../nn/index.ts';
import type { Activation } from '../../ops/index.ts';
import type { Values } from '../../schema/index.ts';
import { type LayerConfig, type SettledLayer, settleLayer } from './layer-keys.ts';

function transformerOf(values: Values): Transformer {
  switch (values.get('transform')) {
    case 'additive':
      return additive;
    case 'spline':
      return spline({
        bins: values.get('bins') as number,
        bound: values.get('bound') as number,
      });
    default:
      return affine(values.get('scale') as ScaleKind);
  }
}

/** Nets that start at zero: every layer begins as (nearly) the identity. */
function nets(values: Values): ConditionerFactory {
  const hidden = values.get('hidden') as number[];
  const activation = values.get('activation') as Activation;
  return (input, output) => {
    const [from, to] = [input.at(-1) as number, output.at(-1) as number];
    return input.length === 1
      ? new MLP([from, ...hidden, to], activation, { zeroOutput: true })
      : new ConvNet(from, to, { hidden, activation, zeroOutput: true });
  };
}

function autoregressive(values: Values, shape: Shape, seed: number): Autoregressive {
  const features = shape[0] as number;
  if (shape.length !== 1) {
    throw new LatentGpuError(
      'bad-config',
      `it takes vectors, not ${formatShape(shape)}; put a flatten layer after it`,
    );
  }
  const ranks = Array.from({ length: features }, (_, i) => i);
  const orders: Record<string, ArrayLike<number>> = {
    natural: ranks,
    reverse: ranks.toReversed(),
    random: randomOrder(features, seed),
  };
  return new Autoregressive({
    features,
    hidden: values.get('hidden') as number[],
    activation: values.get('activation') as Activation,
    transformer: transformerOf(values),
    order: orders[values.get('order') as string] as ArrayLike<number>,
    zeroOutput: true,
  });
}

/** The layer whose data side has the given shape. */
function bijectionOf({ type, values, seed }: SettledLayer, shape: Shape): Bijection {
  switch (type) {
    case 'coupling':
      return new Coupling({
        shape,
        mask: values.get('mask') as MaskKind,
        flip: values.get('flip') as boolean,
        transformer: transformerOf(values),
        net: nets(values),
      });
    case 'autoregressive':
      return autoregressive(values, shape, seed);
    case 'inverse-autoregressive':
      return new Inverted(autoregressive(values, shape, seed));
    case 'lu': {
      const start = values.get('start') as number[] | null;
      return new LuLinear(shape, start ? Float64Array.from(start) : seed);
    }
    case 'qr': {
      const reflections = values.get('reflections') as number | null;
      return new QrLinear(shape, { seed, ...(reflections !== null && { reflections }) });
    }
    case 'emerging':
      return emergingConvolution(shape, values.get('kernel') as number);
    case 'actnorm':
      return new ActNorm(shape);
    case 'batchnorm':
      return new BatchNorm(shape);
    case 'reverse':
      return Permutation.reversal(shape);
    case 'permute': {
      const order = values.get('order') as number[] | null;
      return order ? new Permutation(shape, order) : Permutation.random(shape, seed);
    }
    case 'squeeze':
      return new Squeeze(shape);
    case 'flatten':
      return new Reshape([eventSize(shape)], shape);
    case 'split':
      throw new LatentGpuError('bad-config', 'a split is no layer by itself');
  }
}

/** Errors of a layer tell which it is. */
function at<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!isLatentGpuError(error) || error.message.startsWith(where)) throw error;
    throw new LatentGpuError(error.code, `${where}: ${error.message}`);
  }
}

/** What makes standard normal noise of the half of the channels that leaves at a split. */
function priorOf({ values }: SettledLayer, shape: Shape): Coupling {
  const channels = shape.at(-1) as number;
  if (channels % 2 !== 0) {
    throw new LatentGpuError(
      'bad-config',
      `${channels} channels cannot be halved; put a squeeze between it and the data`,
    );
  }
  return new Coupling({ shape, transformer: affine('soft'), net: nets(values) });
}

/**
 * The bijection of a list of layers, given from noise to data, for events of the given shape.
 *
 * @param seed of orders and rotations
 * @throws LatentGpuError `bad-config` naming the first layer, from the data on, that does not fit
 */
export function bijectionOfLayers(
  layers: readonly LayerConfig[],
  shape: Shape,
  seed: number,
): Bijection {
  if (layers.length === 0) {
    throw new LatentGpuError(
      'bad-config',
      'layers is empty; list them from noise to data in a --config file, as in {"layers": [{"type": "coupling"}, {"type": "lu"}]}',
    );
  }
  const settled = layers.map((layer, i) => settleLayer(layer, i, 1000 * seed + i));
  const levels: Level[] = [];
  let parts: Bijection[] = [];
  let event = shape;
  for (const layer of settled.toReversed()) {
    at(layer.where, () => {
      if (layer.type !== 'split') {
        const part = bijectionOf(layer, event);
        parts.unshift(part);
        event = part.shape;
        return;
      }
      if (parts.length === 0) {
        throw new LatentGpuError('bad-config', 'there is no layer between it and the data');
      }
      levels.push({ steps: new Chain(parts), prior: priorOf(layer, event) });
      parts = [];
      event = halfOf(event);
    });
  }
  if (levels.length === 0) return new Chain(parts);
  if (parts.length === 0) {
    throw new LatentGpuError('bad-config', 'layers[0] (split): there is no layer before it');
  }
  return new MultiScale([...levels, { steps: new Chain(parts) }]);
}
