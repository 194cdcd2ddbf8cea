// The rows that a model was trained on, for whoever compares it with what they are.
import type { LoadedModel } from '../../training/model-folder.node.ts';
import type { Context } from '../common/command.ts';
import { loadSubject } from './subject.ts';

/** Nothing of a folder that does not say which they are. */
export async function trainingRows(dir: string, loaded: LoadedModel, context: Context) {
  if (!loaded.record) return undefined;
  const { dataset, rows } = await loadSubject(dir, loaded, { split: 'train' }, context, 'codes');
  return { rows, count: dataset.count };
}
