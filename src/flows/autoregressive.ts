// Masked autoregressive flows: each coordinate is transformed by what comes before it. The density
// costs one pass, a draw one pass for every coordinate (Papamakarios, Pavlakou and Murray 2017);
// turned around it is the inverse autoregressive flow (Kingma et al. 2016): `new Inverted(maf)`.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { MADE, type MadeOptions, MadeWalk } from '../nn/index.ts';
import {
  add,
  assign,
  equalUint,
  gather,
  iota,
  less,
  reshape,
  sum,
  transpose,
  where,
  zeros,
} from '../ops/index.ts';
import {
  Bijection,
  checkEvents,
  type Mapped,
  type Recurrence,
  type Stage,
  type Way,
} from './bijection.ts';
import type { Transformer } from './transformers.ts';

export interface AutoregressiveOptions extends Omit<MadeOptions, 'outputs'> {
  readonly transformer: Transformer;
}

/** Passes that one graph may hold. */
const UNROLLED = 64;

/** Coordinates for which as many passes of a net are faster than the steps of a walk: few dispatches. */
const FEW = 3;

/**
 * Vectors [D]; feature i is transformed with parameters that features of lower rank tell.
 *
 * ```ts
 * const maf = new flows.Autoregressive({ features: 2, hidden: [16], transformer: flows.affine() });
 * maf.inverse(ops.zeros([5, 2])).logDet.shape // [5]
 * ```
 */
export class Autoregressive extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'sequential', inverse: 'parallel' } as const;
  readonly made: MADE;
  /** When each coordinate's turn comes, [D]. */
  readonly rank: Variable;
  private readonly transformer: Transformer;

  constructor(options: AutoregressiveOptions) {
    super();
    const { features, transformer } = options;
    this.shape = [features];
    this.transformer = transformer;
    this.made = new MADE({ ...options, outputs: transformer.parameters });
    const { order } = this.made;
    this.rank = variable('rank', [features], {
      init: () => Float32Array.from(order),
    });
  }

  /**
   * Coordinate after coordinate: pass k fixes the one of rank k. For few coordinates, where gradients
   * are wanted; `stages` has the same at the cost of one pass for all.
   *
   * @throws LatentGpuError `bad-input` for more than 64 coordinates
   */
  forward(z: Tensor, context?: Tensor): Mapped {
    checkEvents('autoregressive flow', z, this.shape);
    const [features] = this.shape as [number];
    if (features > UNROLLED) {
      throw new LatentGpuError(
        'bad-input',
        `${features} autoregressive passes do not fit into one graph, which holds ${UNROLLED}; take a Passage, or the direction that costs one pass`,
      );
    }
    let x: Tensor = zeros(z.shape);
    for (let k = 0; ; k++) {
      const { value, logSlope } = this.transformer.forward(z, this.made.call(x, context));
      if (k === features - 1) return { value, logDet: sum(logSlope, -1) };
      // What is not known yet stays 0: it must not grow while it is wrong.
      x = where(less(this.rank, k + 0.5), value, 0);
    }
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    checkEvents('autoregressive flow', x, this.shape);
    const { value, logSlope } = this.transformer.inverse(x, this.made.call(x, context));
    return { value, logDet: sum(logSlope, -1) };
  }

  override stages(way: Way): readonly Stage[] {
    const [features] = this.shape as [number];
    if (way === 'inverse' || features <= FEW) return super.stages(way);
    return [{ recur: (z, context) => this.recurrence(z, context) }];
  }

  /** Forward as D steps, each of which fixes one coordinate and shows it to the net. */
  private recurrence(z: Tensor, context?: Tensor): Recurrence {
    checkEvents('autoregressive flow', z, this.shape);
    const [batch, features] = z.shape as [number, number];
    const walk = new MadeWalk(this.made, batch);
    const held = (name: string, shape: Shape) => variable(name, shape, { role: 'state' });
    // A coordinate a row, in the order of their turns.
    const [noise, data] = [held('noise', [features, batch]), held('data', [features, batch])];
    const logDet = held('logDet', [batch]);
    const own = gather(noise, walk.known);
    const { value, logSlope } = this.transformer.forward(transpose(own), walk.call());
    const isNow = equalUint(reshape(iota(features), [features, 1]), walk.known);
    return {
      steps: features,
      start: [
        assign(noise, gather(transpose(z), walk.places)),
        assign(logDet, zeros([batch])),
        ...walk.start(context),
      ],
      step: [
        assign(data, where(isNow, transpose(value), data)),
        assign(logDet, add(logDet, reshape(logSlope, [batch]))),
        ...walk.advance(value),
      ],
      result: { value: transpose(gather(data, walk.ranks)), logDet },
      state: [noise, data, logDet, ...walk.state],
    };
  }
}
