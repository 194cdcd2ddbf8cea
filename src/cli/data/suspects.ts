// Two sets of rows that a model is to tell apart, and its scores of either.
import { CORRUPTIONS, type Corruption, corrupt } from '../../data/corrupt.ts';
import { logScales } from '../../data/standardize.ts';
import {
  inUnitsOf,
  logDensities,
  openInference,
  reconstructionErrors,
  reconstructs,
  scoreRows,
} from '../../models/index.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import type { Context } from '../common/command.ts';
import { withModel } from '../common/device.ts';
import { loadSubject, type Subject, type SubjectOptions } from './subject.ts';

/** A model's own kind of data, and others. */
export type Both = readonly [normal: Subject, strange: Subject];

/** @throws LatentGpuError for data that do not suit the model */
export async function subjectsOf(
  dir: string,
  loaded: LoadedModel,
  { against, ...options }: SubjectOptions & { readonly against: string },
  context: Context,
): Promise<Both> {
  const normal = await loadSubject(dir, loaded, options, context, 'densities');
  const how = CORRUPTIONS.find((name) => name === against) as Corruption | undefined;
  const strange = await loadSubject(
    dir,
    loaded,
    how
      ? { ...options, change: (rows) => corrupt(rows, how, context.seed ?? 0) }
      : { ...options, data: against },
    context,
    'densities',
  );
  return [normal, strange];
}

/** A number for each row of either. */
export type OfBoth = readonly [normal: Float64Array, strange: Float64Array];

export interface Scored {
  /** log p of either, in data units; none of a model without. */
  readonly logProb: OfBoth | undefined;
  /** Reconstruction errors of either. */
  readonly errors: OfBoth | undefined;
  readonly adapter: string;
}

/** @param withErrors whether reconstructions are looked at, too */
export async function scoresOf(
  dir: string,
  loaded: LoadedModel,
  both: Both,
  samples: number,
  { out, signal, seed = 0 }: Context,
  withErrors: boolean,
): Promise<Scored> {
  const { model, standardization } = loaded;
  const { logWeights } = model.can;
  return await withModel(loaded, async (runtime, device) =>
    out.progress(`scoring by ${dir}`, async (bar) => {
      const logProbOf = async ({ rows, dataset }: Subject, from: number) => {
        const { count } = dataset;
        const work = { signal, seed, onProgress: (f: number) => bar.update((from + f) / 2) };
        const found = logWeights?.exact
          ? await logDensities(runtime, model, rows, count, work)
          : (await scoreRows(runtime, model, rows, count, { ...work, samples })).logProb;
        return inUnitsOf(found, logScales(standardization, dataset, model.can.densityOf));
      };
      const logProb = logWeights
        ? ([await logProbOf(both[0], 0), await logProbOf(both[1], 1)] as const)
        : undefined;
      const asked = openInference(runtime, model);
      try {
        const errorsOf = ({ rows, dataset }: Subject) =>
          reconstructionErrors(asked, rows, dataset.count, { signal });
        const errors =
          withErrors && reconstructs(model)
            ? ([await errorsOf(both[0]), await errorsOf(both[1])] as const)
            : undefined;
        return { logProb, errors, adapter: device.adapter.name };
      } finally {
        await asked.destroy();
      }
    }),
  );
}
