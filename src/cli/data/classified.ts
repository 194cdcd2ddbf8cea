// p(y, x) = p(y | x) p(x): what a classifier is sure of, and a model of the data holds to be no such data.
import { readIfPresent } from '../../data/files.node.ts';
import { LatentGpuError } from '../../errors.ts';
import { readNpy } from '../../formats/npy.ts';
import { need, predictions } from '../../models/index.ts';
import { quantile } from '../../quantile.ts';
import type { LoadedModel } from '../../training/model-folder.node.ts';
import type { Context } from '../common/command.ts';
import { withModel } from '../common/device.ts';
import type { Subject } from './subject.ts';

/** From which probability on a classifier counts as sure. */
const CONFIDENT = 0.9;
/** Unlikely is what is below this quantile of the model's own data. */
const UNLIKELY = 0.05;

export interface Classified {
  readonly classes: number;
  /** [rows, classes]. */
  readonly probabilities: ArrayLike<number>;
}

export interface Suspect {
  readonly row: number;
  /** From 0. */
  readonly class: number;
  /** p(y | x). */
  readonly confidence: number;
  readonly logProb: number;
  /** log p(y | x) + log p(x). */
  readonly logJoint: number;
}

/** @throws LatentGpuError `bad-input` for a model that knows no classes */
export async function classify(
  dir: string,
  loaded: LoadedModel,
  { rows, dataset: { count } }: Subject,
  { out, signal }: Context,
): Promise<Classified> {
  const { columns, kind } = need(
    loaded.model,
    'predict',
    dir,
    'a model that knows no classes; train a classifier',
  );
  if (kind !== 'probabilities') {
    throw new LatentGpuError(
      'bad-input',
      `--classifier: ${dir} predicts a number and no classes; train a classifier`,
    );
  }
  const probabilities = await withModel(loaded, (runtime) =>
    out.progress(`classifying by ${dir}`, (bar) => {
      const onProgress = (done: number) => bar.update(done);
      return predictions(runtime, loaded.model, rows, count, { signal, onProgress });
    }),
  );
  return { classes: columns.length, probabilities };
}

/** @throws LatentGpuError `bad-input`, `shape-mismatch`, `bad-data` for what are no probabilities */
export async function readClassifier(path: string, rows: number): Promise<Classified> {
  const bytes = await readIfPresent(path);
  if (!bytes) throw new LatentGpuError('bad-input', `--classifier: no such file: ${path}`);
  const { shape, data } = readNpy(bytes, path);
  const [count = 0, classes = 0] = shape;
  if (shape.length !== 2 || count < rows || classes < 2) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${path} holds [${shape.join(', ')}], and p(y | x) of ${rows} rows is [${rows}, classes]`,
    );
  }
  const probabilities = Float64Array.from(data as ArrayLike<number | bigint>, Number);
  for (let row = 0; row < rows; row++) {
    const own = probabilities.subarray(row * classes, (row + 1) * classes);
    const sum = own.reduce((a, b) => a + b, 0);
    if (own.every((p) => p >= 0) && Math.abs(sum - 1) < 1e-3) continue;
    throw new LatentGpuError(
      'bad-data',
      `${path}: row ${row} sums to ${sum.toPrecision(4)}, so that these are no probabilities; take the softmax of logits`,
    );
  }
  return { classes, probabilities };
}

/** @param own log p of the model's data, @param theirs of the rows that were classified */
export function unlikely(
  { classes, probabilities }: Classified,
  own: Float64Array,
  theirs: Float64Array,
): Suspect[] {
  const least = quantile([...own], UNLIKELY);
  const suspects: Suspect[] = [];
  theirs.forEach((logProb, row) => {
    let best = 0;
    const at = (c: number) => probabilities[row * classes + c] as number;
    for (let c = 1; c < classes; c++) if (at(c) > at(best)) best = c;
    const confidence = at(best);
    if (confidence < CONFIDENT || logProb >= least) return;
    const logJoint = Math.log(confidence) + logProb;
    suspects.push({ row, class: best, confidence, logProb, logJoint });
  });
  return suspects.sort((a, b) => a.logJoint - b.logJoint);
}
