// Learning by the data's mean and covariance: sums on the GPU in one pass, the rest on the host.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, matmul, sub, sum, transpose } from '../ops/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { SweepLearner, TrainingRows } from './learner.ts';
import { RunningMoments } from './running-moments.ts';

/** What a pass finds beside the covariance. */
export interface Beside {
  /** Rows. */
  readonly count: number;
  /** With the digits that float32 took from the mean that was found before, [D]. */
  readonly mean: Float64Array;
}

/**
 * @param mean of the data, [D]: the model's, found before the pass
 * @param solve makes of the covariance [D, D] what the model learns
 */
export function covarianceLearner(
  mean: Variable,
  solve: (runtime: Runtime, covariance: Float64Array, beside: Beside) => void,
): SweepLearner {
  const features = mean.size;
  const held = (name: string, shape: number[]): Variable => variable(name, shape);
  const [first, second, rows] = [
    held('first', [features]),
    held('second', [features, features]),
    held('rows', []),
  ];
  // Sums about the mean keep their digits: the covariance is no difference of large numbers.
  const gather = (x: Tensor) => {
    const centred = sub(x, mean);
    return [
      assign(first, add(first, sum(centred, 0))),
      assign(second, add(second, matmul(transpose(centred), centred))),
      assign(rows, add(rows, x.shape[0] as number)),
    ];
  };
  const settle = async (runtime: Runtime) => {
    const [sums, squares, counted, about] = await Promise.all(
      [first, second, rows, mean].map((each) => runtime.read(each)),
    );
    const count = counted?.[0] as number;
    const shift = Float64Array.from(sums as Float32Array, (s) => s / count);
    const covariance = Float64Array.from(squares as Float32Array, (s, at) => {
      const [i, j] = [Math.floor(at / features), at % features];
      return s / count - (shift[i] as number) * (shift[j] as number);
    });
    const exact = shift.map((s, j) => s + (about?.[j] as number));
    solve(runtime, covariance, { count, mean: exact });
    for (const each of [first, second, rows]) runtime.write(each, new Float32Array(each.size));
  };
  return {
    initial: (data) => new Map([[mean, Float32Array.from(meanOf(data, features).mean)]]),
    sweep: { gather: ({ x }) => gather(x), settle },
  };
}

/** What float32 has room for: sums of squares below its largest, and squares that keep their digits. */
const [MOST, LEAST] = [1e38, 1e-36];

/** @throws LatentGpuError `bad-data` for features whose squares are too large or too small for float32 */
function checkSquares(squares: Float64Array, count: number): void {
  const largest = squares.reduce((most, square) => Math.max(most, square), 0);
  if (largest <= MOST && largest / count >= LEAST) return;
  const feature = squares.indexOf(largest);
  const spread = Math.sqrt(largest / count).toPrecision(2);
  throw new LatentGpuError(
    'bad-data',
    `feature ${feature} of the data deviates by ${spread}, whose squares do not fit float32; train with --standardize`,
  );
}

/** Rows that are read at once. */
const CHUNK = 4096;

/**
 * The mean of every feature, and the mean of their variances.
 *
 * @throws LatentGpuError `bad-data` for data that do not vary, or whose squares do not fit float32
 */
export function meanOf({ count, rows }: TrainingRows, features: number) {
  const moments = new RunningMoments(features);
  for (let start = 0; start < count; start += CHUNK) {
    const part = rows(start, Math.min(count, start + CHUNK));
    for (let at = 0; at < part.length; at += features) moments.add(part, at);
  }
  const { mean, squares } = moments;
  const variance = squares.reduce((a, b) => a + b, 0) / count / features;
  if (variance > 0) {
    checkSquares(squares, count);
    return { mean, variance };
  }
  throw new LatentGpuError(
    'bad-data',
    'every column of the data is constant, and a normal density needs a variance; name other data',
  );
}
