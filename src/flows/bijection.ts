// Bijections: invertible maps whose change of volume is known. Forward is from noise to data,
// here and everywhere.
import { LatentGpuError } from '../errors.ts';
import { formatShape, type Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { Module } from '../nn/index.ts';
import { add, constant, reshape, sum } from '../ops/index.ts';

/** A value and how the map that made it changes volume there. */
export interface Mapped {
  /** [B, ...event]. */
  readonly value: Tensor;
  /** log |det ∂value/∂input| in nats: [B], or a scalar where it is the same for every point. */
  readonly logDet: Tensor;
}

/** What one direction costs: one pass, or one pass for each coordinate after the other. */
export type Cost = 'parallel' | 'sequential';

/** A pass over data in training, and the assignments to buffers and parameters that go with it. */
export interface Learned extends Mapped {
  readonly effects: readonly Tensor[];
}

/** Steps that follow each other in time; the GPU repeats them and the host waits for none. */
export interface Recurrence {
  readonly steps: number;
  /** Assignments that make the state which the first step finds. */
  readonly start: readonly Tensor[];
  /** Assignments of each step. */
  readonly step: readonly Tensor[];
  /** What the state says after the last step. */
  readonly result: Mapped;
  /** Memory that belongs to the recurrence. */
  readonly state: readonly Variable[];
}

/** A piece of a direction: a graph, or a recurrence where a graph would be too long. */
export type Stage =
  | { readonly map: (x: Tensor, context?: Tensor) => Mapped }
  | { readonly recur: (x: Tensor, context?: Tensor) => Recurrence };

export type Way = 'forward' | 'inverse';

/**
 * An invertible map of events. Subclasses describe both directions, each with its own
 * log-determinant; `inverse(forward(z).value).value = z`.
 *
 * ```ts
 * class Doubling extends flows.Bijection {
 *   readonly shape = [2];
 *   readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
 *   forward(z: Tensor) {
 *     return { value: ops.mul(2, z), logDet: ops.constant(2 * Math.LN2) };
 *   }
 *   inverse(x: Tensor) {
 *     return { value: ops.mul(0.5, x), logDet: ops.constant(-2 * Math.LN2) };
 *   }
 * }
 * ```
 */
export abstract class Bijection extends Module {
  /** Extents of an event on the side of the noise. */
  abstract readonly shape: Shape;
  abstract readonly cost: { readonly forward: Cost; readonly inverse: Cost };

  /** Extents of an event on the side of the data. */
  get dataShape(): Shape {
    return this.shape;
  }

  /** From noise [B, ...shape] to data. @param context [B, C], of conditional maps; see theirs */
  abstract forward(z: Tensor, context?: Tensor): Mapped;

  /** From data [B, ...dataShape] to noise. */
  abstract inverse(x: Tensor, context?: Tensor): Mapped;

  /** A direction as pieces one after the other: see `Passage`. */
  stages(way: Way): readonly Stage[] {
    return [{ map: (x, context) => this[way](x, context) }];
  }

  /** `inverse` as training does it: parts that keep statistics (BatchNorm) take those of the batch. */
  learn(x: Tensor, context?: Tensor): Learned {
    return { ...this.inverse(x, context), effects: [] };
  }

  /**
   * Lets parts that start from data (ActNorm) do so: `x` are data, which come out as `inverse`
   * leaves them with the parameters just found.
   */
  initialize(x: Tensor, context?: Tensor): Learned {
    return this.learn(x, context);
  }

  /** The same for a map that is turned around: `x` are data on the side of the noise, taken to the other. */
  initializeForward(x: Tensor, context?: Tensor): Learned {
    return { ...this.forward(x, context), effects: [] };
  }
}

/**
 * Elements of an event.
 *
 * @example flows.eventSize([28, 28]) // 784
 */
export function eventSize(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Sums over everything but the batch: [B]. */
export function perEvent(x: Tensor): Tensor {
  return sum(reshape(x, [x.shape[0] as number, -1]), -1);
}

/** @throws LatentGpuError `shape-mismatch` unless `x` is [B, ...shape] */
export function checkEvents(who: string, x: Tensor, shape: Shape): void {
  const event = x.shape.slice(1);
  if (x.rank === shape.length + 1 && event.every((extent, i) => extent === shape[i])) return;
  throw new LatentGpuError(
    'shape-mismatch',
    `${who}: ${x} is not a batch of events ${formatShape(shape)}`,
  );
}

/**
 * Maps one after the other: forward takes them from the first to the last.
 *
 * ```ts
 * const chain = new flows.Chain([new flows.LuLinear([2]), new flows.ActNorm([2])]);
 * chain.forward(ops.zeros([3, 2])).value.shape // [3, 2]
 * ```
 */
export class Chain extends Bijection {
  readonly parts: readonly Bijection[];
  readonly shape: Shape;
  readonly cost: { readonly forward: Cost; readonly inverse: Cost };

  /** @throws LatentGpuError `bad-config` for no part, or parts whose shapes do not follow from each other */
  constructor(parts: readonly Bijection[]) {
    super();
    const [first] = parts;
    if (!first) throw new LatentGpuError('bad-config', 'a chain of bijections needs at least one');
    parts.slice(1).forEach((part, i) => {
      const before = (parts[i] as Bijection).dataShape;
      if (part.shape.join() === before.join()) return;
      const why = `part ${i} gives ${formatShape(before)} and part ${i + 1} takes ${formatShape(part.shape)}`;
      throw new LatentGpuError('bad-config', `a chain of bijections does not fit: ${why}`);
    });
    this.parts = parts;
    this.shape = first.shape;
    const worst = (way: Way): Cost =>
      parts.some((part) => part.cost[way] === 'sequential') ? 'sequential' : 'parallel';
    this.cost = { forward: worst('forward'), inverse: worst('inverse') };
  }

  override get dataShape(): Shape {
    return (this.parts.at(-1) as Bijection).dataShape;
  }

  override children(): [string, unknown][] {
    return this.parts.map((part, i) => [String(i), part]);
  }

  forward(z: Tensor, context?: Tensor): Mapped {
    return through(this.parts, z, (part, value) => part.forward(value, context));
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    return through([...this.parts].reverse(), x, (part, value) => part.inverse(value, context));
  }

  override stages(way: Way): readonly Stage[] {
    const parts = way === 'forward' ? this.parts : [...this.parts].reverse();
    return parts.flatMap((part) => part.stages(way));
  }

  override learn(x: Tensor, context?: Tensor): Learned {
    return gathering((map) => through([...this.parts].reverse(), x, map), 'learn', context);
  }

  override initialize(x: Tensor, context?: Tensor): Learned {
    return gathering((map) => through([...this.parts].reverse(), x, map), 'initialize', context);
  }

  override initializeForward(x: Tensor, context?: Tensor): Learned {
    return gathering((map) => through(this.parts, x, map), 'initializeForward', context);
  }
}

/** How parts of a larger map are applied. */
export type PartMap = (part: Bijection, value: Tensor) => Mapped;

/** A pass over several parts, with the effects of all of them. */
export function gathering(
  pass: (map: PartMap) => Mapped,
  how: 'learn' | 'initialize' | 'initializeForward',
  context: Tensor | undefined,
): Learned {
  const effects: Tensor[] = [];
  const mapped = pass((part, value) => {
    const learned = part[how](value, context);
    effects.push(...learned.effects);
    return learned;
  });
  return { ...mapped, effects };
}

function through(parts: readonly Bijection[], start: Tensor, map: PartMap): Mapped {
  let value = start;
  let logDet: Tensor | undefined;
  for (const part of parts) {
    const mapped = map(part, value);
    value = mapped.value;
    logDet = logDet ? add(logDet, mapped.logDet) : mapped.logDet;
  }
  return { value, logDet: logDet ?? constant(0) };
}

/**
 * A map the other way round: its forward is the inverse of what it is given.
 *
 * @example new flows.Inverted(new flows.Squeeze([4, 4, 1])).dataShape // [2, 2, 4]
 */
export class Inverted extends Bijection {
  readonly of: Bijection;
  readonly shape: Shape;
  readonly cost: { readonly forward: Cost; readonly inverse: Cost };

  constructor(of: Bijection) {
    super();
    this.of = of;
    this.shape = of.dataShape;
    this.cost = { forward: of.cost.inverse, inverse: of.cost.forward };
  }

  override get dataShape(): Shape {
    return this.of.shape;
  }

  forward(z: Tensor, context?: Tensor): Mapped {
    return this.of.inverse(z, context);
  }

  inverse(x: Tensor, context?: Tensor): Mapped {
    return this.of.forward(x, context);
  }

  override initialize(x: Tensor, context?: Tensor): Learned {
    return this.of.initializeForward(x, context);
  }

  override initializeForward(x: Tensor, context?: Tensor): Learned {
    return this.of.initialize(x, context);
  }

  override stages(way: Way): readonly Stage[] {
    return this.of.stages(way === 'forward' ? 'inverse' : 'forward');
  }
}
