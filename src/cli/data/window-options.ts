// What a command can be told of series: how they are cut into data points.
import type { Command, Option } from 'commander';
import { SIGNAL_WINDOW } from '../../data/signals.ts';
import type { Windows } from '../../data/windows.ts';
import { LatentGpuError } from '../../errors.ts';
import { countOption } from '../common/command.ts';

/** As commander gives them. */
export interface WindowFlags {
  window?: number;
  stride?: number;
  rate?: number;
}

const options = (): Option[] => [
  countOption('--window <n>', 'of series (.npy, tables, WAV): steps of a data point'),
  countOption('--stride <n>', 'steps from window to window; default: a quarter of one'),
  countOption('--rate <hz>', 'steps a second; sounds of another rate are resampled'),
];

/** Adds the options that say how series are cut. */
export function windowOptions(command: Command): void {
  for (const option of options()) command.addOption(option);
}

/** The same where there is no room for them: in a line. */
export function windowOptionsInLine(command: Command): void {
  for (const option of options()) command.addOption(option.hideHelp());
  command.addHelpText('after', 'Series: --window, --stride, --rate, as there.');
}

/**
 * What was said, over what is known: a stride belongs to its window.
 *
 * @throws LatentGpuError `bad-input` for a stride or a rate of no windows
 */
export function windowChoice(
  { window, stride, rate }: WindowFlags,
  known?: Windows,
): Windows | undefined {
  const [said, value] = stride !== undefined ? ['--stride', stride] : ['--rate', rate];
  if (window === undefined && !known) {
    if (value === undefined) return undefined;
    throw new LatentGpuError(
      'bad-input',
      `${said} ${value}: say how long a window is, --window 128`,
    );
  }
  return {
    ...known,
    ...(window !== undefined && { window }),
    ...(stride !== undefined && { stride }),
    ...(rate !== undefined && { rate }),
  } as Windows;
}

/** Those windows that a file is cut into for a model of sequences, whose own record may say nothing. */
export function windowsFor(shape: readonly number[], record?: Windows): Windows {
  return record ?? { window: shape[0] ?? SIGNAL_WINDOW };
}
