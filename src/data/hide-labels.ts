// Classes that are hidden on purpose: of the same share of every class, so that none is unknown.
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import type { LoadedDataset } from './dataset.ts';

/**
 * The same data with the classes of some rows unknown. At least one row of each class keeps its own; which
 * rows do follows from the seed.
 *
 * @param share of the rows of each class, above 0 and below 1
 * @throws LatentGpuError `bad-input` for data without classes
 */
export function hideLabels<T extends LoadedDataset>(dataset: T, share: number, seed: number): T {
  const { labels, name } = dataset;
  if (!labels) {
    throw new LatentGpuError('bad-input', `${name} has no classes that could be hidden`);
  }
  const hidden = Uint32Array.from(labels);
  for (const label of new Set(hidden)) {
    if (label === UNKNOWN_CLASS) continue;
    const rows = [...hidden.keys()].filter((row) => labels[row] === label);
    const kept = Math.max(1, Math.round((1 - share) * rows.length));
    const random = new Random(seed, STREAMS.hiddenLabels, label);
    for (let i = 0; i < rows.length - kept; i++) {
      const j = i + random.integer(rows.length - i);
      const row = rows[j] as number;
      rows[j] = rows[i] as number;
      hidden[row] = UNKNOWN_CLASS;
    }
  }
  return { ...dataset, labels: hidden };
}

/** `9,000 of 10,000 classes unknown`, of data that lack some: one text, or none. */
export function unlabelledText({ labels, count }: LoadedDataset): string[] {
  const unknown = Array.from(labels ?? []).filter((label) => label === UNKNOWN_CLASS).length;
  if (unknown === 0) return [];
  return [`${unknown.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} classes unknown`];
}
