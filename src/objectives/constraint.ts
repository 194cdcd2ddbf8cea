// The constrained form of β: one term of the bound is made as good as it can be while the other keeps
// to a target, and a Lagrange multiplier finds the weight that does it. Rezende and Viola 2018 (GECO).
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit, Module } from '../nn/index.ts';
import { add, assign, clamp, exp, mean, mul, neg, sub } from '../ops/index.ts';
import type { BoundTerms, Estimate } from './estimate.ts';

export interface ConstraintOptions {
  /** What is held: KL ≤ target, or -E_q log p(x | z) ≤ target. */
  readonly on: 'kl' | 'reconstruction';
  /** In nats a data point. */
  readonly target: number;
  /** How much log λ moves in a step that misses the target by as much as the target is. */
  readonly rate?: number;
}

/** How much of the moving average of the miss stays at a step. */
const DECAY = 0.9;
/** log λ stays within these, so that it can come back. */
const LOWEST = -12;
const HIGHEST = 12;

/**
 * λ climbs while the mean over recent batches is above the target and falls while it is below:
 * log λ += rate · (KL - target) / |target|, on the GPU. Its weight of the divergence is λ where the
 * divergence is held, 1 / λ where the reconstruction is.
 *
 * ```ts
 * const constraint = new objectives.Constraint({ on: 'kl', target: 10 });
 * const terms = objectives.elbo(model, { x }, { beta: constraint.beta });
 * const { surrogate, metrics, effects } = constraint.applied(terms);
 * ```
 */
export class Constraint extends Module {
  readonly logMultiplier: Variable;
  readonly miss: Variable;
  private readonly options: Required<ConstraintOptions>;

  /** @throws LatentGpuError `bad-config` for a target that nothing can be measured by */
  constructor({ on, target, rate = 0.01 }: ConstraintOptions) {
    super();
    if (!Number.isFinite(target) || target === 0 || (on === 'kl' && target < 0)) {
      throw new LatentGpuError(
        'bad-config',
        `the target of the ${on} is ${target}; it must be a number ${on === 'kl' ? 'above 0' : 'other than 0'}`,
      );
    }
    this.options = { on, target, rate };
    const buffer = (name: string) => variable(name, [], { role: 'buffer', init: constantInit(0) });
    this.logMultiplier = buffer('logMultiplier');
    this.miss = buffer('miss');
  }

  /** λ, a scalar. */
  get multiplier(): Tensor {
    return exp(this.logMultiplier);
  }

  /** The weight of the divergence in this step, a scalar. */
  get beta(): Tensor {
    return exp(this.options.on === 'kl' ? this.logMultiplier : neg(this.logMultiplier));
  }

  /** The estimate made with {@link beta}, its bound that of β = 1, and how the multiplier moves. */
  applied(estimate: Estimate): Estimate {
    const { target, rate } = this.options;
    const now = mul(sub(this.heldOf(estimate), target), 1 / Math.abs(target));
    const miss = add(mul(DECAY, this.miss), mul(1 - DECAY, now));
    const moved = add(this.logMultiplier, mul(rate, clamp(miss, -1, 1)));
    return {
      ...estimate,
      bound: sub(estimate.reconstruction, estimate.kl),
      metrics: { ...estimate.metrics, multiplier: this.multiplier },
      effects: [
        ...(estimate.effects ?? []),
        assign(this.miss, miss),
        assign(this.logMultiplier, clamp(moved, LOWEST, HIGHEST)),
      ],
    };
  }

  private heldOf({ kl, reconstruction }: BoundTerms): Tensor {
    return this.options.on === 'kl' ? mean(kl) : neg(mean(reconstruction));
  }
}
