// Couplings: one part of an event stays as it is and tells a net how to transform the other part, so
// that both directions cost one pass. Dinh, Sohl-Dickstein and Bengio 2017.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import { concat, expand, mul, reshape, slice, where } from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Mapped, perEvent } from './bijection.ts';
import type { Transformer } from './transformers.ts';

/**
 * Which part stays. `half`: the first half of the last axis (channels, on images). `alternating`:
 * every other index of it. `checkerboard`: every other pixel of an image [H, W, C].
 */
export type MaskKind = 'half' | 'alternating' | 'checkerboard';

export const MASKS: readonly MaskKind[] = ['half', 'alternating', 'checkerboard'];

/** A net from events [B, ...input] to [B, ...output]. */
export type Conditioner = Module & { call(x: Tensor): Tensor };

export type ConditionerFactory = (input: Shape, output: Shape) => Conditioner;

export interface CouplingOptions {
  readonly shape: Shape;
  readonly transformer: Transformer;
  readonly net: ConditionerFactory;
  readonly mask?: MaskKind;
  /** Whether the parts change places. */
  readonly flip?: boolean;
  /** Features C of the context that the net is shown as well: [B, C], or [B, H, W, C] of images. */
  readonly context?: number;
}

/** Elements that stay (1) and that are transformed (0). */
function maskOf(kind: Exclude<MaskKind, 'half'>, shape: Shape, flip: boolean): Float32Array {
  const channels = shape.at(-1) as number;
  const width = shape.at(-2) ?? 1;
  return Float32Array.from({ length: eventSize(shape) }, (_, i) => {
    const pixel = Math.floor(i / channels);
    const place =
      kind === 'alternating' ? i % channels : (pixel % width) + Math.floor(pixel / width);
    return place % 2 === (flip ? 1 : 0) ? 1 : 0;
  });
}

/** The context beside the features of every place: [B, C] for all places alike, [B, ...places, C] not. */
export function withContext(x: Tensor, context: Tensor | undefined, size: number): Tensor {
  if (size === 0) return x;
  const batch = x.shape[0] as number;
  const places = x.shape.slice(1, -1);
  const whole = [batch, ...places, size];
  if (context?.shape.join() === whole.join()) return concat([x, context], -1);
  if (context?.shape.join() !== `${batch},${size}`) {
    const images = places.length > 0 ? ` or ${formatShape(whole)}` : '';
    throw new LatentGpuError(
      'shape-mismatch',
      `a conditional flow needs a context [${batch}, ${size}]${images}, not ${context ?? 'none'}`,
    );
  }
  return concat([x, expand(reshape(context, [batch, ...places.map(() => 1), size]), whole)], -1);
}

/**
 * Part of an event [..., C] stays as it is, and tells a net how a transformer moves the other part.
 *
 * ```ts
 * const coupling = new flows.Coupling({
 *   shape: [4],
 *   transformer: flows.affine(),
 *   net: (from, to) => new nn.MLP([flows.eventSize(from), 64, flows.eventSize(to)]),
 * });
 * coupling.forward(ops.zeros([3, 4])).value.shape // [3, 4]
 * ```
 */
export class Coupling extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly net: Conditioner;
  /** 1 where an element stays; none for halves, which are cut apart. */
  readonly mask: Variable | undefined;
  private readonly options: CouplingOptions;
  /** Extent of the last axis that stays, of halves. */
  private readonly kept: number;

  /** @throws LatentGpuError `bad-config` for a mask that leaves nothing to transform */
  constructor(options: CouplingOptions) {
    super();
    const { shape, mask = 'half', flip = false, transformer, net, context = 0 } = options;
    this.shape = shape;
    this.options = options;
    const channels = shape.at(-1) as number;
    const places = shape.slice(0, -1);
    const fits =
      mask === 'checkerboard' ? shape.length === 3 && eventSize(places) > 1 : channels > 1;
    if (!fits) {
      throw new LatentGpuError(
        'bad-config',
        `a coupling with mask '${mask}' transforms nothing of an event ${formatShape(shape)}; ` +
          (mask === 'checkerboard'
            ? 'it takes images [H, W, C]'
            : 'it takes 2 channels or more; a number alone takes an autoregressive layer, as in maf'),
      );
    }
    const first = Math.ceil(channels / 2);
    this.kept = flip ? channels - first : first;
    const isHalf = mask === 'half';
    const [seen, made] = isHalf ? [this.kept, channels - this.kept] : [channels, channels];
    this.net = net([...places, seen + context], [...places, made * transformer.parameters]);
    this.mask = isHalf
      ? undefined
      : variable('mask', shape, { init: () => maskOf(mask, shape, flip) });
  }

  override children(): [string, unknown][] {
    return [['net', this.net], ...(this.mask ? [['mask', this.mask] as [string, unknown]] : [])];
  }

  forward(z: Tensor, context?: Tensor): Mapped {
    return this.map(z, context, 'forward');
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    return this.map(x, context, 'inverse');
  }

  private map(x: Tensor, context: Tensor | undefined, way: 'forward' | 'inverse'): Mapped {
    checkEvents('coupling', x, this.shape);
    const { transformer, flip = false } = this.options;
    const channels = this.shape.at(-1) as number;
    if (this.mask) {
      const parameters = this.parametersFor(mul(x, this.mask), context);
      const { value, logSlope } = transformer[way](x, parameters);
      // Chosen, not multiplied away: what is transformed for nothing may be of any size.
      return {
        value: where(this.mask, x, value),
        logDet: perEvent(where(this.mask, 0, logSlope)),
      };
    }
    const cut = flip ? channels - this.kept : this.kept;
    const parts = [slice(x, -1, 0, cut), slice(x, -1, cut, channels)] as [Tensor, Tensor];
    const [stays, moves] = flip ? [parts[1], parts[0]] : parts;
    const parameters = this.parametersFor(stays, context);
    const { value, logSlope } = transformer[way](moves, parameters);
    return {
      value: concat(flip ? [value, stays] : [stays, value], -1),
      logDet: perEvent(logSlope),
    };
  }

  /** What the net says about the part that moves. */
  private parametersFor(seen: Tensor, context: Tensor | undefined): Tensor {
    return this.net.call(withContext(seen, context, this.options.context ?? 0));
  }
}
