// What a flow starts from: distributions of noise that are easy to draw and to weigh.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, Module, normal } from '../nn/index.ts';
import {
  add,
  exp,
  less,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  mul,
  normalLogProb,
  randomNormal,
  reshape,
  standardNormalLogProb,
  stopGradient,
  sub,
  sum,
  uniformGumbel,
} from '../ops/index.ts';

/** Noise of D features. */
export abstract class Base extends Module {
  /** log-density of z [B, D] in nats: [B]. */
  abstract logProb(z: Tensor): Tensor;
  /** Draws [count, D], with deviations scaled by the temperature, a number or a scalar. */
  abstract rsample(count: number, temperature: number | Tensor): Tensor;
}

const scaled = (x: Tensor, by: number | Tensor): Tensor => (by === 1 ? x : mul(x, by));

/** N(0, I). */
export class StandardBase extends Base {
  readonly features: number;

  constructor(features: number) {
    super();
    this.features = features;
  }

  logProb(z: Tensor): Tensor {
    return sum(standardNormalLogProb(z), -1);
  }

  rsample(count: number, temperature: number | Tensor): Tensor {
    return scaled(randomNormal([count, this.features]), temperature);
  }
}

/** Independent normals with learned means and deviations. */
export class DiagonalBase extends Base {
  readonly mean: Variable;
  readonly logStd: Variable;

  constructor(features: number) {
    super();
    const zero = { role: 'parameter', init: constantInit(0) } as const;
    this.mean = variable('mean', [features], zero);
    this.logStd = variable('logStd', [features], zero);
  }

  logProb(z: Tensor): Tensor {
    return sum(normalLogProb(z, this.mean, this.logStd), -1);
  }

  rsample(count: number, temperature: number | Tensor): Tensor {
    const noise = scaled(randomNormal([count, this.mean.size]), temperature);
    return add(this.mean, mul(exp(this.logStd), noise));
  }
}

/** A mixture of normals with diagonal covariances; weights, means and deviations are learned. */
export class MixtureBase extends Base {
  readonly logits: Variable;
  readonly mean: Variable;
  readonly logStd: Variable;

  /** @param components at least 2; their means start as draws of N(0, I) */
  constructor(features: number, components: number) {
    super();
    if (!(Number.isInteger(components) && components >= 2)) {
      throw new LatentGpuError(
        'bad-config',
        `a mixture needs 2 components or more, not ${components}`,
      );
    }
    const parameter = (name: string, shape: number[], init = constantInit(0)) =>
      variable(name, shape, { role: 'parameter', init });
    this.logits = parameter('logits', [components]);
    this.mean = parameter('mean', [components, features], normal(1));
    this.logStd = parameter('logStd', [components, features]);
  }

  /** log Σ_k π_k N(z; μ_k, σ_k). */
  logProb(z: Tensor): Tensor {
    const each = sum(
      normalLogProb(reshape(z, [-1, 1, this.mean.shape[1] as number]), this.mean, this.logStd),
      -1,
    );
    return logSumExp(add(each, logSoftmax(this.logits)), -1);
  }

  /** The component by the Gumbel-max trick: no gradient flows into the weights. */
  rsample(count: number, temperature: number | Tensor): Tensor {
    const [components, features] = this.mean.shape as [number, number];
    const scores = stopGradient(add(uniformGumbel([count, components]), this.logits));
    const chosen = sub(1, less(scores, max(scores, -1, { keepDims: true })));
    const noise = scaled(randomNormal([count, features]), temperature);
    return add(matmul(chosen, this.mean), mul(matmul(chosen, exp(this.logStd)), noise));
  }
}
