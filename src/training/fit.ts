// The loop around a trainer: epochs, evaluations, checkpoints, stopping. Knows no files and no
// terminal: whoever calls it decides what becomes of the reports.
import { isLatentGpuError } from '../errors.ts';
import type { Evaluation } from '../models/evaluate.ts';
import type { FlowEvaluation } from '../models/flow/evaluate.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { Best, Checkpoint } from './checkpoint.ts';
import type { Progress } from './report.ts';
import type { TrainerState } from './state.ts';
import type { Trainer } from './trainer.ts';

/** Of whichever kind of model. */
export type AnyEvaluation = Evaluation | FlowEvaluation;

/** What training lowers, in nats: the negative ELBO, or a flow's negative log-likelihood. */
export function lossIn(evaluation: AnyEvaluation): number {
  return 'negativeElbo' in evaluation ? evaluation.negativeElbo : evaluation.negativeLogLikelihood;
}

export interface EpochReport<E extends AnyEvaluation = Evaluation> {
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
  readonly evaluation?: E;
  /** Whether this evaluation is the best so far; only with `patience`. */
  readonly isBest?: boolean;
}

export interface FitOptions<E extends AnyEvaluation = Evaluation> {
  /** Steps of the whole run, those of a continued one included. */
  readonly steps: number;
  /** Evaluates on data held out, after every `every` epochs and at the end. */
  readonly evaluate?: {
    readonly every: number;
    readonly run: (runtime: Runtime) => Promise<E>;
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
  readonly onEpoch?: (report: EpochReport<E>) => void | Promise<void>;
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Stops after the steps under way, with a checkpoint. */
  readonly signal?: AbortSignal;
}

export interface FitResult<E extends AnyEvaluation = Evaluation> {
  /** `stale`: `patience` ran out. */
  readonly reason: 'finished' | 'stale' | 'interrupted';
  readonly step: number;
  readonly epoch: number;
  /** Of the last epoch, if one ended. */
  readonly last: EpochReport<E> | undefined;
  readonly best: Best | undefined;
  /** The parameters to keep: the best ones with `patience`, else the last (or their average). */
  readonly parameters: Float32Array;
}

/** The next multiple of `every` after `step`. */
const nextMultiple = (step: number, every: number) => (Math.floor(step / every) + 1) * every;

/** Means over parts of an epoch, weighted by their steps. */
class EpochMeans {
  private readonly sums = new Map<string, number>();
  steps = 0;

  add(metrics: Readonly<Record<string, number>>, steps: number): void {
    for (const [name, value] of Object.entries(metrics)) {
      this.sums.set(name, (this.sums.get(name) ?? 0) + value * steps);
    }
    this.steps += steps;
  }

  take(): Record<string, number> {
    const means = Object.fromEntries([...this.sums].map(([k, sum]) => [k, sum / this.steps]));
    this.sums.clear();
    this.steps = 0;
    return means;
  }
}

/**
 * Trains until `steps` steps are done, patience runs out, or the signal stops it.
 *
 * @throws LatentGpuError `not-finite`, after a checkpoint of the last good state
 */
export async function fit<E extends AnyEvaluation = Evaluation>(
  trainer: Trainer,
  options: FitOptions<E>,
): Promise<FitResult<E>> {
  const { steps: total, evaluate, patience, checkpointEvery = 0, signal } = options;
  const perEpoch = trainer.stepsPerEpoch;
  const means = new EpochMeans();
  let { best } = options;
  let last: EpochReport<E> | undefined;
  let seconds = 0;
  const isStale = () => patience !== undefined && best !== undefined && best.stale >= patience;
  const checkpoint = async () =>
    options.onCheckpoint?.({ state: trainer.lastState as TrainerState, best });

  try {
    while (trainer.step < total && !signal?.aborted && !isStale()) {
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
      const isEnd = next === total;
      if (isEnd || next % perEpoch === 0) {
        const { steps } = means;
        last = { ...report, steps, metrics: means.take(), seconds };
        seconds = 0;
        const due = evaluate && evaluate.every > 0 && (next / perEpoch) % evaluate.every === 0;
        if (evaluate && evaluate.every > 0 && (due || isEnd)) {
          const parameters = await trainer.keptParameters();
          const evaluation = await trainer.withParameters(parameters, evaluate.run);
          last = { ...last, evaluation };
          if (patience !== undefined) {
            const loss = lossIn(evaluation);
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
  const interrupted = trainer.step < total && !isStale();
  return {
    reason: interrupted ? 'interrupted' : trainer.step < total ? 'stale' : 'finished',
    step: trainer.step,
    epoch: trainer.step / perEpoch,
    last,
    best,
    parameters: best?.parameters ?? (await trainer.keptParameters()),
  };
}
