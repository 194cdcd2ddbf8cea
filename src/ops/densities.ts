// Log-densities, elementwise and in nats, with their derivatives as ops of their own. Sum them over
// the features of a row with `sum`: the scheduler makes one kernel of density, sum and gradient.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { libDensities } from '../kernels/shaders.gen.ts';
import { sigmoid } from './activations.ts';
import { add, mul, neg, sub } from './arithmetic.ts';
import type { TensorLike } from './constant.ts';
import { exp } from './elementary.ts';
import { type ElementwiseRow, elementwise } from './elementwise.ts';
import * as reference from './reference/densities.ts';

const module = libDensities;
type Scalar = (...values: number[]) => number;

/** A derivative of a density, which refuses a derivative of its own where it is not told the rule for one. */
function derivative(name: string, fn: string, f: Scalar, flops = 12, rule?: ElementwiseRow['vjp']) {
  const refused = () => {
    throw new LatentGpuError(
      'bad-config',
      `${name} cannot be differentiated: write the density with elementary ops where its second derivative is needed`,
    );
  };
  return elementwise({ name, fn, module, flops, reference: f, vjp: rule ?? refused });
}

const reparameterizeNode = elementwise({
  name: 'reparameterize',
  module,
  flops: 10,
  reference: reference.reparameterize as Scalar,
  // σ ε = z - μ: the backward pass needs neither the noise nor another exponential.
  vjp: ([mean], z, g) => [g, mul(g, sub(z, mean as Tensor)), undefined],
});
/**
 * μ + exp(log σ) · ε (Kingma and Welling 2014). The gradient treats ε as given.
 *
 * @example reparameterize(1, 0, constant(0.5)) // 1.5
 */
export function reparameterize(mean: TensorLike, logStd: TensorLike, noise: Tensor): Tensor {
  return reparameterizeNode(mean, logStd, noise);
}

/**
 * log N(x; 0, 1).
 *
 * @example standardNormalLogProb(0) // -0.9189
 */
export const standardNormalLogProb: (x: TensorLike) => Tensor = elementwise({
  name: 'standardNormalLogProb',
  fn: 'standard_normal_log_prob',
  module,
  flops: 3,
  reference: reference.standardNormalLogProb as Scalar,
  vjp: ([x], _, g) => [neg(mul(g, x as Tensor))],
});

/** 1 / σ². */
const precision = (logStd: Tensor): Tensor => exp(mul(-2, logStd));

const normalDmean = derivative(
  'normalLogProbDmean',
  'normal_log_prob_dmean',
  reference.normalLogProbDmean as Scalar,
  12,
  ([, , logStd], dmean, g) => {
    const own = mul(g, precision(logStd as Tensor));
    return [own, neg(own), mul(-2, mul(g, dmean))];
  },
);
const normalDlogStd = derivative(
  'normalLogProbDlogStd',
  'normal_log_prob_dlog_std',
  reference.normalLogProbDlogStd as Scalar,
  12,
  ([x, mean, logStd], dlogStd, g) => {
    const own = mul(2, mul(g, normalDmean(x as Tensor, mean as Tensor, logStd as Tensor)));
    return [own, neg(own), mul(-2, mul(g, add(dlogStd, 1)))];
  },
);
/**
 * log N(x; μ, σ²), given log σ.
 *
 * @example normalLogProb(1, 0, 0) // -1.4189
 */
export const normalLogProb: (x: TensorLike, mean: TensorLike, logStd: TensorLike) => Tensor =
  elementwise({
    name: 'normalLogProb',
    fn: 'normal_log_prob',
    module,
    flops: 14,
    reference: reference.normalLogProb as Scalar,
    vjp: ([x, mean, logStd], _, g) => {
      const dmean = mul(g, normalDmean(x as Tensor, mean as Tensor, logStd as Tensor));
      const dlogStd = mul(g, normalDlogStd(x as Tensor, mean as Tensor, logStd as Tensor));
      return [neg(dmean), dmean, dlogStd];
    },
  });

const bernoulliDlogits = derivative(
  'bernoulliLogProbDlogits',
  'bernoulli_log_prob_dlogits',
  reference.bernoulliLogProbDlogits as Scalar,
  12,
  ([logits], _, g) => {
    const p = sigmoid(logits as Tensor);
    return [neg(mul(g, mul(p, sub(1, p)))), g];
  },
);
/**
 * log Bernoulli(x; σ(logits)) = x · logits - softplus(logits); x may be anything in [0, 1].
 *
 * @example bernoulliLogProb(0, 1) // -0.6931
 */
export const bernoulliLogProb: (logits: TensorLike, x: TensorLike) => Tensor = elementwise({
  name: 'bernoulliLogProb',
  fn: 'bernoulli_log_prob',
  module,
  flops: 24,
  reference: reference.bernoulliLogProb as Scalar,
  vjp: ([logits, x], _, g) => [
    mul(g, bernoulliDlogits(logits as Tensor, x as Tensor)),
    mul(g, logits as Tensor),
  ],
});

const klStandardDlogStd = derivative(
  'klStandardNormalDlogStd',
  'kl_standard_normal_dlog_std',
  reference.klStandardNormalDlogStd as Scalar,
  12,
  (_, dlogStd, g) => [undefined, mul(2, mul(g, add(dlogStd, 1)))],
);
/**
 * KL(N(μ, σ²) ‖ N(0, 1)) = ½(μ² + σ² - 1) - log σ, given log σ.
 *
 * @example klStandardNormal(1, 0) // 0.5
 */
export const klStandardNormal: (mean: TensorLike, logStd: TensorLike) => Tensor = elementwise({
  name: 'klStandardNormal',
  fn: 'kl_standard_normal',
  module,
  flops: 18,
  reference: reference.klStandardNormal as Scalar,
  vjp: ([mean, logStd], _, g) => [
    mul(g, mean as Tensor),
    mul(g, klStandardDlogStd(mean as Tensor, logStd as Tensor)),
  ],
});

/** (μq - μp) / σp² and σq² / σp², times the gradient. */
function klRatios(inputs: readonly Tensor[], g: Tensor) {
  const [meanQ, logStdQ, meanP, logStdP] = inputs as [Tensor, Tensor, Tensor, Tensor];
  const scale = mul(g, precision(logStdP));
  const spread = mul(g, exp(mul(2, sub(logStdQ, logStdP))));
  return { scale, far: mul(scale, sub(meanQ, meanP)), spread };
}

const klNormalParts = [
  derivative(
    'klNormalDmeanQ',
    'kl_normal_dmean_q',
    reference.klNormalDmeanQ as Scalar,
    12,
    (inputs, dmean, g) => {
      const { scale } = klRatios(inputs, g);
      return [scale, undefined, neg(scale), mul(-2, mul(g, dmean))];
    },
  ),
  derivative(
    'klNormalDlogStdQ',
    'kl_normal_dlog_std_q',
    reference.klNormalDlogStdQ as Scalar,
    12,
    (inputs, _, g) => {
      const twice = mul(2, klRatios(inputs, g).spread);
      return [undefined, twice, undefined, neg(twice)];
    },
  ),
  derivative(
    'klNormalDmeanP',
    'kl_normal_dmean_p',
    reference.klNormalDmeanP as Scalar,
    12,
    (inputs, dmean, g) => {
      const { scale } = klRatios(inputs, g);
      return [neg(scale), undefined, scale, mul(-2, mul(g, dmean))];
    },
  ),
  derivative(
    'klNormalDlogStdP',
    'kl_normal_dlog_std_p',
    reference.klNormalDlogStdP as Scalar,
    12,
    (inputs, dlogStd, g) => {
      const { far, spread } = klRatios(inputs, g);
      const own = mul(2, far);
      return [neg(own), mul(-2, spread), own, mul(2, mul(g, sub(1, dlogStd)))];
    },
  ),
] as const;
/**
 * KL(N(μq, σq²) ‖ N(μp, σp²)), given the log standard deviations.
 *
 * @example klNormal(1, 0, 0, 0) // 0.5
 */
export const klNormal: (
  meanQ: TensorLike,
  logStdQ: TensorLike,
  meanP: TensorLike,
  logStdP: TensorLike,
) => Tensor = elementwise({
  name: 'klNormal',
  fn: 'kl_normal',
  module,
  flops: 24,
  reference: reference.klNormal as Scalar,
  vjp: (inputs, _, g) => klNormalParts.map((part) => mul(g, part(...inputs))),
});

const logisticDmean = derivative(
  'logisticLogProbDmean',
  'logistic_log_prob_dmean',
  reference.logisticLogProbDmean as Scalar,
);
const logisticDlogScale = derivative(
  'logisticLogProbDlogScale',
  'logistic_log_prob_dlog_scale',
  reference.logisticLogProbDlogScale as Scalar,
);
/**
 * The logistic log-density with mean μ and scale s, given log s.
 *
 * @example logisticLogProb(0, 0, 0) // -1.3863
 */
export const logisticLogProb: (x: TensorLike, mean: TensorLike, logScale: TensorLike) => Tensor =
  elementwise({
    name: 'logisticLogProb',
    fn: 'logistic_log_prob',
    module,
    flops: 30,
    reference: reference.logisticLogProb as Scalar,
    vjp: ([x, mean, logScale], _, g) => {
      const dmean = mul(g, logisticDmean(x as Tensor, mean as Tensor, logScale as Tensor));
      const dlogScale = mul(g, logisticDlogScale(x as Tensor, mean as Tensor, logScale as Tensor));
      return [neg(dmean), dmean, dlogScale];
    },
  });

const binnedDmean = derivative(
  'discretizedLogisticLogProbDmean',
  'discretized_logistic_log_prob_dmean',
  reference.discretizedLogisticLogProbDmean as Scalar,
  60,
);
const binnedDlogScale = derivative(
  'discretizedLogisticLogProbDlogScale',
  'discretized_logistic_log_prob_dlog_scale',
  reference.discretizedLogisticLogProbDlogScale as Scalar,
  60,
);
const binned = elementwise({
  name: 'discretizedLogisticLogProb',
  fn: 'discretized_logistic_log_prob',
  module,
  flops: 60,
  reference: reference.discretizedLogisticLogProb as Scalar,
  vjp: (inputs, _, g) => [
    undefined,
    mul(g, binnedDmean(...inputs)),
    mul(g, binnedDlogScale(...inputs)),
    undefined,
  ],
});
/**
 * The log-probability of the bin of width 1/(levels - 1) around x in [0, 1] under a logistic
 * density; the first and last bins are open (Salimans, Karpathy, Chen and Kingma 2017).
 *
 * @example discretizedLogisticLogProb(constant(0), constant(0), constant(0), 2) // -0.4741
 */
export function discretizedLogisticLogProb(
  x: Tensor,
  mean: Tensor,
  logScale: Tensor,
  levels = 256,
): Tensor {
  return binned(x, mean, logScale, levels);
}

const studentTParts = [
  derivative(
    'studentTLogProbDmean',
    'student_t_log_prob_dmean',
    reference.studentTLogProbDmean as Scalar,
    20,
  ),
  derivative(
    'studentTLogProbDlogStd',
    'student_t_log_prob_dlog_std',
    reference.studentTLogProbDlogStd as Scalar,
    20,
  ),
  derivative(
    'studentTLogProbDdf',
    'student_t_log_prob_ddf',
    reference.studentTLogProbDdf as Scalar,
    60,
  ),
] as const;
/**
 * log of Student's t density with ν > 0 degrees of freedom at (x - μ) / σ, divided by σ, given log σ and ν.
 *
 * @example studentTLogProb(0, 0, 0, 1) // -1.1447
 */
export const studentTLogProb: (
  x: TensorLike,
  mean: TensorLike,
  logStd: TensorLike,
  df: TensorLike,
) => Tensor = elementwise({
  name: 'studentTLogProb',
  fn: 'student_t_log_prob',
  module,
  flops: 60,
  reference: reference.studentTLogProb as Scalar,
  vjp: (inputs, _, g) => {
    const [dmean, dlogStd, ddf] = studentTParts.map((part) => mul(g, part(...inputs)));
    return [neg(dmean as Tensor), dmean, dlogStd, ddf];
  },
});
