// Student's t: like a normal, but with tails so heavy that what lies far out pulls little.
import type { Shape } from '../graph/shape.ts';
import { broadcastShapes } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  add,
  cos,
  div,
  exp,
  expand,
  expm1,
  log,
  mul,
  randomUniform,
  sqrt,
  stopGradient,
  studentTLogProb,
  sub,
} from '../ops/index.ts';
import { type Draw, drawn } from './density.ts';
import { checkParameters, type Distribution, type Parameter, sumOfSeen } from './distribution.ts';

/**
 * Independent μ + σ t with ν degrees of freedom each: mean μ, log σ and ν > 1, [..., D], broadcast.
 *
 * ```ts
 * const p = new distributions.StudentT(ops.zeros([3]), ops.zeros([3]), ops.full([3], 4));
 * p.logProb(p.rsample([5])).shape // [5]
 * ```
 */
export class StudentT implements Distribution {
  readonly mean: Tensor;
  readonly logStd: Tensor;
  readonly df: Tensor;

  /** @param logStd of the scale σ: the deviation is σ √(ν / (ν - 2)) */
  constructor(mean: Tensor, logStd: Tensor, df: Tensor) {
    checkParameters('StudentT', mean, logStd, df);
    this.mean = mean;
    this.logStd = logStd;
    this.df = df;
  }

  logProb(x: Tensor, mask?: Tensor): Tensor {
    return sumOfSeen(studentTLogProb(x, this.mean, this.logStd, this.df), mask);
  }

  /**
   * t = √(ν (u^(-2/ν) - 1)) cos 2πv with u, v uniform (Bailey 1994): a draw for any ν, and a differentiable
   * function of it.
   *
   * @param shape of the draws behind `lead`, to which the parameters are broadcast. Default: theirs
   */
  rsample(lead: Shape = [], shape?: Shape): Tensor {
    const { mean, logStd, df } = this;
    const own = shape ?? broadcastShapes('StudentT', mean.shape, logStd.shape, df.shape);
    const [u, v] = [randomUniform([...lead, ...own]), randomUniform([...lead, ...own])];
    const radius = sqrt(mul(df, expm1(div(mul(-2, log(u)), df))));
    const t = mul(radius, cos(mul(2 * Math.PI, v)));
    return add(mean, mul(exp(logStd), t));
  }

  sample(lead: Shape = []): Tensor {
    return stopGradient(this.rsample(lead));
  }

  /** The deviation of ν > 2, and ν. */
  get parameters(): readonly Parameter[] {
    const { mean, logStd, df } = this;
    const own = broadcastShapes('StudentT', mean.shape, logStd.shape, df.shape);
    const std = mul(exp(logStd), sqrt(div(df, sub(df, 2))));
    return [
      { name: 'std', about: 'standard deviation', of: expand(std, own), isScale: true },
      { name: 'df', about: 'degrees of freedom', of: expand(df, own) },
    ];
  }

  draw(lead: Shape): Draw {
    return drawn(this, this.rsample(lead), true);
  }
}
