// What each family of flows is, as a list of layers.
import { LatentGpuError } from '../../../errors.ts';
import { eventSize } from '../../../flows/index.ts';
import { formatShape, type Shape } from '../../../graph/shape.ts';
import type { FlowConfig } from './config.ts';
import type { LayerConfig } from './layer-keys.ts';

const IMAGES = ['glow', 'emerging'];

/** Images as they lie, [H, W, C], or plain vectors, [D]. */
export function eventShape({ family, mask, data }: FlowConfig): Shape {
  const { shape } = data;
  const isImage = shape.length > 1;
  const wants = IMAGES.includes(family) || mask === 'checkerboard';
  if (wants && !isImage) {
    const what = mask === 'checkerboard' ? "a mask 'checkerboard'" : family;
    throw new LatentGpuError(
      'bad-config',
      `${what} takes images [height, width], and data points are ${formatShape(shape)}; ` +
        (mask === 'checkerboard' ? "take mask 'half' or 'alternating'" : 'train realnvp or maf'),
    );
  }
  return isImage && (wants || family === 'flow')
    ? [...shape, ...(shape.length === 2 ? [1] : [])]
    : [eventSize(shape)];
}

const keysOf = ({ net, transform }: FlowConfig) => ({
  ...(net && { hidden: net.hidden, activation: net.activation }),
  ...(transform && {
    transform: transform.kind,
    ...(transform.kind === 'affine' && { scale: transform.scale }),
    ...(transform.kind === 'spline' && { bins: transform.bins, bound: transform.bound }),
  }),
});

/** The layer of that name, or none. */
function optional(name: string | undefined): LayerConfig[] {
  if (name === undefined || name === 'none') return [];
  return [{ type: name === 'random' ? 'permute' : name }];
}

/** Whether turning the order round already lets the other part of a coupling move. */
function takesTurns({ mixing, mask }: FlowConfig, shape: Shape): boolean {
  const channels = shape.at(-1) as number;
  return (
    mixing === 'reverse' && (mask === 'half' || (mask === 'alternating' && channels % 2 === 0))
  );
}

/** Layers one below the other: norm, layer, mixing, as often as `depth` says, from data to noise. */
function stack(config: FlowConfig, shape: Shape): LayerConfig[] {
  const { family, depth = 1, mask, mixing, norm } = config;
  const isCoupling = family === 'realnvp';
  return Array.from({ length: depth }, (_, i) => [
    ...optional(norm),
    isCoupling
      ? {
          type: 'coupling',
          mask: mask ?? 'half',
          flip: i % 2 === 1 && !takesTurns(config, shape),
          ...keysOf(config),
        }
      : {
          type: family === 'iaf' ? 'inverse-autoregressive' : 'autoregressive',
          ...keysOf(config),
        },
    ...(i < depth - 1 ? optional(mixing) : []),
  ]).flat();
}

/** Levels of squeeze and steps, from data to noise. Kingma and Dhariwal 2018, figure 2. */
function scales(config: FlowConfig): LayerConfig[] {
  const { family, depth = 1, levels = 1, mixing, norm, kernel = 3 } = config;
  const mix = family === 'emerging' ? [{ type: 'emerging', kernel }] : optional(mixing);
  // Without mixing the halves have to take turns.
  const flips = family === 'glow' && mixing === 'none';
  return Array.from({ length: levels }, (_, level) => [
    { type: 'squeeze' },
    ...Array.from({ length: depth }, (_, i) => [
      ...optional(norm),
      ...mix,
      { type: 'coupling', flip: flips && i % 2 === 1, ...keysOf(config) },
    ]).flat(),
    ...(level < levels - 1 ? [{ type: 'split' }] : []),
  ]).flat();
}

/**
 * The layers of a configuration, from noise to data.
 *
 * ```ts
 * const flow = { family: 'linear-lu', data: { shape: [2] }, dequantize: 'none', logit: null } as const;
 * layersOf({ ...flow, base: { kind: 'normal' } }).length // 2
 * ```
 */
export function layersOf(config: FlowConfig): readonly LayerConfig[] {
  switch (config.family) {
    case 'flow':
      return config.layers ?? [];
    case 'linear-lu':
      return [{ type: 'lu' }, { type: 'actnorm' }];
    case 'linear-qr':
      return [{ type: 'qr' }, { type: 'actnorm' }];
    case 'glow':
    case 'emerging':
      return scales(config).toReversed();
    default:
      return stack(config, eventShape(config)).toReversed();
  }
}
