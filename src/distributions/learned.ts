// Densities with parameters of their own: bases of flows, priors of codes.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, Module, normal } from '../nn/index.ts';
import { add, exp, mul, normalLogProb, randomNormal, sum } from '../ops/index.ts';
import { type Density, type Draw, type DrawOptions, drawn, tempered } from './density.ts';
import { NormalMixture } from './mixture.ts';

/**
 * Independent normals with learned means and deviations, [M].
 *
 * ```ts
 * const base = new distributions.LearnedNormal(2); // a module: its parameters are trained with a model's
 * base.draw([3]).value.shape // [3, 2]
 * ```
 */
export class LearnedNormal extends Module implements Density {
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

  draw(lead: Shape, { temperature }: DrawOptions = {}): Draw {
    const noise = tempered(randomNormal([...lead, this.mean.size]), temperature);
    return drawn(this, add(this.mean, mul(exp(this.logStd), noise)), true);
  }
}

/**
 * A mixture of normals with diagonal covariances; weights, means and deviations are learned.
 *
 * ```ts
 * const prior = new distributions.LearnedMixture(2, 5); // a module: its parameters are trained with a model's
 * prior.logProb(ops.zeros([3, 2])).shape // [3]
 * ```
 */
export class LearnedMixture extends Module implements Density {
  readonly logits: Variable;
  readonly mean: Variable;
  readonly logStd: Variable;

  /**
   * @param components at least 2; their means start as draws of N(0, I)
   * @throws LatentGpuError `bad-config` for fewer than 2 components
   */
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

  private get mixture(): NormalMixture {
    return new NormalMixture(this);
  }

  logProb(z: Tensor): Tensor {
    return this.mixture.logProb(z);
  }

  draw(lead: Shape, options?: DrawOptions): Draw {
    return this.mixture.draw(lead, options);
  }

  /** log p(k | z) of points z [B, M], [B, K]. */
  logResponsibilities(z: Tensor): Tensor {
    return this.mixture.logResponsibilities(z);
  }

  /** Draws [rows, M] of the components that rows with one 1 name, [rows, K]. */
  drawOf(chosen: Tensor): Tensor {
    return this.mixture.drawOf(chosen);
  }
}
