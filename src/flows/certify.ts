// Does a bijection keep its promises? Its inverse undoes it, and its log-determinants are those of the
// Jacobians that automatic differentiation finds.
import type { Shape } from '../graph/shape.ts';
import { input, type Variable } from '../graph/variable.ts';
import { expand, reshape, vectorJacobian } from '../ops/index.ts';
import type { Runtime } from '../scheduler/index.ts';
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

/**
 * Tries a bijection at noise `z` [points, ...shape], and at the data that it becomes. Parameters are
 * those on the runtime.
 *
 * The Jacobian at a point takes one backward pass: a batch holds the point D times, and row i is
 * asked for the gradient of output i.
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
  const noise = input('z', [d, ...bijection.shape]);
  const data = input('x', [d, ...bijection.dataShape]);
  const seeds = input('seeds', [d, d]);
  const given = width > 0 ? input('context', [d, ...contextShape]) : undefined;
  const held: Variable[] = [noise, data, seeds, ...(given ? [given] : [])];
  const direction = (way: 'forward' | 'inverse', from: Variable) => {
    const { value, logDet } = bijection[way](from, given);
    const [jacobian] = vectorJacobian([value], [reshape(seeds, value.shape)], [from]);
    return { value, logDet: expand(logDet, [d]), jacobian: jacobian as typeof value };
  };
  const ahead = direction('forward', noise);
  const back = direction('inverse', data);
  const forward = await runtime.compile({ outputs: ahead });
  const inverse = await runtime.compile({ outputs: back });
  runtime.write(
    seeds,
    Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0)),
  );
  let [inversion, reinversion, forwardLogDet, inverseLogDet, logDetSum] = [0, 0, 0, 0, 0];
  const worst = (sofar: number, a: ArrayLike<number>, b: ArrayLike<number>) => {
    for (let i = 0; i < b.length; i++) {
      const off = Math.abs((a[i] as number) - (b[i] as number));
      if (!(off <= sofar)) sofar = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
    }
    return sofar;
  };
  const repeated = (row: Float32Array) => {
    const rows = new Float32Array(d * row.length);
    for (let i = 0; i < d; i++) rows.set(row, i * row.length);
    return rows;
  };
  try {
    for (let p = 0; p < points; p++) {
      const point = z.subarray(p * d, (p + 1) * d);
      if (given && context)
        runtime.write(given, repeated(context.subarray(p * width, (p + 1) * width)));
      runtime.write(noise, repeated(point));
      await forward.run();
      const x = ((await forward.read('value')) as Float32Array).slice(0, d);
      const ld = (await forward.read('logDet'))[0] as number;
      const jf = Float64Array.from((await forward.read('jacobian')) as Float32Array);
      runtime.write(data, repeated(x));
      await inverse.run();
      const again = ((await inverse.read('value')) as Float32Array).slice(0, d);
      const ldInverse = (await inverse.read('logDet'))[0] as number;
      const ji = Float64Array.from((await inverse.read('jacobian')) as Float32Array);
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
