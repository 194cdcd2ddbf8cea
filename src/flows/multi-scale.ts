// The multi-scale architecture: after each level half of the channels are done, as normal variables
// whose mean and deviation are told by the other half, which goes on at half the resolution.
// Dinh, Sohl-Dickstein and Bengio 2017, 3.6; Kingma and Dhariwal 2018.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, concat, reshape, slice } from '../ops/index.ts';
import {
  Bijection,
  type Cost,
  checkEvents,
  eventSize,
  gathering,
  type Learned,
  type Mapped,
  type PartMap,
} from './bijection.ts';

export interface Level {
  /** From the level's noise-side images to its data-side images. */
  readonly steps: Bijection;
  /**
   * A coupling of halves over `steps.shape` whose moving half is set apart; none at the last level.
   * Its map is what makes standard normal noise of that half.
   */
  readonly prior?: Bijection;
}

/**
 * Noise is one vector [D]: that of the last level first.
 *
 * ```ts
 * const net: flows.ConditionerFactory = (from, to) =>
 *   new nn.ConvNet(from.at(-1) as number, to.at(-1) as number, { hidden: [16] });
 * const prior = new flows.Coupling({ shape: [2, 2, 4], transformer: flows.affine(), net });
 * const fine = { steps: new flows.Squeeze([4, 4, 1]), prior };
 * new flows.MultiScale([fine, { steps: new flows.ActNorm([2, 2, 2]) }]).shape // [16]
 * ```
 */
export class MultiScale extends Bijection {
  readonly shape: Shape;
  readonly levels: readonly Level[];
  readonly cost: { readonly forward: Cost; readonly inverse: Cost };

  /**
   * @param levels from the data on; each takes the staying half of the one before
   * @throws LatentGpuError `bad-config` for levels that do not follow from each other
   */
  constructor(levels: readonly Level[]) {
    super();
    if (levels.length === 0) {
      throw new LatentGpuError('bad-config', 'multi-scale: there must be at least one level');
    }
    for (const [i, level] of levels.entries()) checkLevel(level, levels[i + 1], i);
    this.levels = levels;
    this.shape = [eventSize(this.dataShape)];
    const all = levels.flatMap(({ steps, prior }) => [steps, ...(prior ? [prior] : [])]);
    const worst = (way: 'forward' | 'inverse'): Cost =>
      all.some((part) => part.cost[way] === 'sequential') ? 'sequential' : 'parallel';
    this.cost = { forward: worst('forward'), inverse: worst('inverse') };
  }

  override get dataShape(): Shape {
    return (this.levels[0] as Level).steps.dataShape;
  }

  override children(): [string, unknown][] {
    return this.levels.flatMap(({ steps, prior }, i): [string, unknown][] => [
      [`${i}.steps`, steps],
      ...(prior ? [[`${i}.prior`, prior] as [string, unknown]] : []),
    ]);
  }

  forward(z: Tensor, context?: Tensor): Mapped {
    checkEvents('multi-scale', z, this.shape);
    const batch = z.shape[0] as number;
    let at = 0;
    const take = (shape: Shape): Tensor => {
      const start = at;
      at += eventSize(shape);
      return reshape(slice(z, -1, start, at), [batch, ...shape]);
    };
    let value: Tensor | undefined;
    let logDet: Tensor | undefined;
    const account = (mapped: Mapped): Tensor => {
      logDet = logDet ? add(logDet, mapped.logDet) : mapped.logDet;
      return mapped.value;
    };
    for (const { steps, prior } of [...this.levels].reverse()) {
      if (!prior || !value) value = take(steps.shape);
      else {
        const half = halfOf(steps.shape);
        value = account(prior.forward(concat([value, take(half)], -1), context));
      }
      value = account(steps.forward(value, context));
    }
    return { value: value as Tensor, logDet: logDet as Tensor };
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    return this.descend(x, (part, value) => part.inverse(value, context));
  }

  override learn(x: Tensor, context?: Tensor): Learned {
    return gathering((map) => this.descend(x, map), 'learn', context);
  }

  override initialize(x: Tensor, context?: Tensor): Learned {
    return gathering((map) => this.descend(x, map), 'initialize', context);
  }

  private descend(x: Tensor, map: PartMap): Mapped {
    const noise: Tensor[] = [];
    let logDet: Tensor | undefined;
    const account = (mapped: Mapped): Tensor => {
      logDet = logDet ? add(logDet, mapped.logDet) : mapped.logDet;
      return mapped.value;
    };
    let value = x;
    for (const { steps, prior } of this.levels) {
      value = account(map(steps, value));
      if (prior) {
        const [stays, done] = halves(account(map(prior, value)));
        noise.unshift(flat(done));
        value = stays;
      } else noise.unshift(flat(value));
    }
    return { value: concat(noise, -1), logDet: logDet as Tensor };
  }
}

function checkLevel({ steps, prior }: Level, next: Level | undefined, i: number): void {
  const bad = (why: string) => new LatentGpuError('bad-config', `multi-scale: level ${i} ${why}`);
  if (!next) {
    if (prior) throw bad('is the last, where nothing is set apart: it takes no prior');
    return;
  }
  if (!prior) throw bad('needs a prior of the half that is set apart');
  const shape = formatShape(steps.shape);
  if ((steps.shape.at(-1) as number) % 2 !== 0)
    throw bad(`has no half of the channels of ${shape}`);
  if (prior.shape.join() !== steps.shape.join()) {
    throw bad(`has a prior of ${formatShape(prior.shape)} for ${shape}`);
  }
  const half = halfOf(steps.shape);
  if (next.steps.dataShape.join() === half.join()) return;
  throw bad(`leaves ${formatShape(half)}, and the next takes ${formatShape(next.steps.dataShape)}`);
}

/**
 * The shape of either half of the channels.
 *
 * @example flows.halfOf([4, 4, 2]) // [4, 4, 1]
 */
export function halfOf(shape: Shape): Shape {
  return [...shape.slice(0, -1), (shape.at(-1) as number) / 2];
}

function halves(x: Tensor): [stays: Tensor, done: Tensor] {
  const channels = x.shape.at(-1) as number;
  return [slice(x, -1, 0, channels / 2), slice(x, -1, channels / 2, channels)];
}

const flat = (x: Tensor): Tensor => reshape(x, [x.shape[0] as number, -1]);
