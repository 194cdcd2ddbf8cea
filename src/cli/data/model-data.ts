// The data that a command on a trained model works on: those named, or those it was trained on.
import { type ImageDataset, take } from '../../data/dataset.ts';
import { standardize } from '../../data/standardize.ts';
import { LatentGpuError } from '../../errors.ts';
import { familyOf } from '../../models/index.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import type { Output } from '../common/output.ts';
import { checkShape } from './checks.ts';
import { loadNamed, loadSplit } from './load.ts';

/** What a command on a trained model was told about data. */
export interface ModelDataOptions {
  /** Default: what the model was trained on. */
  readonly data?: string;
  readonly dataDir?: string;
  readonly split?: 'train' | 'test';
  /** The first rows only. */
  readonly limit?: number;
}

/** Data for a trained model, in data units and as the model is to see them. */
export interface ModelData {
  readonly original: ImageDataset;
  /** The same rows, standardised if the model's are, else the very same. */
  readonly seen: ImageDataset;
}

/**
 * The data that a command on a trained model works on: those named, else those it was trained on;
 * checked against the model.
 *
 * @param dir the model's folder, for messages
 * @throws LatentGpuError `bad-config` if neither says what data, `shape-mismatch`, and as {@link loadData}
 */
export async function loadModelData(
  loaded: LoadedModel,
  options: ModelDataOptions,
  dir: string,
  out: Output,
): Promise<ModelData> {
  const { record, config, standardization } = loaded;
  const { data, split: part = 'test' } = options;
  const dataDir = options.dataDir ?? record?.data.dataDir;
  const more = {
    ...(dataDir !== undefined && { dataDir }),
    ...(standardization && { standardize: true }),
    ...(takesAnyRange(loaded) && { anyRange: true }),
    ...(record?.data.labelColumn !== undefined && { labelColumn: record.data.labelColumn }),
  };
  let found: ImageDataset;
  if (data !== undefined) found = await loadNamed({ data, ...more }, part, out);
  else if (record) {
    const holdOut = (record.config.holdOut ?? 0) as number;
    found = await loadSplit({ ...record.data, ...more }, part, holdOut, out);
  } else {
    const { name } = config.data;
    const hint = name === undefined ? '' : ` (its model.json speaks of ${name})`;
    throw new LatentGpuError(
      'bad-config',
      `${dir} does not say what data it was trained on${hint}; name them with --data`,
    );
  }
  const original = atMost(found, options.limit);
  checkShape(original, config.data.shape);
  return { original, seen: standardization ? standardize(original, standardization) : original };
}

/** Whether a model sees data as they are, of any range. */
function takesAnyRange({ config, model }: LoadedModel): boolean {
  return familyOf(config.family).takesAnyRange === true && !model.can.unitRange;
}

/** @returns the first `limit` rows, or all */
export function atMost(dataset: ImageDataset, limit: number | undefined): ImageDataset {
  return limit === undefined ? dataset : take(dataset, limit);
}
