// What a training run came to, for programs and for people.
import type { Binarization, FitResult } from '../../training/index.ts';
import type { Context } from '../common/command.ts';
import { EXIT } from '../common/failure.ts';
import { duration } from '../common/text.ts';
import type { Selection } from './select.ts';

export interface RunSummary {
  readonly folder: string;
  readonly family: string;
  readonly reason: FitResult['reason'];
  readonly step: number;
  readonly epoch: number;
  readonly loss: number | null;
  /** Of the evaluation data, for the parameters that were kept; of latent-variable models. */
  readonly negativeElbo: number | null;
  /** The same of flows. */
  readonly negativeLogLikelihood: number | null;
  /** Of flows on grey levels. */
  readonly bitsPerDimension: number | null;
  readonly binarization: Binarization;
  readonly parameters: number;
  readonly skipped: number;
  readonly files: readonly string[];
  /** Of a range of sizes: which was taken, and what the others came to. */
  readonly selection?: Selection;
  readonly adapter: string;
  readonly seconds: number;
  readonly msPerStep: number | null;
}

/** The result, and where to go on if the run was stopped. */
export function finish(summary: RunSummary, { out }: Context): void {
  const { reason, folder, family, step, epoch, loss } = summary;
  const tested = summary.negativeElbo ?? summary.negativeLogLikelihood;
  const bits = summary.bitsPerDimension;
  if (reason === 'interrupted') {
    out.result(summary, '');
    out.remark(
      `stopped at step ${step} (epoch ${epoch.toFixed(2)}), saved; continue with: ` +
        `npx latentgpu train ${family} --resume --out ${folder}`,
    );
    process.exitCode = EXIT.interrupted;
    return;
  }
  const text = [
    `${folder}: ${summary.files.join(', ')}`,
    [
      ...(loss !== null ? [`loss ${loss.toFixed(2)}`] : []),
      ...(tested !== null ? [`test ${tested.toFixed(2)}`] : []),
      ...(bits !== null ? [`${bits.toFixed(3)} bits/dim`] : []),
      `${Number(epoch.toFixed(2))} epochs`,
      duration(summary.seconds),
      ...(summary.msPerStep !== null ? [`${summary.msPerStep.toFixed(1)} ms a step`] : []),
    ].join(', '),
    ...(reason === 'converged' ? ['converged: another pass would change nothing'] : []),
    ...(reason === 'stale' ? ['stopped early: patience ran out; the best weights were kept'] : []),
  ].join('\n');
  out.result(summary, out.quiet ? '' : text);
}
