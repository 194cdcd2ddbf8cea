// Priors of discrete codes: every value alike, or with learned logits.
import { Bernoulli, type Density, OneHot, UniformOneHot } from '../../distributions/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import { constantInit } from '../../nn/index.ts';
import { zeros } from '../../ops/index.ts';
import type { CodeConfig } from '../codes.ts';
import { PriorPart } from './part.ts';

export const UNIFORM = { keys: {}, about: 'every value of a discrete code alike' } as const;
export const LEARNED = { keys: {}, about: 'learned logits of a discrete code' } as const;

function densityOf({ kind, classes = 2 }: CodeConfig, logits: Tensor): Density {
  return kind === 'bernoulli' ? new Bernoulli(logits) : new OneHot(logits, classes);
}

/** Codes are drawn by noise of their own. */
abstract class DiscretePrior extends PriorPart {
  readonly isStandard = false;

  codes(noise: Tensor): Tensor {
    return this.density.draw([noise.shape[0] as number]).value;
  }
}

export class UniformPrior extends DiscretePrior {
  readonly density: Density;

  constructor(code: CodeConfig, latent: number) {
    super();
    const { kind, groups = 1, classes = 2 } = code;
    this.density =
      kind === 'bernoulli' ? new Bernoulli(zeros([latent])) : new UniformOneHot(groups, classes);
  }

  override children(): [string, unknown][] {
    return [];
  }
}

export class LearnedPrior extends DiscretePrior {
  readonly logits: Variable;
  private readonly code: CodeConfig;

  constructor(code: CodeConfig, latent: number) {
    super();
    this.code = code;
    this.logits = variable('logits', [latent], { role: 'parameter', init: constantInit(0) });
  }

  override children(): [string, unknown][] {
    return [['logits', this.logits]];
  }

  get density(): Density {
    return densityOf(this.code, this.logits);
  }
}
