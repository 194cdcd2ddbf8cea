// EM and, beside it, variational EM, from the same starts: half step by half step.
import {
  buildModel,
  isLatentGpuError,
  LatentGpuError,
  type ModelConfig,
  type SweepLearner,
  type Variable,
  variable,
} from '../../src/index.ts';
import type { CovarianceKind } from '../../src/models/families/gmm/covariance.ts';
import type { Run } from '../lab/chapter.ts';
import type { LabRuntime } from '../lab/host-runtime.ts';
import { exactSteps } from './exact-steps.ts';
import { type Guess, guessedSteps } from './guessed-steps.ts';
import { groundOf, type MixtureState, STARTS, Track } from './track.ts';

export interface EmSettings {
  readonly components: number;
  readonly covariance: CovarianceKind;
  readonly start: 'kmeans' | 'random';
  readonly guess: Guess;
  readonly regularize: number;
  readonly seed: number;
}

export class EmRun implements Run {
  readonly settings: EmSettings;
  readonly count: number;
  readonly exact: Track;
  /** By variational EM. */
  readonly guessed: Track;
  private readonly changed: (run: EmRun) => void;

  private constructor(
    settings: EmSettings,
    count: number,
    [exact, guessed]: readonly [Track, Track],
    changed: (run: EmRun) => void,
  ) {
    this.settings = settings;
    this.count = count;
    this.exact = exact;
    this.guessed = guessed;
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
    const { components, covariance, start, regularize, seed, guess } = settings;
    const count = points.length / 2;
    if (count < components) {
      throw new LatentGpuError(
        'bad-input',
        `${count} of at least ${components} points, one for each component: click to add more`,
      );
    }
    const config = { components, covariance, start, regularize, starts: STARTS, tolerance: 1e-7 };
    const data = { shape: [2], name: 'points' };
    const model = buildModel({ family: 'gmm', data, fit: 'em', ...config } as ModelConfig);
    const learner = model.learner as SweepLearner;
    const rows = (from: number, to: number) => points.subarray(2 * from, 2 * to);
    const initial = startsOf(() => learner.initial?.({ count, rows }, seed) ?? new Map());
    for (const [each, values] of initial) runtime.write(each, values);
    const state = learner.sweep.state as Record<string, Variable>;
    const own = mixturesOf(state);
    const others = copied(runtime, own, initial);
    const [ground, beside] = [own, others].map((mixtures) =>
      groundOf(runtime, covariance, points, mixtures),
    ) as [ReturnType<typeof groundOf>, ReturnType<typeof groundOf>];
    const deviation = initial.get(state.deviation as Variable) ?? [];
    const exact = await Track.open(ground, await exactSteps(ground, learner));
    const steps = await guessedSteps(beside, { guess, regularize, deviation, seed });
    const run = new EmRun(settings, count, [exact, await Track.open(beside, steps)], changed);
    changed(run);
    return run;
  }

  get isConverged(): boolean {
    return this.exact.isConverged;
  }

  async turn(): Promise<boolean> {
    const { exact, guessed } = this;
    // A GPU that is lost between the two leaves one of them ahead.
    const isAhead = exact.moments.length > guessed.moments.length && !guessed.isConverged;
    try {
      if (!isAhead) await exact.turn();
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-data')) throw error;
      exact.isConverged = true;
      throw new LatentGpuError(
        'bad-data',
        'In every start a component has become singular: it sits on points that leave it no variance of ' +
          'its own, and the likelihood has no bound. Add something to every variance, or take fewer components.',
      );
    }
    await guessed.turn();
    this.changed(this);
    return !exact.isConverged || !guessed.isConverged;
  }
}

/** The library's starts, and what it says where there are none, in words of the page. */
function startsOf<T>(start: () => T): T {
  try {
    return start();
  } catch (error) {
    if (!isLatentGpuError(error, 'bad-data')) throw error;
    throw new LatentGpuError(
      'bad-data',
      'all points lie on a line across or up, and a component needs a variance: add points beside it, or add something to every variance',
    );
  }
}

function mixturesOf(state: Record<string, Variable>): MixtureState {
  const { logWeights, mean, factor } = state;
  return { logWeights, mean, factor } as MixtureState;
}

/** Mixtures of their own that begin where others do. */
function copied(
  runtime: LabRuntime,
  mixtures: MixtureState,
  initial: ReadonlyMap<Variable, Float32Array>,
): MixtureState {
  const copy = (of: Variable) => {
    const held = variable(`${of.name} beside`, of.shape);
    runtime.write(held, initial.get(of) ?? new Float32Array(of.size));
    return held;
  };
  const { logWeights, mean, factor } = mixtures;
  return { logWeights: copy(logWeights), mean: copy(mean), factor: copy(factor) };
}
