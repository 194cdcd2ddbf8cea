// How commands fail: one line for people, an exit code for scripts.
import { CommanderError } from 'commander';
import { type ErrorCode, isLatentGpuError } from '../../errors.ts';

export const EXIT = { failure: 1, mistake: 2, interrupted: 130 } as const;

/** Errors that the machine makes; all others are the user's to mend. */
const FAILURES: readonly ErrorCode[] = [
  'device-lost',
  'out-of-memory',
  'validation',
  'not-finite',
  'bad-kernel',
  'io',
];

export interface Failure {
  readonly code: string;
  /** One line. */
  readonly message: string;
  readonly exit: number;
}

/** What engines say of arrays and texts that are larger than may be, or than there is memory for. */
const TOO_MUCH = /array length|string length|buffer size|allocation|out of memory/i;

const oneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, ' ');

/** Commander's own complaints, in this program's words. */
function parseFailure(error: CommanderError, command: string): Failure {
  const message = oneLine(error.message)
    .replace(/^error: /, '')
    .replace(/\.? \(Did you mean (one of )?(.*?)\?\)/, '; did you mean $1$2?');
  const hint = message.includes('did you mean') ? '' : `; see \`${command} --help\``;
  return { code: 'bad-config', message: message.replace(/\.$/, '') + hint, exit: EXIT.mistake };
}

/** @param command what to type before `--help`, e.g. `latentgpu train` */
export function failureOf(error: unknown, command: string): Failure {
  if (error instanceof CommanderError) return parseFailure(error, command);
  if (isLatentGpuError(error)) {
    const { code } = error;
    const exit =
      code === 'interrupted'
        ? EXIT.interrupted
        : FAILURES.includes(code)
          ? EXIT.failure
          : EXIT.mistake;
    return { code, message: oneLine(error.message), exit };
  }
  if (error instanceof RangeError && TOO_MUCH.test(error.message)) {
    const message = `there is no memory for so much (${oneLine(error.message)}); ask for less of it`;
    return { code: 'out-of-memory', message, exit: EXIT.failure };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: `internal error: ${oneLine(message)}`, exit: EXIT.failure };
}
