// How likely data are under a flow.
import type { ImageDataset } from '../../data/dataset.ts';
import { bitsPerDimension } from '../../flows/index.ts';
import { input } from '../../graph/variable.ts';
import { step } from '../../ops/index.ts';
import { seedWords } from '../../random.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { moments } from '../moments.ts';
import { withNoise } from '../noise.ts';
import { replay } from '../replay.ts';
import { checkStop, checkWhole, fullBatch, type RowSource, type WorkOptions } from '../rows.ts';
import type { Dequantization } from './config.ts';
import { type FlowModel, GREY_LEVELS } from './model.ts';

export interface FlowEvaluationOptions extends WorkOptions {
  /** Rows to evaluate; default: all. */
  limit?: number;
  /** Of grey levels: draws of the dequantising noise a row, whose log-densities are averaged. Default: 1. */
  draws?: number;
  /** Of the noise. */
  seed?: number;
  /** Σ log deviation of standardised data: densities are then those of the data before. */
  logScale?: number;
}

export interface FlowEvaluation {
  readonly count: number;
  /** Mean of -log p(x) in nats. Of grey levels: of the density on [0, 1], a bound on average. */
  readonly negativeLogLikelihood: number;
  /** Of that mean, from the spread over the data. */
  readonly standardError: number;
  /** Of grey levels, of which there are 256: with `D log 256` added. */
  readonly bitsPerDimension: number | null;
  readonly dequantization: Dequantization;
  /** Of the dequantising noise a row; 0 where there is none. */
  readonly draws: number;
}

/** Rows at once: few of many features. */
const ROWS = { few: 100, many: 1000, features: 64 } as const;
/** Steps between the draws of one row. */
const STRIDE = 2 ** 20;

/**
 * log p of rows 0 to `count`, [count]; of grey levels the mean over `draws` of the dequantising noise,
 * which follows from the seed and the row's place alone.
 */
export function logDensities(
  runtime: Runtime,
  model: FlowModel,
  rows: RowSource,
  count: number,
  { draws = 1, seed = 1, onProgress, signal }: FlowEvaluationOptions = {},
): Promise<Float64Array> {
  checkWhole('count', count, 1);
  checkWhole('samples', draws, 1);
  const passes = model.isDequantized ? draws : 1;
  const [low, high] = seedWords(seed);
  // A key of its own: it shares no noise with training.
  return withNoise(runtime, [low, (high ^ 0x666c6f77) >>> 0], async () => {
    const size = Math.min(model.features > ROWS.features ? ROWS.few : ROWS.many, count);
    const x = input('x', [size, model.features]);
    const plan = await runtime.compile({ outputs: { logProb: model.logProb(x) } });
    const result = new Float64Array(count);
    try {
      for (let start = 0; start < count; start += size) {
        const end = Math.min(count, start + size);
        runtime.write(x, fullBatch(rows, start, end, size));
        for (let pass = 0; pass < passes; pass++) {
          checkStop(signal, 'the evaluation');
          runtime.write(step, [pass * STRIDE + start / size]);
          const [logProb] = await replay(plan, ['logProb']);
          for (let i = start; i < end; i++) {
            const value = (logProb as Float32Array)[i - start] as number;
            result[i] = (result[i] as number) + value / passes;
          }
        }
        onProgress?.(end / count);
      }
    } finally {
      plan.destroy();
      runtime.release(x);
    }
    return result;
  });
}

/** Evaluates a flow on `dataset`, whose rows `rows` yields as the model is to see them. */
export async function evaluateFlow(
  runtime: Runtime,
  model: FlowModel,
  dataset: Pick<ImageDataset, 'count'>,
  rows: RowSource,
  options: FlowEvaluationOptions = {},
): Promise<FlowEvaluation> {
  const { limit = dataset.count, logScale = 0, draws = 1 } = options;
  checkWhole('limit', limit, 1);
  const count = Math.min(limit, dataset.count);
  const densities = await logDensities(runtime, model, rows, count, options);
  return flowEvaluationOf(
    model,
    densities.map((value) => value - logScale),
    draws,
  );
}

/** The mean over rows whose log-densities, in data units, are known. */
export function flowEvaluationOf(
  model: FlowModel,
  logProb: Float64Array,
  draws: number,
): FlowEvaluation {
  const { mean, standardError } = moments(logProb);
  return {
    count: logProb.length,
    negativeLogLikelihood: -mean,
    standardError,
    bitsPerDimension: model.isDequantized
      ? bitsPerDimension(mean, model.features, GREY_LEVELS)
      : null,
    dequantization: model.config.dequantize,
    draws: model.isDequantized ? draws : 0,
  };
}
