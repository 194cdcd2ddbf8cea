// How good a trained model is: bounds and likelihoods of held-out data, with their errors.
import { ACTIVE_VARIANCE } from '../../constants.ts';
import type { ImageDataset } from '../../data/dataset.ts';
import { bitsPerDimension } from '../../flows/index.ts';
import { step } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { Quantity } from '../abilities.ts';
import type { Model } from '../model.ts';
import { logDensities } from './densities.ts';
import type { Evaluation, LikelihoodEstimate } from './evaluation.ts';
import { Feed } from './feed.ts';
import { type Figure, inUnitsOf } from './figure.ts';
import { byPart, Columns, moments } from './moments.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';
import { type RowScores, scoreRows } from './score.ts';

export interface EvaluationOptions extends WorkOptions {
  /**
   * Importance samples a data point for the likelihood; 0: none is estimated. Of an exact density of
   * grey levels: draws of the dequantising noise a row, at least one.
   */
  samples?: number;
  /** Rows to evaluate; default: all. */
  limit?: number;
  /** Rows for which the likelihood is estimated; default: as many as are evaluated. */
  likelihoodLimit?: number;
  /** Of the noise. */
  seed?: number;
  /**
   * Σ log deviation of the features of standardised data: densities are then those of the data before
   * they were standardised. Of data with holes a number for each row.
   */
  logScale?: number | Float64Array;
}

const ROWS = 100;

/**
 * Evaluates a model on `dataset`, whose rows `rows` yields as the model is to see them.
 *
 * ```ts
 * const rows = rowSourceOf(data, 'none', 1);
 * const { loss, figures } = await evaluateModel(runtime, model, data, rows, { samples: 64 });
 * ```
 *
 * @throws LatentGpuError `bad-input` for a limit below one row, `interrupted`
 */
export async function evaluateModel(
  runtime: Runtime,
  model: Model,
  dataset: Pick<ImageDataset, 'count'>,
  rows: RowSource,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const { limit = dataset.count } = options;
  checkWhole('limit', limit, 1);
  const count = Math.min(limit, dataset.count);
  return model.can.logWeights?.exact
    ? await exactEvaluation(runtime, model, rows, count, options)
    : await boundEvaluation(runtime, model, rows, count, options);
}

async function exactEvaluation(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { samples, seed, logScale = 0, ...work }: EvaluationOptions,
): Promise<Evaluation> {
  const draws = samples || 1;
  const found = await logDensities(runtime, model, rows, count, {
    ...work,
    draws,
    ...(seed !== undefined && { seed }),
  });
  return exactEvaluationOf(model, inUnitsOf(found, logScale), draws);
}

/**
 * The mean over rows whose log-densities, in data units, are known.
 *
 * @example const evaluation = exactEvaluationOf(model, await logDensities(runtime, model, rows, 100), 1);
 */
export function exactEvaluationOf(
  { can: { grey, levels, logWeights }, features }: Model,
  logProb: Float64Array,
  samples: number,
): Evaluation {
  const { mean, standardError } = moments(logProb);
  // Of levels it is a probability already, of grey ones made continuous a density on [0, 1].
  const discrete = levels === undefined ? null : -mean / (features * Math.LN2);
  const bits = grey ? bitsPerDimension(mean, features, grey.levels) : discrete;
  const draws = grey ? samples : 0;
  return {
    count: logProb.length,
    loss: -mean,
    negativeLogLikelihood: -mean,
    standardError,
    bitsPerDimension: bits,
    dequantization: grey?.dequantization ?? 'none',
    draws,
    figures: [
      {
        name: 'negativeLogLikelihood',
        label: logWeights?.label ?? '-log p(x)',
        value: -mean,
        error: standardError,
        unit: 'nats',
        digits: 4,
        errorDigits: 4,
      },
      ...(bits !== null
        ? [
            {
              name: 'bitsPerDimension',
              label: 'bits/dim',
              value: bits,
              error: standardError / (features * Math.LN2),
              unit: '',
              digits: 4,
              errorDigits: 4,
              note: grey
                ? `${grey.levels} grey levels, ${grey.how}, ${draws} ${draws === 1 ? 'draw' : 'draws'} a row`
                : `${levels} levels`,
            },
          ]
        : []),
    ],
  };
}

async function boundEvaluation(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { samples = 0, likelihoodLimit = count, seed = 1, logScale = 0, signal } = options;
  checkWhole('samples', samples, 0);
  checkWhole('likelihoodLimit', likelihoodLimit, 0);
  const scored = samples > 0 && model.can.logWeights ? Math.min(likelihoodLimit, count) : 0;
  // The likelihood's decoder passes are nearly all of the work.
  const work = count + scored * samples;
  const share = (from: number, part: number): WorkOptions => ({
    onProgress: (fraction) => options.onProgress?.((from + part * fraction) / work),
    ...(signal && { signal }),
  });
  // One number for all rows is added in the end.
  const byRow = typeof logScale === 'number' ? undefined : logScale;
  const rest = typeof logScale === 'number' ? logScale : 0;
  const found = await withOwnNoise(runtime, seed, 0x65766131, () =>
    meansOf(runtime, model, rows, count, byRow, share(0, count)),
  );
  let nll: LikelihoodEstimate | null = null;
  if (scored > 0) {
    const scores = await scoreRows(runtime, model, rows, scored, {
      samples,
      seed,
      ...share(count, scored * samples),
    });
    const logProb = byRow ? inUnitsOf(scores.logProb, byRow) : scores.logProb;
    const estimate = likelihoodOf({ ...scores, logProb }, samples);
    nll = { ...estimate, value: estimate.value + rest };
  }
  const { condition, given: columns } = model.can;
  const given = condition?.ofCodes ? ' | y' : columns ? ' | what is told' : '';
  return boundEvaluationOf(found, nll, count, rest, given);
}

/**
 * The mean over all rows, and how sure it is.
 *
 * ```ts
 * const scores = await scoreRows(runtime, model, rows, 100, { samples: 5000 });
 * const { value, standardError } = likelihoodOf(scores, 5000);
 * ```
 */
export function likelihoodOf(
  { logProb, effectiveSampleSize }: RowScores,
  samples: number,
): LikelihoodEstimate {
  const { mean, standardError } = moments(logProb);
  const effective = moments(effectiveSampleSize).mean;
  return {
    value: -mean,
    standardError,
    samples,
    effectiveSampleSize: effective,
    count: logProb.length,
  };
}

interface Means {
  readonly quantities: readonly (Quantity & { readonly mean: number; readonly error: number })[];
  /** Variance over the rows of each unit of the code that stands for them. */
  readonly variances: Float64Array | undefined;
}

/**
 * Means of a model's quantities over rows, and how its codes vary.
 *
 * @param byRow what a row's density loses by standardising, where rows differ in that
 */
async function meansOf(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  byRow: Float64Array | undefined,
  { onProgress, signal }: WorkOptions,
): Promise<Means> {
  const size = rowsAtOnce(model, Math.min(ROWS, count), rows);
  const feed = new Feed(model, size, rows);
  const { code, logWeights } = model.can;
  const quantities = model.can.quantities?.(feed.batch) ?? [];
  // Of codes that are drawn: those of an autoencoder are never idle.
  const codes = code && logWeights ? code.mean(feed.batch) : undefined;
  const names = quantities.map(({ name }) => name);
  const plan = await runtime.compile({
    outputs: {
      ...Object.fromEntries(quantities.map(({ name, of }) => [name, of])),
      ...(codes && { codes }),
    },
  });
  const values = quantities.map(() => new Float64Array(count));
  const columns = new Columns(code?.size ?? 0);
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(signal, 'the evaluation');
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      runtime.write(step, [start / size]);
      const read = await replay(plan, codes ? [...names, 'codes'] : names);
      values.forEach((all, q) => {
        all.set((read[q] as Float32Array).subarray(0, end - start), start);
      });
      if (codes) columns.add(read.at(-1) as Float32Array, end - start);
      onProgress?.(end / count);
    }
  } finally {
    plan.destroy();
    feed.release(runtime);
  }
  return {
    quantities: quantities.map((quantity, q) => {
      const all = values[q] as Float64Array;
      const own = quantity.isDensity && byRow ? all.map((v, i) => v + (byRow[i] as number)) : all;
      const { mean, standardError } = moments(own);
      return { ...quantity, mean, error: standardError };
    }),
    variances: codes && byPart(columns.variances(), code?.units ?? columns.width),
  };
}

function boundEvaluationOf(
  { quantities, variances }: Means,
  nll: LikelihoodEstimate | null,
  count: number,
  logScale: number,
  given: string,
): Evaluation {
  const active = variances?.filter((variance) => variance > ACTIVE_VARIANCE).length ?? null;
  const inUnits = ({ mean, isDensity }: Means['quantities'][number]) =>
    isDensity ? mean + logScale : mean;
  const [main] = quantities;
  const figures: Figure[] = quantities.map((quantity, i) => ({
    name: quantity.name,
    label: quantity.label,
    value: inUnits(quantity),
    ...(i === 0 && { error: quantity.error, errorDigits: 2 }),
    unit: quantity.unit,
    digits: quantity.digits,
  }));
  if (active !== null) {
    figures.push({
      name: 'activeUnits',
      label: 'active units',
      value: active,
      unit: '',
      digits: 0,
      note: `of ${variances?.length}`,
    });
  }
  if (nll) {
    const { samples, count: rows, effectiveSampleSize } = nll;
    figures.push({
      name: 'nll.value',
      label: `-log p(x${given})`,
      value: nll.value,
      error: nll.standardError,
      unit: 'nats',
      digits: 3,
      note: `${samples.toLocaleString('en-US')} samples, ${rows.toLocaleString('en-US')} rows, effective ${effectiveSampleSize.toFixed(1)}`,
    });
  }
  const named = Object.fromEntries(quantities.map((each) => [each.name, inUnits(each)]));
  return {
    count,
    loss: main ? inUnits(main) : Number.NaN,
    standardError: main?.error ?? 0,
    kl: null,
    activeUnits: active,
    ...named,
    nll,
    figures,
  };
}
