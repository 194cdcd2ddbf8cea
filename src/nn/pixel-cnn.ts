// The gated PixelCNN: a net over images whose output at a pixel sees the pixels before it, in the order of
// reading, and no other. Van den Oord et al. 2016, "Conditional image generation with PixelCNN decoders".
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, concat, relu, reshape, slice, zeros } from '../ops/index.ts';
import { gated } from './blocks.ts';
import { Conv2d } from './conv.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

export interface PixelCnnOptions {
  readonly height: number;
  readonly width: number;
  /** Numbers for each colour of each pixel. */
  readonly outputs: number;
  /** Numbers that a pixel has, told one after the other. Default: 1. */
  readonly colours?: number;
  /** Of either stack; twice as many where they are gated. */
  readonly channels: number;
  /** Gated layers, the first included. */
  readonly layers: number;
  /** Rows above, and columns to either side, that the first layer sees. */
  readonly reach: number;
  /** The same of the others, beyond the pixel's own features. */
  readonly innerReach: number;
  /** Channels of a context that every output sees: [B, C] or maps [B, H, W, C]. Default: none. */
  readonly context?: number;
}

/** Taps of a layer: a mask A leaves out what is at the pixel itself, a mask B has it. */
export interface Taps {
  readonly mask: 'A' | 'B';
  readonly rows: number;
  readonly columns: number;
  /** Of the horizontal stack: to the left, and the pixel's own. */
  readonly left: number;
}

/**
 * One gated layer: a vertical stack that sees whole rows above, and a horizontal one that sees its row to
 * the left and what the vertical one makes there. Kernels have the taps that the masks leave, so nothing is
 * multiplied by zero; there is no blind spot.
 *
 * ```ts
 * const taps = { mask: 'A', rows: 2, columns: 5, left: 2 } as const;
 * const image = ops.zeros([1, 8, 8, 1]);
 * new nn.GatedLayer(1, 16, taps, 0).call(image, image).h.shape // [1, 8, 8, 16]
 * ```
 */
export class GatedLayer extends Module {
  readonly taps: Taps;
  readonly vertical: Conv2d;
  readonly horizontal: Conv2d;
  /** From the vertical stack to the horizontal one, before the gates. */
  readonly across: Linear;
  /** After the horizontal gate. */
  readonly out: Linear;
  readonly told: Linear | undefined;

  constructor(inputs: number, channels: number, taps: Taps, context: number) {
    super();
    this.taps = taps;
    this.vertical = new Conv2d(inputs, 2 * channels, { kernel: [taps.rows, taps.columns] });
    this.horizontal = new Conv2d(inputs, 2 * channels, { kernel: [1, taps.left] });
    this.across = new Linear(2 * channels, 2 * channels);
    this.out = new Linear(channels, channels);
    this.told = context > 0 ? new Linear(context, 2 * channels, { bias: false }) : undefined;
  }

  /**
   * @param v of the layer below; for the first, the image
   * @param h the same
   */
  call(v: Tensor, h: Tensor, context?: Tensor): { v: Tensor; h: Tensor } {
    const { taps, told } = this;
    const plain = causal(v, this.vertical, 1, taps.rows, taps.mask);
    const above = told && context ? add(plain, told.call(context)) : plain;
    const beside = causal(h, this.horizontal, 2, taps.left, taps.mask);
    return { v: gated(above), h: this.joined(add(beside, this.across.call(above)), h) };
  }

  /** The horizontal stack's features [..., C] of what its gate takes [..., 2C]. @param below h of the layer below */
  joined(beside: Tensor, below: Tensor): Tensor {
    const out = this.out.call(gated(beside));
    return this.taps.mask === 'A' ? out : add(out, below);
  }
}

/**
 * A convolution that along `axis` sees `taps` places up to its own (mask B), or up to the one before (A).
 * Zeros in front move what a kernel that lies around its place sees to what lies before it.
 */
function causal(x: Tensor, conv: Conv2d, axis: 1 | 2, taps: number, mask: Taps['mask']): Tensor {
  const extent = x.shape[axis] as number;
  const front = mask === 'A' ? taps : taps - 1;
  const edge = x.shape.map((n, i) => (i === axis ? front : n));
  const y = conv.call(front > 0 ? concat([zeros(edge), x], axis) : x);
  const centre = Math.floor((taps - 1) / 2);
  return slice(y, axis, centre, centre + extent);
}

/**
 * A gated PixelCNN of images [H, W] or [H, W, colours]: outputs at a pixel see the pixels before it, those of
 * a colour the pixel's colours before it as well, in one hidden layer.
 *
 * ```ts
 * const sizes = { height: 8, width: 8, outputs: 1, channels: 16, layers: 3, reach: 2, innerReach: 1 };
 * new nn.PixelCnn(sizes).call(ops.zeros([4, 64])).shape // [4, 64]
 * ```
 */
export class PixelCnn extends Module {
  readonly options: PixelCnnOptions;
  readonly layers: readonly GatedLayer[];
  readonly hidden: Linear;
  /** To the hidden layer, for each colour but the first: the colours before it. */
  readonly before: readonly Linear[];
  /** Of each colour. */
  readonly last: readonly Linear[];

  /** @throws LatentGpuError `bad-config` for images that are smaller than what the first layer sees */
  constructor(options: PixelCnnOptions) {
    super();
    this.options = options;
    const { height, width, outputs, channels, layers, reach, innerReach } = options;
    const { context = 0, colours = 1 } = options;
    const least = Math.min(height, width);
    if (Math.max(reach, innerReach) >= least) {
      throw new LatentGpuError(
        'bad-config',
        `a layer that sees ${Math.max(reach, innerReach)} pixels to each side does not fit images of ${height}×${width}; it may see ${least - 1} at most`,
      );
    }
    const first: Taps = { mask: 'A', rows: reach, columns: 2 * reach + 1, left: reach };
    const inner: Taps = {
      mask: 'B',
      rows: innerReach + 1,
      columns: 2 * innerReach + 1,
      left: innerReach + 1,
    };
    this.layers = Array.from({ length: layers }, (_, i) =>
      i === 0
        ? new GatedLayer(colours, channels, first, context)
        : new GatedLayer(channels, channels, inner, context),
    );
    this.hidden = new Linear(channels, 2 * channels);
    this.before = Array.from(
      { length: colours - 1 },
      (_, i) => new Linear(i + 1, 2 * channels, { bias: false }),
    );
    this.last = Array.from({ length: colours }, () => new Linear(2 * channels, outputs));
  }

  /** Numbers of a pixel where it takes most: patches of the vertical stack, or outputs. */
  get numbers(): number {
    const { channels, innerReach, outputs, layers, colours = 1 } = this.options;
    const patch = layers > 1 ? (innerReach + 1) * (2 * innerReach + 1) * channels : 0;
    return Math.max(patch, 2 * channels, outputs * colours);
  }

  override children(): [string, unknown][] {
    return [
      ['layers', [...this.layers]],
      ['hidden', this.hidden],
      ['before', [...this.before]],
      // One colour has one, under the name that it had before there were others.
      ['last', this.last.length > 1 ? [...this.last] : this.last[0]],
    ];
  }

  /**
   * Outputs [B, H · W · colours · outputs], those of a pixel's colour together, of images [B, H · W · colours].
   *
   * @param context [B, C] or [B, H, W, C], of conditional nets
   */
  call(x: Tensor, context?: Tensor): Tensor {
    const { height, width, colours = 1 } = this.options;
    const images = reshape(x, [-1, height, width, colours]);
    const told =
      context &&
      (context.rank === 4 ? context : reshape(context, [-1, 1, 1, context.shape[1] as number]));
    let [v, h] = [images, images];
    for (const layer of this.layers) ({ v, h } = layer.call(v, h, told));
    const each = this.last.map((_, i) => this.head(h, i > 0 ? slice(images, -1, 0, i) : undefined));
    return reshape(concat(each, -1), [images.shape[0] as number, -1]);
  }

  /**
   * Outputs for one colour of a pixel, [..., outputs].
   *
   * @param h the horizontal stack's features [..., C]
   * @param known the pixel's colours before it [..., n], for the colour n; left out for the first
   */
  head(h: Tensor, known?: Tensor): Tensor {
    const n = known?.shape.at(-1) ?? 0;
    const last = this.last[n] as Linear;
    if (!known) return last.call(this.hidden.call(relu(h), 'relu'));
    return last.call(
      relu(add(this.hidden.call(relu(h)), (this.before[n - 1] as Linear).call(known))),
    );
  }
}
