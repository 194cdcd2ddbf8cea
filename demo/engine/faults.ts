// What went wrong, in the words of the page, and what there is to go on with.
import { type ErrorCode, isLatentGpuError, type TrainerState } from '../../src/index.ts';
import type { Task } from './task.ts';

export interface Fault {
  readonly code: ErrorCode | undefined;
  readonly text: string;
  /** Whether there is no device to go on with. */
  readonly isStranded: boolean;
  /** The state to go back to. */
  readonly back?: TrainerState;
}

/** What leaves no device to go on with. */
const FATAL: readonly (ErrorCode | undefined)[] = ['no-adapter', 'device-lost'];

export const messageOf = (error: unknown) =>
  error instanceof Error ? error.message : String(error);

/** Why a model cannot be made, in words for whoever has not written it. */
export const whyNot = (error: unknown) =>
  isLatentGpuError(error, 'limit-exceeded')
    ? 'this model of these data is too large for the adapter: take fewer hidden units, or smaller images.'
    : messageOf(error).replace(/\.?$/, '.');

/** @param task that it happened to, if there is one */
export function faultOf(error: unknown, task: Task | undefined): Fault {
  const text = messageOf(error);
  const code = isLatentGpuError(error) ? error.code : undefined;
  const plain = { code, text, isStranded: false };
  if (!task) return plain;
  const last = task.trainer.lastState;
  if (FATAL.includes(code) || task.device.isLost) {
    return {
      code,
      isStranded: true,
      text:
        `The GPU was lost and the browser offers no other for now. The model is kept as of step ${last?.step ?? 0}: ` +
        'save it, or try again in a minute or two.',
    };
  }
  if (code !== 'not-finite' || !last) return plain;
  const [why] = text.split(';');
  return { ...plain, text: `${why}. Back at the last good step: lower the rate.`, back: last };
}
