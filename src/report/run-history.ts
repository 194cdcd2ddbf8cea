// The curves of a model folder's training.
import { join } from 'node:path';
import { readIfPresent } from '../data/files.node.ts';
import type { Model } from '../models/index.ts';
import { METRICS_FILE } from '../training/run-files.ts';
import { type History, readHistory } from './history.ts';
import { measuredBy } from './quantities.ts';

/** The curves of a run, and a note if there are none or if some of their lines cannot be read. */
export async function readRunHistory(
  dir: string,
  model: Model,
  notes: string[],
): Promise<History | undefined> {
  const bytes = await readIfPresent(join(dir, METRICS_FILE));
  if (!bytes) {
    notes.push(`The folder has no ${METRICS_FILE}, so there are no curves of training.`);
    return undefined;
  }
  const history = readHistory(new TextDecoder().decode(bytes), measuredBy(model));
  if (history.unreadable > 0) {
    notes.push(`Lines of ${METRICS_FILE} that could not be read: ${history.unreadable}.`);
  }
  if (history.steps.length > 0) return history;
  notes.push(`${METRICS_FILE} reports no epoch, so there are no curves of training.`);
  return undefined;
}
