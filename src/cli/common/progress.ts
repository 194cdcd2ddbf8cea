// Progress bars on standard error: in a terminal only, because a log has no use for them.
import { MultiBar } from 'cli-progress';
import { duration } from './text.ts';

export interface Bar {
  /** Whether there is one to be seen. */
  readonly isShown: boolean;
  /** @param fraction of the work, 0 … 1. @param note what else is worth knowing */
  update(fraction: number, note?: string): void;
  /** A line above the bar that is shown, on standard error. */
  log(line: string): void;
  stop(): void;
}

const WIDTH = 20;
/** Redrawn at most this often. */
const INTERVAL_MS = 100;

const NONE: Bar = { isShown: false, update: () => {}, log: () => {}, stop: () => {} };

export function openBar(label: string, quiet: boolean): Bar {
  if (quiet || !process.stderr.isTTY) return NONE;
  const began = performance.now();
  const bars = new MultiBar({
    format: ' {label} {bar} {percentage}% {note}{left}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: WIDTH,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    stream: process.stderr,
  });
  const bar = bars.create(1000, 0, { label, note: '', left: '' });
  let drawn = Number.NEGATIVE_INFINITY;
  let start: number | undefined;
  return {
    isShown: true,
    update(fraction, note = '') {
      const now = performance.now();
      start ??= fraction;
      if (now - drawn < INTERVAL_MS && fraction < 1) return;
      drawn = now;
      const done = fraction - start;
      const seconds = (now - began) / 1000;
      const left = done > 0 ? `  ${duration((seconds / done) * (1 - fraction))} left` : '';
      bar.update(Math.round(1000 * fraction), { label, note: note && ` ${note}`, left });
    },
    log(line) {
      bars.log(`${line}\n`);
      bars.update();
    },
    stop() {
      bars.stop();
    },
  };
}
