// The ways in which a model learns: by gradients of a loss, or by passes that are settled.
import type { Device } from '../device/index.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import type { Description } from './description.ts';
import type { Runner } from './runner.ts';
import { describeStep, type TrainerOptions } from './step.ts';
import { StepRunner } from './step-runner.ts';
import { describeSweep, type SweepOptions } from './sweep.ts';
import { SweepRunner } from './sweep-runner.ts';

/** What is to be known of a run, and how it goes on a device. */
export interface Learner {
  readonly description: Description;
  run(device: Device, tuned: TunedTable | undefined): Promise<Runner>;
}

export function learnerOf(options: TrainerOptions | SweepOptions): Learner {
  if ('sweep' in options) {
    const description = describeSweep(options);
    const run: Learner['run'] = (device, tuned) =>
      SweepRunner.create(device, description, options, tuned);
    return { description, run };
  }
  const description = describeStep(options);
  return {
    description,
    run: (device, tuned) => StepRunner.create(device, description, options, tuned),
  };
}

/**
 * Describes a run, whichever way the model learns. Needs no device and reads no data, so that
 * `schedule({ effects })` can tell how a step would go.
 *
 * ```ts
 * const { effects } = describeRun({ data, ...trainerOf(model, training, optim.adam) });
 * console.log(schedule({ effects }).explain());
 * ```
 */
export function describeRun(options: TrainerOptions | SweepOptions): Description {
  return learnerOf(options).description;
}
