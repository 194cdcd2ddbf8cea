// A PixelCNN asked for one pixel after the other: the vertical stack is computed a row at a time, from rows
// that are kept, and the horizontal one a pixel at a time, from the pixels to its left that are kept.
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  concat,
  conv2d,
  equalUint,
  full,
  gather,
  iota,
  matmul,
  reshape,
  slice,
  transpose,
  where,
  zeros,
} from '../ops/index.ts';
import { gated } from './blocks.ts';
import type { GatedLayer, PixelCnn } from './pixel-cnn.ts';

/** What a layer keeps between the steps. */
interface Kept {
  readonly layer: GatedLayer;
  /** Rows of its input above the one at hand, [B, rows, W, C]. */
  readonly rows: Variable | undefined;
  /** Its input at the pixels to the left, [B, taps · C]. */
  readonly left: Variable | undefined;
  /** Weights of the horizontal stack, [taps · C, 2C]. */
  readonly weight: Variable;
}

/**
 * A {@link PixelCnn} at work, for B images drawn side by side: a pixel costs its own taps alone.
 *
 * ```ts
 * const walk = new nn.PixelWalk(pixelCnn, 64);
 * const before = [walk.start(), walk.begin()]; // effects before the image, and before each row
 * const value = ops.slice(walk.call(), -1, 0, 1); // of what the net says of the pixel, the mean
 * const effects = walk.advance(value); // shows it to the net and goes on to the next
 * ```
 */
export class PixelWalk {
  /** Number of the pixel whose turn it is: unsigned [1]. */
  readonly known: Variable;
  private readonly net: PixelCnn;
  private readonly batch: number;
  private readonly row: Variable;
  private readonly column: Variable;
  /** The row at hand as far as it is known, [B, W, colours]. */
  private readonly current: Variable;
  private readonly kept: readonly Kept[];
  /** What the vertical stack tells every layer of the row's pixels, [W, layers · B · 2C]. */
  private readonly told: Variable;
  /** Maps of the context, a row a row: [H, B · W · C]. */
  private readonly maps: Variable | undefined;
  private readonly context: Tensor | undefined;
  private found: readonly Tensor[] | undefined;

  /** @param context [B, C] or [B, H, W, C], of conditional nets */
  constructor(net: PixelCnn, batch: number, context?: Tensor) {
    this.net = net;
    this.batch = batch;
    this.context = context;
    const { width, height, channels, colours = 1 } = net.options;
    const held = (name: string, shape: Shape) => variable(name, shape);
    const counter = (name: string) => variable(name, [1], { dtype: 'u32' });
    this.known = counter('known');
    this.row = counter('row');
    this.column = counter('column');
    this.current = held('current', [batch, width, colours]);
    this.kept = net.layers.map((layer, i) => {
      const { mask, rows, left } = layer.taps;
      const inputs = i === 0 ? colours : channels;
      // What is at hand itself is not kept.
      const own = mask === 'A' ? 0 : 1;
      return {
        layer,
        rows: rows > own ? held(`${i}.rows`, [batch, rows - own, width, inputs]) : undefined,
        left: left > own ? held(`${i}.left`, [batch, (left - own) * inputs]) : undefined,
        weight: held(`${i}.weight`, [left * inputs, 2 * channels]),
      };
    });
    this.told = held('told', [width, net.layers.length * batch * 2 * channels]);
    const isOfMaps = context?.rank === 4;
    this.maps = isOfMaps
      ? held('maps', [height, batch * width * (context.shape[3] as number)])
      : undefined;
  }

  /** Memory that belongs to the walk. */
  get state(): Variable[] {
    const { known, row, column, current, told, maps } = this;
    const kept = this.kept.flatMap(({ rows, left, weight }) => [rows, left, weight]);
    return [known, row, column, current, told, ...kept, maps].filter((held) => held !== undefined);
  }

  /** Assignments before the first row. */
  start(): Tensor[] {
    const { context, maps } = this;
    const none = full([1], 0, 'u32');
    return [
      assign(this.known, none),
      assign(this.row, none),
      assign(this.column, none),
      assign(this.current, zeros(this.current.shape)),
      ...this.kept.flatMap(({ layer, rows, weight }) => [
        assign(
          weight,
          transpose(
            reshape(transpose(layer.horizontal.weight, [0, 2, 3, 1]), [
              weight.shape[1] as number,
              -1,
            ]),
          ),
        ),
        ...(rows ? [assign(rows, zeros(rows.shape))] : []),
      ]),
      ...(maps && context
        ? [assign(maps, reshape(transpose(context, [1, 0, 2, 3]), maps.shape))]
        : []),
    ];
  }

  /** Assignments that begin a row: the row before it has just been completed, and the first follows `start`. */
  begin(): Tensor[] {
    const { batch, current, row } = this;
    const { width, colours = 1 } = this.net.options;
    // Before the first row there is none: its zeros go into rows of zeros.
    let below: Tensor = reshape(current, [batch, 1, width, colours]);
    const effects: Tensor[] = [];
    const told: Tensor[] = [];
    for (const { layer, rows } of this.kept) {
      const seen = rows ? concat([rows, below], 1) : below;
      const [count, all] = [layer.taps.rows, seen.shape[1] as number];
      const window = slice(seen, 1, all - count, all);
      if (rows) effects.push(assign(rows, slice(seen, 1, 1, all)));
      const above = this.above(layer, window);
      told.push(layer.across.call(above));
      below = gated(above);
    }
    const across = told.map((each) =>
      reshape(transpose(reshape(each, [batch, width, -1]), [1, 0, 2]), [width, -1]),
    );
    return [
      ...effects,
      assign(this.told, concat(across, 1)),
      assign(current, zeros(current.shape)),
      assign(this.column, full([1], 0, 'u32')),
      assign(row, addUint(row, 1)),
      ...this.kept.flatMap(({ left }) => (left ? [assign(left, zeros(left.shape))] : [])),
    ];
  }

  /** The vertical stack before its gate at the row at hand, [B, 1, W, 2C]. @param seen [B, taps, W, C] */
  private above({ vertical, taps, told }: GatedLayer, seen: Tensor): Tensor {
    const margin = (taps.columns - 1) / 2;
    const shape = seen.shape.map((n, i) => (i === 2 ? margin : n));
    const padded = margin > 0 ? concat([zeros(shape), seen, zeros(shape)], 2) : seen;
    const product = conv2d(padded, vertical.weight, { padding: 'valid' });
    const plain = add(product, vertical.bias as Variable);
    const context = this.contextOfRow();
    return told && context ? add(plain, told.call(context)) : plain;
  }

  private contextOfRow(): Tensor | undefined {
    const { context, maps, batch, row } = this;
    if (!context) return undefined;
    if (!maps) return reshape(context, [batch, 1, 1, -1]);
    return reshape(gather(maps, row), [batch, 1, this.net.options.width, -1]);
  }

  /**
   * The net's outputs for a colour of the pixel whose turn it is, [B, outputs].
   *
   * @param known the pixel's colours before it, [B, 1] each
   */
  call(known: readonly Tensor[] = []): Tensor {
    const told = known.length > 0 ? concat([...known], 1) : undefined;
    return this.net.head(this.features().at(-1) as Tensor, told);
  }

  /** h of every layer at the pixel, [B, C]. */
  private features(): readonly Tensor[] {
    this.found ??= this.described();
    return this.found;
  }

  private described(): readonly Tensor[] {
    const { batch, net, kept } = this;
    const { channels } = net.options;
    const told = reshape(gather(this.told, this.column), [kept.length, batch, 2 * channels]);
    const found: Tensor[] = [];
    kept.forEach(({ layer, left, weight }, i) => {
      const own = found[i - 1];
      const parts = [left, own].filter((part) => part !== undefined);
      const beside = add(matmul(concat(parts, 1), weight), layer.horizontal.bias as Variable);
      const above = reshape(slice(told, 0, i, i + 1), [batch, 2 * channels]);
      found.push(layer.joined(add(beside, above), own ?? beside));
    });
    return found;
  }

  /** Assignments that show the net the pixel's value [B, colours] and go on to the next. */
  advance(value: Tensor): Tensor[] {
    const { batch, known, column, current, kept } = this;
    const { width } = this.net.options;
    const isNow = equalUint(reshape(iota(width), [1, width, 1]), column);
    const below = [value, ...this.features()];
    return [
      assign(current, where(isNow, reshape(value, [batch, 1, -1]), current)),
      ...kept.flatMap(({ left }, i) => {
        if (!left) return [];
        const own = below[i] as Tensor;
        const all = concat([left, own], 1);
        const size = all.shape[1] as number;
        return [assign(left, slice(all, 1, own.shape[1] as number, size))];
      }),
      assign(column, addUint(column, 1)),
      assign(known, addUint(known, 1)),
    ];
  }
}
