// Does a bijection keep its promises? Its inverse undoes it, and its log-determinants are those of the
// Jacobians that automatic differentiation finds.
import type { Shape } from '../graph/shape.ts';
import { input, type Variable } from '../graph/variable.ts';
import { expand, reshape, vectorJacobian } from '../ops/index.ts';
import type { Plan, Runtime } from '../scheduler/index.ts';
import { type Bijection, eventSize } from './bijection.ts';
import { logDeterminant } from './matrices.ts';

/** The largest errors found; each is absolute, in the unit of the values or in nats. */
export interface Certificate {
  /** |inverse(forward(z)) - z|. */
  readonly inversion: number;
  /** |forward(inverse(x)) - x|. */
  readonly reinversion: number;
  /** Forward's log-determinant against its Jacobian's. */
  readonly forwardLogDet: number;
  /** The same of the inverse. */
  readonly inverseLogDet: number;
  /** Sum of both directions' log-determinants at matching points. */
  readonly logDetSum: number;
  readonly points: number;
}

/** Rows of a Jacobian that are asked for at once. */
const ROWS = 64;

/**
 * Tries a bijection at noise `z` [points, ...shape], and at the data that it becomes. Parameters are
 * those on the runtime.
 *
 * The Jacobian at a point takes a backward pass for every 64 of its rows: a batch holds the point as
 * often, and each row is asked for the gradient of another output.
 *
 * ```ts
 * const z = Float32Array.from({ length: 10 * 2 }, () => 2 * Math.random() - 1);
 * const { inversion, logDetSum } = await flows.certify(runtime, maf, z);
 * ```
 *
 * @param context [points, ...contextShape], of conditional maps; one vector an event unless told
 */
export async function certify(
  runtime: Runtime,
  bijection: Bijection,
  z: Float32Array,
  context?: Float32Array,
  contextShape: Shape = [(context?.length ?? 0) / (z.length / eventSize(bijection.shape))],
): Promise<Certificate> {
  const d = eventSize(bijection.shape);
  const points = z.length / d;
  const width = context ? eventSize(contextShape) : 0;
  const rows = Math.min(d, ROWS);
  const noise = input('z', [rows, ...bijection.shape]);
  const data = input('x', [rows, ...bijection.dataShape]);
  const seeds = input('seeds', [rows, d]);
  const given = width > 0 ? input('context', [rows, ...contextShape]) : undefined;
  const held: Variable[] = [noise, data, seeds, ...(given ? [given] : [])];
  const direction = (way: 'forward' | 'inverse', from: Variable) => {
    const { value, logDet } = bijection[way](from, given);
    const [jacobian] = vectorJacobian([value], [reshape(seeds, value.shape)], [from]);
    return { value, logDet: expand(logDet, [rows]), jacobian: jacobian as typeof value };
  };
  const ahead = direction('forward', noise);
  const back = direction('inverse', data);
  const forward = await runtime.compile({ outputs: ahead });
  const inverse = await runtime.compile({ outputs: back });
  /** All rows of the Jacobian, a few at a time. */
  const jacobianOf = async (plan: Plan): Promise<Float64Array> => {
    const jacobian = new Float64Array(d * d);
    for (let first = 0; first < d; first += rows) {
      const count = Math.min(rows, d - first);
      const units = new Float32Array(rows * d);
      for (let i = 0; i < count; i++) units[i * d + first + i] = 1;
      runtime.write(seeds, units);
      await plan.run();
      const part = (await plan.read('jacobian')) as Float32Array;
      jacobian.set(part.subarray(0, count * d), first * d);
    }
    return jacobian;
  };
  let [inversion, reinversion, forwardLogDet, inverseLogDet, logDetSum] = [0, 0, 0, 0, 0];
  const worst = (sofar: number, a: ArrayLike<number>, b: ArrayLike<number>) => {
    for (let i = 0; i < b.length; i++) {
      const off = Math.abs((a[i] as number) - (b[i] as number));
      if (!(off <= sofar)) sofar = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    }
    return sofar;
  };
  const repeated = (row: Float32Array) => {
    const copies = new Float32Array(rows * row.length);
    for (let i = 0; i < rows; i++) copies.set(row, i * row.length);
    return copies;
  };
  try {
    for (let p = 0; p < points; p++) {
      const point = z.subarray(p * d, (p + 1) * d);
      if (given && context)
        runtime.write(given, repeated(context.subarray(p * width, (p + 1) * width)));
      runtime.write(noise, repeated(point));
      const jf = await jacobianOf(forward);
      const x = ((await forward.read('value')) as Float32Array).slice(0, d);
      const ld = (await forward.read('logDet'))[0] as number;
      runtime.write(data, repeated(x));
      const ji = await jacobianOf(inverse);
      const again = ((await inverse.read('value')) as Float32Array).slice(0, d);
      const ldInverse = (await inverse.read('logDet'))[0] as number;
      runtime.write(noise, repeated(again));
      await forward.run();
      const twice = ((await forward.read('value')) as Float32Array).slice(0, d);
      inversion = worst(inversion, again, point);
      reinversion = worst(reinversion, twice, x);
      forwardLogDet = worst(forwardLogDet, [ld], [logDeterminant(jf, d).logAbs]);
      inverseLogDet = worst(inverseLogDet, [ldInverse], [logDeterminant(ji, d).logAbs]);
      logDetSum = worst(logDetSum, [ld], [-ldInverse]);
    }
  } finally {
    forward.destroy();
    inverse.destroy();
    for (const variable of held) runtime.release(variable);
  }
  return { inversion, reinversion, forwardLogDet, inverseLogDet, logDetSum, points };
}
