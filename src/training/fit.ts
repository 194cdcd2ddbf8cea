// The loop around a trainer: epochs, evaluations, checkpoints, stopping. Knows no files and no
// terminal: whoever calls it decides what becomes of the reports.
import { isLatentGpuError } from '../errors.ts';
import type { Evaluation } from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Best, Checkpoint } from './checkpoint.ts';
import type { Progress } from './report.ts';
import type { TrainerState } from './state.ts';
import type { Trainer } from './trainer.ts';

export interface EpochReport {
  /** Steps and epochs done since the run began. */
  readonly step: number;
  readonly epoch: number;
  /** Means over the steps of this epoch that this call has seen. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly steps: number;
  /** Updates skipped so far because their gradient was not usable. */
  readonly skipped: number;
  /** Of training alone. */
  readonly seconds: number;
  /** Whether it was one of pretraining, whose loss is another. */
  readonly isPretraining?: boolean;
  readonly evaluation?: Evaluation;
  /** Whether this evaluation is the best so far; only with `patience`. */
  readonly isBest?: boolean;
}

export interface FitOptions {
  /** Steps of the whole run, those of a continued one included. */
  readonly steps: number;
  /** Evaluates on data held out, after every `every` epochs and at the end. */
  readonly evaluate?: {
    readonly every: number;
    readonly run: (runtime: Runtime) => Promise<Evaluation>;
  };
  /** Stops after so many evaluations without a lower loss. */
  readonly patience?: number;
  /** The best so far of a run that is continued. */
  readonly best?: Best;
  /** Steps between checkpoints; the end has one in any case. */
  readonly checkpointEvery?: number;
  /** Called a few times a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called after every epoch, and at the end. */
  readonly onEpoch?: (report: EpochReport) => void | Promise<void>;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Stops after the steps under way, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  /** `stale`: `patience` ran out. `converged`: another pass would change nothing. */
  readonly reason: 'finished' | 'stale' | 'converged' | 'interrupted';
  readonly step: number;
  readonly epoch: number;
  /** Of the last epoch, if one ended. */
  readonly last: EpochReport | undefined;
  readonly best: Best | undefined;
  /** The parameters to keep: the best ones with `patience`, else the last (or their average). */
  readonly parameters: Float32Array;
}

/** The next multiple of `every` after `step`. */
const nextMultiple = (step: number, every: number) => (Math.floor(step / every) + 1) * every;

/** Means over parts of an epoch, weighted by their steps. */
class EpochMeans {
  private readonly sums = new Map<string, { sum: number; steps: number }>();
  steps = 0;

  add(metrics: Readonly<Record<string, number>>, steps: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      // A part of a pass that has not ended has no metrics.
      const sofar = this.sums.get(name) ?? { sum: 0, steps: 0 };
      this.sums.set(name, { sum: sofar.sum + value * steps, steps: sofar.steps + steps });
    }
    this.steps += steps;
  }

  take(): Record<string, number> {
    const means = Object.fromEntries([...this.sums].map(([k, { sum, steps }]) => [k, sum / steps]));
    this.sums.clear();
    this.steps = 0;
    return means;
  }
}

/**
 * Trains until `steps` steps are done, patience runs out, or the signal stops it.
 *
 * ```ts
 * const { reason, parameters } = await fit(trainer, {
 *   steps: 20 * trainer.stepsPerEpoch,
 *   onEpoch: ({ epoch, metrics }) => console.log(epoch, metrics.loss),
 * });
 * ```
 *
 * @throws LatentGpuError `not-finite`, after a checkpoint of the last good state
 */
export async function fit(trainer: Trainer, options: FitOptions): Promise<FitResult> {
  const { steps: total, evaluate, patience, checkpointEvery = 0, signal } = options;
  const perEpoch = trainer.stepsPerEpoch;
  const means = new EpochMeans();
  let { best } = options;
  let last: EpochReport | undefined;
  let seconds = 0;
  const isStale = () => patience !== undefined && best !== undefined && best.stale >= patience;
  const reasonOf = (): FitResult['reason'] => {
    if (trainer.isConverged) return 'converged';
    if (trainer.step >= total) return 'finished';
    return isStale() ? 'stale' : 'interrupted';
  };
  const checkpoint = async () =>
    options.onCheckpoint?.({ state: trainer.lastState as TrainerState, best });

  try {
    while (trainer.step < total && !signal?.aborted && !isStale() && !trainer.isConverged) {
      const from = trainer.step;
      const stop = checkpointEvery > 0 ? nextMultiple(from, checkpointEvery) : total;
      const next = Math.min(total, nextMultiple(from, perEpoch), stop);
      const began = performance.now();
      const report = await trainer.run(next - from, {
        ...(options.onProgress && { onProgress: options.onProgress }),
        ...(signal && { signal }),
      });
      seconds += (performance.now() - began) / 1000;
      means.add(report.metrics, report.step - from);
      if (report.step < next) break;
      const isEnd = next === total || trainer.isConverged;
      if (isEnd || next % perEpoch === 0) {
        const { steps } = means;
        const isPretraining = next <= trainer.pretrainingSteps;
        last = { ...report, steps, metrics: means.take(), seconds };
        if (isPretraining) last = { ...last, isPretraining };
        seconds = 0;
        const due = evaluate && evaluate.every > 0 && (next / perEpoch) % evaluate.every === 0;
        if (evaluate && evaluate.every > 0 && ((due && !isPretraining) || isEnd)) {
          const parameters = await trainer.keptParameters();
          const evaluation = await trainer.withParameters(parameters, evaluate.run);
          last = { ...last, evaluation };
          if (patience !== undefined) {
            const { loss } = evaluation;
            const isBest = !best || loss < best.loss;
            best = isBest
              ? { loss, step: next, stale: 0, parameters }
              : { ...(best as Best), stale: (best as Best).stale + 1 };
            last = { ...last, isBest };
          }
        }
        await options.onEpoch?.(last);
      }
      if (!isEnd && checkpointEvery > 0 && next % checkpointEvery === 0) await checkpoint();
    }
  } catch (error) {
    // What was good is kept, for a second try with other settings.
    if (isLatentGpuError(error, 'not-finite') && trainer.lastState) await checkpoint();
    throw error;
  }
  await checkpoint();
  return {
    reason: reasonOf(),
    step: trainer.step,
    epoch: trainer.step / perEpoch,
    last,
    best,
    parameters: best?.parameters ?? (await trainer.keptParameters()),
  };
}
