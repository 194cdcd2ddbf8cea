// Models so small that everything about them is known, in which every row has parameters of its own: the
// gradients of one batch are as many independent draws of an estimator, or as many runs of training.
import {
  type Batch,
  distributions,
  input,
  type objectives,
  ops,
  type Tensor,
  type Variable,
} from '../../src/index.ts';

const { Normal, OneHot, StandardNormal, UniformOneHot } = distributions;

export interface Toy {
  readonly model: objectives.LatentModel;
  readonly batch: Batch;
  /** Of q(z | x), [R, …]. */
  readonly encoder: readonly Variable[];
  /** Which number of the first of them has its gradient measured. */
  readonly measured: number;
  /** The decoder's bias, [R, 1]. */
  readonly bias: Variable;
  /** KL(q ‖ p(z | x)) of each row, in nats: [R]. */
  readonly gap: Tensor;
  /**
   * One row's values, `off` from where q is the posterior, in the order x, encoder, bias.
   */
  values(off: number): readonly (readonly [Variable, readonly number[]])[];
}

const X = 1.2;
const BIAS = 0.1;

/** p(z) = N(0, 1), p(x | z) = N(w z + b, 1), q(z | x) = N(m, s²). */
export function normalToy(rows: number): Toy {
  const weight = 0.8;
  const [x, m, s, bias] = ['x', 'm', 'log s', 'b'].map((name) => input(name, [rows, 1])) as [
    Variable,
    Variable,
    Variable,
    Variable,
  ];
  const exact = {
    mean: (weight * (X - BIAS)) / (1 + weight * weight),
    logStd: -0.5 * Math.log(1 + weight * weight),
  };
  const q = new Normal(m, s);
  const posterior = new Normal(ops.constant(exact.mean), ops.constant(exact.logStd));
  return {
    model: {
      posterior: () => q,
      decode: (z) => {
        const own = z.rank === 3 ? ops.reshape(bias, [rows, 1, 1]) : bias;
        return new Normal(ops.add(ops.mul(weight, z), own), ops.mul(0, z));
      },
      prior: () => new StandardNormal([1]),
    },
    batch: { x },
    encoder: [m, s],
    measured: 0,
    bias,
    gap: ops.reshape(distributions.klDivergence(q, posterior), [rows]),
    values: (off) => [
      [x, [X]],
      [m, [exact.mean + off]],
      [s, [exact.logStd + off]],
      [bias, [BIAS]],
    ],
  };
}

const CLASSES = 5;
const SITES = Array.from({ length: CLASSES }, (_, c) => c - 2);
/** The class that lies next to x. */
const LIKELY = 3;
/** Which way logits are off. */
const TILT = [1, -1, 0.5, -1, 0.5];

/** p(z) uniform on five classes, p(x | z) = N(v_z + b, 1), q(z | x) of five logits. */
export function classToy(rows: number): Toy {
  const x = input('x', [rows, 1]);
  const logits = input('logits', [rows, CLASSES]);
  const bias = input('b', [rows, 1]);
  const joint = SITES.map((site) => -0.5 * (X - site - BIAS) ** 2);
  const total = Math.log(joint.reduce((sum, value) => sum + Math.exp(value), 0));
  const exact = joint.map((value) => value - total);
  const known = ops.concat(
    exact.map((value) => ops.reshape(ops.constant(value), [1, 1])),
    1,
  );
  const sites = ops.concat(
    SITES.map((site) => ops.reshape(ops.constant(site), [1, 1])),
    1,
  );
  const logQ = ops.logSoftmax(logits);
  const q = new OneHot(logits, CLASSES);
  return {
    model: {
      posterior: () => q,
      decode: (z) => {
        const many = z.rank === 3;
        const place = ops.sum(ops.mul(z, many ? ops.reshape(sites, [1, 1, CLASSES]) : sites), -1, {
          keepDims: true,
        });
        const own = many ? ops.reshape(bias, [-1, 1, 1]) : bias;
        const mean = ops.add(place, own);
        return new Normal(mean, ops.mul(0, mean));
      },
      prior: () => new UniformOneHot(1, CLASSES),
    },
    batch: { x },
    encoder: [logits],
    measured: LIKELY,
    bias,
    gap: ops.sum(ops.mul(ops.exp(logQ), ops.sub(logQ, known)), -1),
    values: (off) => [
      [x, [X]],
      [logits, exact.map((value, c) => value + 2 * off * (TILT[c] as number))],
      [bias, [BIAS]],
    ],
  };
}
