/** Random programs: directed graphs of ops of every kind over a few small shapes. */
import { LatentGpuError } from '../../src/errors.ts';
import { sameShape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { packParameters, type Variable, variable } from '../../src/graph/variable.ts';
import * as o from '../../src/ops/index.ts';
import type { Program } from '../../src/scheduler/run/schedule.ts';
import { reals } from './engine.ts';

/** A whole number from 0 to n - 1: every decision of the generator is one of these. */
export type Choose = (n: number) => number;

export interface RandomProgram {
  program: Program;
  values: Map<Variable, Float32Array>;
}

/** `size` nodes on top of a few variables; every decision comes from `choose`. */
export function randomProgram(choose: Choose, size: number): RandomProgram {
  const pick = <T>(list: readonly T[]): T => list[choose(list.length)] as T;
  const extents = [pick([1, 2, 3, 5]), pick([3, 4, 7, 8])] as const;
  const [b, d] = extents;
  const values = new Map<Variable, Float32Array>();
  const shapes = [[b, d], [d], [b, 1], [], [d, d], [2, b, d], [d, b]];
  const pool: Tensor[] = shapes.map((shape, i) => {
    const made = variable(`v${i}`, shape, { role: 'parameter' });
    values.set(made, reals(made.name, made.size));
    return made;
  });
  const variables = pool.slice() as Variable[];
  // Some programs keep their parameters in one memory.
  if (choose(3) === 0) packParameters(variables.slice(0, 2 + choose(variables.length - 2)));

  const axesOf = (x: Tensor): number[] => x.shape.map((_, i) => i).filter(() => choose(2) === 0);
  const unary = [o.tanh, o.sigmoid, o.relu, o.neg, o.abs, o.softplus, o.cos];
  const binary = [o.add, o.sub, o.mul, o.maximum, o.less];
  const makers: ((x: Tensor) => Tensor)[] = [
    (x) => pick(unary)(x),
    (x) => pick(binary)(x, pick(pool)),
    (x) => pick(binary)(pick(pool), x),
    (x) => o.mul(x, pick([0, 1, -1, 0.5])),
    (x) => pick([o.sum, o.max, o.logSumExp, o.mean])(x, axesOf(x), { keepDims: choose(2) === 0 }),
    (x) => (x.rank > 0 ? o.softmax(x, choose(x.rank)) : x),
    (x) => o.reshape(x, [x.size]),
    (x) =>
      o.reshape(
        x,
        pick([
          [...x.shape, 1],
          [1, ...x.shape],
          [-1, x.shape.at(-1) ?? 1],
        ]),
      ),
    (x) => o.transpose(x, rotation(x.rank, choose(Math.max(1, x.rank)))),
    (x) => (x.rank > 1 ? o.transpose(x) : x),
    (x) => {
      if (x.rank === 0) return x;
      const axis = choose(x.rank);
      const start = choose(x.shape[axis] as number);
      return o.slice(x, axis, start, start + 1 + choose((x.shape[axis] as number) - start));
    },
    (x) => o.expand(x, [2, ...x.shape]),
    (x) => (x.rank > 0 ? o.concat([x, pick(pool), x].slice(0, 2 + choose(2)), choose(x.rank)) : x),
    (x) => o.matmul(x, pick(pool)),
    (x) => o.matmul(x, o.transpose(pick(pool))),
    (x) => o.matmul(o.transpose(x), pick(pool)),
    (x) => o.add(o.matmul(x, pick(pool)), pick(pool)),
    (x) => (x.rank === 2 ? o.gather(x, o.modUint(o.iota(3), x.shape[0] as number)) : x),
    (x) => o.mul(x, pick([o.randomNormal, o.randomUniform])(x.shape)),
    (x) => o.where(o.greater(x, 0.25), pick(pool), x),
    // Rows that depend on data: scaled by a power of two, so that no rounding moves an index.
    (x) => {
      const index = o.toUint(o.abs(o.mul(4, variables[1] as Variable)));
      return x.rank === 2 ? o.gather(x, o.modUint(index, x.shape[0] as number)) : x;
    },
    (x) => {
      const loss = o.sum(o.tanh(x));
      return o.gradient(loss, [pick(variables)])[0] as Tensor;
    },
  ];
  for (let made = 0, tries = 0; made < size && tries < 20 * size; tries++) {
    // The newest nodes are the likelier operands: chains, not bushes.
    const x =
      choose(2) === 0 ? (pool.at(-1 - choose(Math.min(3, pool.length))) as Tensor) : pick(pool);
    const next = attempt(() => pick(makers)(x));
    if (!next || next.size > 400 || next.rank > 4) continue;
    pool.push(next);
    made++;
  }
  const outputs: Record<string, Tensor> = {};
  const count = 1 + choose(5);
  for (let i = 0; i < count; i++)
    outputs[`y${i}`] = pool.at(-1 - choose(Math.min(pool.length, 8))) as Tensor;
  const effects: Tensor[] = [];
  for (const target of variables) {
    if (choose(3) !== 0) continue;
    const fitting = pool.filter((x) => x.dtype === 'f32' && sameShape(x.shape, target.shape));
    effects.push(o.assign(target, pick(fitting)));
  }
  return { program: { outputs, effects }, values };
}

function rotation(rank: number, by: number): number[] {
  return Array.from({ length: rank }, (_, i) => (i + by) % rank);
}

/** What does not fit (shapes that do not broadcast) is left out. */
function attempt(make: () => Tensor): Tensor | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof LatentGpuError && error.code === 'shape-mismatch') return undefined;
    throw error;
  }
}
