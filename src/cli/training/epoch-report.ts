// How a run is getting on: a bar while it goes, a line an epoch for people, another for metrics.jsonl.
import { bitsPerDimension } from '../../flows/index.ts';
import { type Model, plainOf } from '../../models/index.ts';
import type { EpochReport, Progress } from '../../training/index.ts';
import type { Bar } from '../common/progress.ts';

/** Nats as bits for each of an image's numbers, of a density of grey levels. */
export function bitsOf({ can: { grey }, features }: Model, nats: number): number | null {
  return grey ? bitsPerDimension(-nats, features, grey.levels) : null;
}

/** The loss in nats of the data as they were, as evaluations are. @param shift their `logScale` */
export function inDataUnits(report: EpochReport, shift: number): EpochReport {
  const { loss } = report.metrics;
  if (loss === undefined || shift === 0) return report;
  return { ...report, metrics: { ...report.metrics, loss: loss + shift } };
}

/** Shows loss and speed, the speed as a running mean. */
export function progressOn(bar: Bar, total: number, start: number, shift: number) {
  let before = { step: start, at: performance.now() };
  let speed: number | undefined;
  return ({ step, metrics }: Progress) => {
    const at = performance.now();
    const now = (1000 * (step - before.step)) / (at - before.at);
    speed = speed === undefined ? now : 0.7 * speed + 0.3 * now;
    before = { step, at };
    bar.update(
      step / total,
      `loss ${((metrics.loss ?? 0) + shift).toFixed(1)}  ${speed.toFixed(1)} steps/s`,
    );
  };
}

export function metricsLine(report: EpochReport): Record<string, unknown> {
  const { step, epoch, steps, metrics, skipped, seconds, evaluation, isBest, isPretraining } =
    report;
  return {
    step,
    epoch,
    ...(isPretraining && { phase: 'pretraining' }),
    steps,
    ...metrics,
    skipped,
    seconds: Number(seconds.toFixed(3)),
    ...(evaluation && { evaluation: plainOf(evaluation) }),
    ...(isBest !== undefined && { best: isBest }),
  };
}

export function epochLine(model: Model, report: EpochReport, epochs: number): string {
  const { step, epoch, steps, metrics, seconds, skipped, evaluation, isBest } = report;
  const total = Number(epochs.toFixed(2));
  const tested = evaluation?.loss;
  const bits = bitsOf(model, tested ?? metrics.loss ?? 0);
  const nll = evaluation?.nll;
  const parts = [
    `epoch ${Number(epoch.toFixed(2))}/${total}`,
    `step ${step}`,
    ...(report.isPretraining ? ['pretraining'] : []),
    ...(metrics.loss !== undefined ? [`loss ${metrics.loss.toFixed(2)}`] : []),
    ...(metrics.kl !== undefined && !report.isPretraining ? [`kl ${metrics.kl.toFixed(2)}`] : []),
    ...(tested !== undefined ? [`test ${tested.toFixed(2)}${isBest ? ' (best)' : ''}`] : []),
    ...(bits !== null ? [`${bits.toFixed(3)} bits/dim`] : []),
    ...(nll ? [`nll ${nll.value.toFixed(2)}`] : []),
    `${(steps / seconds).toFixed(1)} steps/s`,
    ...(skipped > 0 ? [`${skipped} updates skipped`] : []),
  ];
  return parts.join('  ');
}
