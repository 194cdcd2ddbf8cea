// Mixtures that learn side by side in half steps, whatever a half step is: between them the bound and the
// log-likelihood are measured.
import { input, ops, type Tensor, type Variable, variable } from '../../src/index.ts';
import type { CovarianceKind } from '../../src/models/families/gmm/covariance.ts';
import { jointOf } from '../../src/models/families/gmm/density.ts';
import type { LabPlan, LabRuntime } from '../lab/host-runtime.ts';
import { replay } from '../lab/replay.ts';

/** Mixtures that learn side by side, S. */
export const STARTS = 6;

/** Numbers of all starts: log π [S, K], μ [S, K, 2], and packed factors P of Σ⁻¹ = Pᵀ P. */
export type MixtureState = Readonly<Record<'logWeights' | 'mean' | 'factor', Variable>>;

/** What there is to be seen of one start. */
export interface Start {
  readonly logWeights: Float64Array;
  /** [K, 2]. */
  readonly mean: Float64Array;
  /** Packed factors P of Σ⁻¹ = Pᵀ P. */
  readonly factor: Float64Array;
  /** Whether a component has become singular, and this start is out. */
  readonly isLost: boolean;
}

/** After a half step, of each start: nats of all points together. */
export interface Moment {
  readonly half: number;
  readonly after: 'start' | 'E' | 'M';
  /** log p(x), [S]. */
  readonly logLikelihood: readonly number[];
  /** E_q log p(x, c) + H(q), [S]. */
  readonly bound: readonly number[];
}

/** What is known before anything is guessed. */
export interface Ground {
  readonly runtime: LabRuntime;
  readonly kind: CovarianceKind;
  readonly components: number;
  /** The points, [B, 2]. */
  readonly x: Variable;
  readonly mixtures: MixtureState;
  /** log q(c | x), [S, K, B]. */
  readonly guesses: Variable;
  /** log p(x, c), [S, K, B]. */
  readonly joint: Tensor;
  /** E_q log p(x, c) + H(q) of guesses log q, [S]. */
  boundOf(logQ: Tensor): Tensor;
}

export function groundOf(
  runtime: LabRuntime,
  kind: CovarianceKind,
  points: Float32Array,
  mixtures: MixtureState,
): Ground {
  const components = mixtures.mean.shape[1] as number;
  const count = points.length / 2;
  const x = input('points', [count, 2]);
  const guesses = variable('log q', [STARTS, components, count]);
  const joint = jointOf(kind, x, mixtures).logProb;
  runtime.write(x, points);
  runtime.write(guesses, new Float32Array(guesses.size).fill(-Math.log(components)));
  return {
    ...{ runtime, kind, components, x, mixtures, guesses, joint },
    boundOf: (logQ) => ops.sum(ops.mul(ops.exp(logQ), ops.sub(joint, logQ)), [1, 2]),
  };
}

/** How the two half steps are done. */
export interface HalfSteps {
  /** The E step: renews the guesses. */
  infer(): Promise<void>;
  /** The M step: renews the mixtures. @returns whether another would change nothing */
  settle(): Promise<boolean>;
  /** Which starts are out, [S]. */
  lost(): Promise<ArrayLike<number>>;
}

export class Track {
  readonly moments: Moment[] = [];
  starts: readonly Start[] = [];
  /** log q(c | x) of each start, [S, K, B]. */
  logQ: ArrayLike<number> = [];
  isConverged = false;
  private next: 'E' | 'M' = 'E';
  private readonly ground: Ground;
  private readonly steps: HalfSteps;
  private readonly measure: LabPlan;

  private constructor(ground: Ground, steps: HalfSteps, measure: LabPlan) {
    this.ground = ground;
    this.steps = steps;
    this.measure = measure;
  }

  static async open(ground: Ground, steps: HalfSteps): Promise<Track> {
    const { runtime, joint, guesses, boundOf } = ground;
    const logLikelihood = ops.sum(ops.logSumExp(joint, 1), 1);
    const outputs = { logLikelihood, bound: boundOf(guesses) };
    const track = new Track(ground, steps, await runtime.compile({ outputs }));
    await track.look('start');
    return track;
  }

  /** What the next half step is. */
  get nextStep(): 'E' | 'M' {
    return this.next;
  }

  async turn(): Promise<void> {
    if (this.isConverged) return;
    const step = this.next;
    let isConverged = false;
    if (step === 'E') await this.steps.infer();
    else isConverged = await this.steps.settle();
    await this.look(step);
    this.isConverged = isConverged;
    this.next = step === 'E' ? 'M' : 'E';
  }

  /** The start that explains the points best, of those that are not out. */
  get best(): number {
    const now = this.moments.at(-1)?.logLikelihood ?? [];
    let best = 0;
    for (let s = 1; s < STARTS; s++) {
      const [isOut, wasOut] = [this.starts[s]?.isLost, this.starts[best]?.isLost];
      if (!isOut && (wasOut || (now[s] as number) > (now[best] as number))) best = s;
    }
    return best;
  }

  private async look(after: Moment['after']): Promise<void> {
    const { measure, ground } = this;
    const told = replay(measure, 'logLikelihood', 'bound');
    const [[logLikelihood = [], bound = []], logQ, starts] = await Promise.all([
      told,
      after === 'M' ? this.logQ : ground.runtime.read(ground.guesses),
      after === 'E' ? this.starts : this.startsNow(),
    ]);
    // From here on the half step counts: a GPU that was lost before has cost it whole.
    ground.runtime.keep();
    this.moments.push({
      half: this.moments.length,
      after,
      logLikelihood: Array.from(logLikelihood),
      bound: Array.from(bound),
    });
    this.logQ = logQ;
    this.starts = starts;
  }

  private async startsNow(): Promise<Start[]> {
    const { runtime, mixtures } = this.ground;
    const { logWeights, mean, factor } = mixtures;
    const [weights, means, factors, lost] = await Promise.all([
      runtime.read(logWeights),
      runtime.read(mean),
      runtime.read(factor),
      this.steps.lost(),
    ]);
    const of = (all: ArrayLike<number>, s: number) =>
      Float64Array.from(
        { length: all.length / STARTS },
        (_, i) => all[(s * all.length) / STARTS + i] as number,
      );
    return Array.from({ length: STARTS }, (_, s) => ({
      logWeights: of(weights, s),
      mean: of(means, s),
      factor: of(factors, s),
      isLost: lost[s] === 1,
    }));
  }
}
