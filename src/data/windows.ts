// Windows of long series: each is a data point, [steps] or [steps, channels], and knows where it was cut.
import { LatentGpuError } from '../errors.ts';
import type { LoadedDataset } from './dataset.ts';
import type { Sequence } from './sequence.ts';

/** How windows are cut. */
export interface Windows {
  /** Steps of a data point. */
  readonly window: number;
  /** Steps from one window's beginning to the next one's. Default: a quarter of the window. */
  readonly stride?: number;
  /** Steps a second: sounds of another rate are resampled to it. */
  readonly rate?: number;
}

/** One series, row major [steps, channels]; what is missing is NaN, if that is taken. */
export interface Series {
  readonly data: Float32Array | Float64Array;
  /** For errors. */
  readonly name: string;
  readonly label?: number | undefined;
}

export const strideOf = ({ window, stride }: Windows): number =>
  stride ?? Math.max(1, Math.floor(window / 4));

/**
 * Cuts series into windows, one series after the other; what is left at a series' end is left out.
 *
 * @param onShort told how many series of several are shorter than a window, which are passed over
 * @throws LatentGpuError `bad-data` if none is as long as a window
 */
export function cutWindows(
  all: readonly Series[],
  channels: number,
  windows: Windows,
  about: { readonly name: string; readonly source: string; readonly rate?: number | undefined },
  onShort?: (count: number) => void,
): LoadedDataset {
  const { window } = windows;
  const stride = strideOf(windows);
  const steps = all.map(({ data }) => data.length / channels);
  const counts = steps.map((length) =>
    length < window ? 0 : Math.floor((length - window) / stride) + 1,
  );
  const count = counts.reduce((a, b) => a + b, 0);
  if (count === 0) {
    const longest = steps.reduce((most, length) => Math.max(most, length), 0);
    const turned = channels >= window ? `; if its ${channels} columns are the steps, save x.T` : '';
    throw new LatentGpuError(
      'bad-data',
      `${about.name}: ${all.length === 1 ? 'the series has' : 'the longest series has'} ${longest} steps, and a window ${window}; take a smaller one, --window ${Math.max(1, Math.floor(longest / 2))}${turned}`,
    );
  }
  const short = counts.filter((n) => n === 0).length;
  if (short > 0) onShort?.(short);
  const size = window * channels;
  const isDouble = all.some(({ data }) => data instanceof Float64Array);
  const data = isDouble ? new Float64Array(count * size) : new Float32Array(count * size);
  const cuts = { series: new Uint32Array(count), start: new Uint32Array(count) };
  const labels = new Uint32Array(count);
  let row = 0;
  for (const [s, series] of all.entries()) {
    for (let i = 0; i < (counts[s] as number); i++, row++) {
      const start = i * stride;
      data.set(series.data.subarray(start * channels, (start + window) * channels), row * size);
      cuts.series[row] = s;
      cuts.start[row] = start;
      labels[row] = series.label ?? 0;
    }
  }
  const isLabelled = all.some(({ label }) => label !== undefined);
  return {
    name: about.name,
    source: about.source,
    count,
    shape: channels === 1 ? [window] : [window, channels],
    data,
    sequence: { ...(about.rate !== undefined && { rate: about.rate }), cuts },
    ...(isLabelled && { labels }),
  };
}

/**
 * Which windows are held out, so that no step of theirs is among those to train on: of one series its
 * last stretch; of several whole series, in the order given, until there are `number` windows.
 *
 * @param order series as they are to be taken
 * @returns rows of either part; windows that overlap those held out are in neither
 */
export function heldOutStretches(
  { series, start }: NonNullable<Sequence['cuts']>,
  window: number,
  number: number,
  order: (count: number) => Uint32Array,
): { train: Uint32Array; test: Uint32Array; left: number } {
  const rows = Uint32Array.from(series.keys());
  const names = [...new Set(series)];
  if (names.length === 1) {
    const first = rows.length - number;
    const cut = start[first] as number;
    const train = rows.filter((row) => row < first && (start[row] as number) + window <= cut);
    return { train, test: rows.subarray(first), left: first - train.length };
  }
  const chosen = new Set<number>();
  let found = 0;
  for (const i of order(names.length)) {
    // One at least is left to train on.
    if (found >= number || chosen.size === names.length - 1) break;
    const name = names[i] as number;
    chosen.add(name);
    found += rows.filter((row) => series[row] === name).length;
  }
  const isHeld = (row: number) => chosen.has(series[row] as number);
  return {
    train: rows.filter((row) => !isHeld(row)),
    test: rows.filter((row) => isHeld(row)),
    left: 0,
  };
}
