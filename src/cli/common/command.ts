// What all commands have in common.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Interrupt } from './interrupt.ts';
import { Output } from './output.ts';

/** What a command is given to work with. */
export interface Context {
  readonly out: Output;
  readonly seed: number | undefined;
  /** Given by Ctrl-C, which is caught from when this is first asked for. */
  readonly signal: AbortSignal;
}

export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  seed?: number;
}

const TEXT = {
  json: 'the result as one JSON object on standard output',
  quiet: 'no progress, only results and errors',
  seed: 'a whole number; the same seed gives the same numbers',
};

/** An option's value as a whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${min}`);
  };
}

/** An option that takes a whole number. */
export function countOption(flags: string, help: string, min = 1): Option {
  return new Option(flags, help).argParser(wholeNumber(min));
}

/** An option's value as row numbers: `3`, `1,5,8`, `0-9,20`. */
export function rowNumbers(text: string): number[] {
  const rows: number[] = [];
  for (const part of text.split(',')) {
    const [, from, to = from] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (!(Number.isSafeInteger(first) && last >= first && last - first < 1e6)) {
      throw new InvalidArgumentError('It must be row numbers from 0, such as 3 or 1,5,8 or 0-9');
    }
    for (let row = first; row <= last; row++) rows.push(row);
  }
  return rows;
}

/** Adds the options that every command has, and an example to its help. */
export function common(command: Command, example: string): Command {
  return command
    .option('--json', TEXT.json)
    .option('--quiet', TEXT.quiet)
    .addOption(countOption('--seed <n>', TEXT.seed, 0))
    .addHelpText('after', `\nExample:\n  ${example.split('\n').join('\n  ')}`);
}

/** Runs a command's work with its output, its seed and its way of being stopped. */
export async function runCommand(
  options: CommonOptions,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const out = new Output(options);
  const interrupt = new Interrupt(() => out.remark('stopping; once more to stop at once'));
  const context: Context = {
    out,
    seed: options.seed,
    get signal() {
      return interrupt.signal;
    },
  };
  try {
    await work(context);
  } finally {
    interrupt.release();
  }
}
