// EM in half steps, several starts side by side: the library's mixture gathers and settles, and between
// that the bound and the log-likelihood are measured.

import {
  buildModel,
  input,
  isLatentGpuError,
  LatentGpuError,
  type ModelConfig,
  ops,
  type SweepLearner,
  type Tensor,
  type Variable,
  variable,
} from '../../src/index.ts';
import type { CovarianceKind } from '../../src/models/families/gmm/covariance.ts';
import { jointOf, type Mixtures } from '../../src/models/families/gmm/density.ts';
import type { Runtime } from '../../src/scheduler/index.ts';
import type { Run } from '../lab/chapter.ts';
import type { LabPlan, LabRuntime } from '../lab/host-runtime.ts';

export interface EmSettings {
  readonly components: number;
  readonly covariance: CovarianceKind;
  readonly start: 'kmeans' | 'random';
  readonly regularize: number;
  readonly seed: number;
}

/** Mixtures that learn side by side. */
export const STARTS = 6;

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
  /** log p(x), [STARTS]. */
  readonly logLikelihood: readonly number[];
  /** E_q log p(x, c) + H(q), [STARTS]. */
  readonly bound: readonly number[];
}

const listOf = (values: ArrayLike<number>, start: number, size: number) =>
  Float64Array.from({ length: size }, (_, i) => values[start + i] as number);

export class EmRun implements Run {
  readonly settings: EmSettings;
  readonly count: number;
  readonly moments: Moment[] = [];
  starts: readonly Start[] = [];
  /** log q(c | x) of each start, [STARTS, K, B]. */
  logQ: ArrayLike<number> = [];
  isConverged = false;
  private next: 'E' | 'M' = 'E';
  private readonly runtime: LabRuntime;
  private readonly learner: SweepLearner;
  private readonly held: Variable;
  private readonly plans: Record<'gather' | 'infer' | 'measure', LabPlan>;
  private readonly changed: (run: EmRun) => void;

  private constructor(
    runtime: LabRuntime,
    settings: EmSettings,
    count: number,
    learner: SweepLearner,
    held: Variable,
    plans: EmRun['plans'],
    changed: (run: EmRun) => void,
  ) {
    this.runtime = runtime;
    this.settings = settings;
    this.count = count;
    this.learner = learner;
    this.held = held;
    this.plans = plans;
    this.changed = changed;
  }

  /**
   * @param points [B, 2]
   * @param changed called after every half step
   */
  static async open(
    runtime: LabRuntime,
    points: Float32Array,
    settings: EmSettings,
    changed: (run: EmRun) => void,
  ): Promise<EmRun> {
    const { components, covariance, start, regularize, seed } = settings;
    const count = points.length / 2;
    if (count < components) {
      throw new LatentGpuError(
        'bad-input',
        `${count} points are too few for ${components} components: add points, or take fewer components`,
      );
    }
    const config = { components, covariance, start, regularize, starts: STARTS, tolerance: 1e-7 };
    const data = { shape: [2], name: 'points' };
    const model = buildModel({ family: 'gmm', data, fit: 'em', ...config } as ModelConfig);
    const learner = model.learner as SweepLearner;
    const rows = (from: number, to: number) => points.subarray(2 * from, 2 * to);
    const initial = learner.initial?.({ count, rows }, seed) ?? [];
    const x = input('points', [count, 2]);
    const held = variable('log q', [STARTS, components, count]);
    const joint = jointOf(covariance, x, mixturesOf(learner)).logProb;
    const logLikelihood = ops.logSumExp(joint, 1, { keepDims: true });
    const [gather, infer, measure] = await Promise.all([
      runtime.compile({ effects: learner.sweep.gather({ x }) }),
      runtime.compile({ effects: [ops.assign(held, ops.sub(joint, logLikelihood))] }),
      runtime.compile({
        outputs: {
          logLikelihood: ops.sum(logLikelihood, [1, 2]),
          bound: ops.sum(ops.mul(ops.exp(held), ops.sub(joint, held)), [1, 2]),
        },
      }),
    ]);
    for (const [each, values] of initial) runtime.write(each, values);
    runtime.write(x, points);
    runtime.write(held, new Float32Array(held.size).fill(-Math.log(components)));
    const run = new EmRun(
      runtime,
      settings,
      count,
      learner,
      held,
      { gather, infer, measure },
      changed,
    );
    await run.look('start');
    return run;
  }

  /** What the next half step is. */
  get nextStep(): 'E' | 'M' {
    return this.next;
  }

  async turn(): Promise<boolean> {
    if (this.isConverged) return false;
    const step = this.next;
    try {
      if (step === 'E') await this.plans.infer.run();
      else await this.settle();
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-data')) throw error;
      this.isConverged = true;
      throw new LatentGpuError(
        'bad-data',
        'In every start a component has become singular: it sits on points that leave it no variance of ' +
          'its own, and the likelihood has no bound. Add something to every variance, or take fewer components.',
      );
    }
    this.next = step === 'E' ? 'M' : 'E';
    await this.look(step);
    return !this.isConverged;
  }

  /** The M step: statistics weighed by q, which is p(c | x) of the mixtures as they are, settled in float64. */
  private async settle(): Promise<void> {
    const { settle, converged } = this.learner.sweep;
    await this.plans.gather.run();
    if (typeof settle !== 'function') throw new Error('a mixture settles on the host');
    await settle(this.runtime as Runtime);
    this.isConverged = converged !== undefined && (await this.numbers(converged))[0] === 1;
  }

  private numbers(held: Tensor): Promise<ArrayLike<number>> {
    return this.runtime.read(held as Variable);
  }

  private async look(after: Moment['after']): Promise<void> {
    const { measure } = this.plans;
    await measure.run();
    const [logLikelihood, bound] = [
      await measure.read('logLikelihood'),
      await measure.read('bound'),
    ];
    this.moments.push({
      half: this.moments.length,
      after,
      logLikelihood: Array.from(logLikelihood),
      bound: Array.from(bound),
    });
    if (after !== 'M') this.logQ = Array.from(await this.numbers(this.held));
    if (after !== 'E') this.starts = await this.startsNow();
    this.changed(this);
  }

  private async startsNow(): Promise<Start[]> {
    const { logWeights, mean, factor, lost } = this.learner.sweep.state as Record<string, Variable>;
    const [weights, means, factors, out] = (await Promise.all(
      [logWeights, mean, factor, lost].map((each) => this.numbers(each as Variable)),
    )) as [ArrayLike<number>, ArrayLike<number>, ArrayLike<number>, ArrayLike<number>];
    const of = (all: ArrayLike<number>, s: number) =>
      listOf(all, (s * all.length) / STARTS, all.length / STARTS);
    return Array.from({ length: STARTS }, (_, s) => ({
      logWeights: of(weights, s),
      mean: of(means, s),
      factor: of(factors, s),
      isLost: out[s] === 1,
    }));
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

  close(): void {
    for (const plan of Object.values(this.plans)) plan.destroy();
    for (const each of Object.values(this.learner.sweep.state ?? {})) this.runtime.release(each);
    this.runtime.release(this.held);
  }
}

function mixturesOf({ sweep }: SweepLearner): Mixtures {
  const { logWeights, mean, factor } = sweep.state as Record<string, Variable>;
  return { logWeights, mean, factor } as Mixtures;
}

/** The covariance of component k: its deviations along the axes and the angle of the first. */
export function ellipseOf(kind: CovarianceKind, { factor }: Start, k: number) {
  const of = kind === 'tied' ? 0 : k;
  // P, of which Σ⁻¹ = Pᵀ P.
  let [a, b, c] = [0, 0, 0];
  if (kind === 'full' || kind === 'tied') {
    [a, b, c] = [
      Math.exp(factor[4 * of] as number),
      factor[4 * of + 2] as number,
      Math.exp(factor[4 * of + 3] as number),
    ];
  } else if (kind === 'diagonal') {
    [a, c] = [Math.exp(factor[2 * of] as number), Math.exp(factor[2 * of + 1] as number)];
  } else {
    a = Math.exp(factor[of] as number);
    c = a;
  }
  const precision = [a * a + b * b, b * c, c * c] as const;
  const det = precision[0] * precision[2] - precision[1] ** 2;
  const [xx, xy, yy] = [precision[2] / det, -precision[1] / det, precision[0] / det];
  const middle = (xx + yy) / 2;
  const off = Math.hypot((xx - yy) / 2, xy);
  return {
    major: Math.sqrt(middle + off),
    minor: Math.sqrt(Math.max(0, middle - off)),
    angle: 0.5 * Math.atan2(2 * xy, xx - yy),
  };
}
