// How far the plane of a linear decoder lies from that of the data's principal components: a linear
// autoencoder of least squared error spans it (Baldi and Hornik 1989).
import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix';
import { input, variable } from '../../graph/variable.ts';
import { add, assign, matmul, mul, sub, transpose } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { eigen } from '../eigen.ts';
import { type Model, need } from '../model.ts';
import { RunningMoments } from '../running-moments.ts';
import type { Figure } from './figure.ts';
import { exclusively } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, fullBatch, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

/** Rows at once. */
const ROWS = 4096;

/**
 * Principal angles between the planes that columns span, in radians, rising: of orthonormal bases P and Q,
 * sines are the singular values of P - Q Qᵀ P and cosines those of Qᵀ P, and each angle is taken by what tells
 * it better (Björck and Golub 1973).
 *
 * @param a [D, M], of full rank
 * @param b [D, M], orthonormal columns
 * @example anglesBetween([[1], [0]], [[0], [1]]) // [1.5708]
 */
export function anglesBetween(a: number[][], b: number[][]): number[] {
  const basis = new QrDecomposition(new Matrix(a)).orthogonalMatrix;
  const other = new Matrix(b);
  const along = other.transpose().mmul(basis);
  const away = Matrix.sub(basis, other.mmul(along));
  const singular = (of: Matrix) =>
    new SingularValueDecomposition(of, { autoTranspose: true }).diagonal
      .map((value) => Math.min(1, value))
      .sort((x, y) => x - y);
  const [sines, cosines] = [singular(away), singular(along).reverse()];
  return sines.map((sine, i) =>
    sine < Math.SQRT1_2 ? Math.asin(sine) : Math.acos(cosines[i] as number),
  );
}

/**
 * Between the plane of what a linear decoder makes of codes and the first M principal components of rows.
 *
 * @throws LatentGpuError `bad-input` for a model that decodes nothing, `interrupted`
 * @example const { angles } = await principalAngles(runtime, model, rows, 1000);
 */
export async function principalAngles(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  work: WorkOptions = {},
): Promise<{ readonly angles: readonly number[]; readonly figure: Figure }> {
  const { features } = model;
  const { columns, latent } = await columnsOf(runtime, model);
  const { vectors } = eigen(await covarianceOf(runtime, model, rows, count, work), features);
  const axes = Matrix.from1DArray(latent, features, vectors.subarray(0, latent * features));
  const angles = anglesBetween(columns.to2DArray(), axes.transpose().to2DArray());
  return {
    angles,
    figure: {
      ...{ name: 'principalAngles', label: 'principal angles', value: angles.at(-1) as number },
      ...{ unit: 'radians', digits: 5 },
      note: `at most, between the decoder's columns and the ${latent} principal components of the training rows`,
    },
  };
}

/** What the decoder makes of unit codes, less what it makes of 0: [D, M]. */
function columnsOf(runtime: Runtime, model: Model): Promise<{ columns: Matrix; latent: number }> {
  const { size: latent } = need(model, 'code', 'this');
  const { mean } = need(model, 'decode', 'this');
  return exclusively(runtime, async () => {
    const z = input('z', [latent + 1, latent]);
    const plan = await runtime.compile({ outputs: { x: mean(z) } });
    try {
      runtime.write(
        z,
        Float32Array.from({ length: z.size }, (_, i) => Number(i % (latent + 1) === 0)),
      );
      const [made] = await replay(plan, ['x']);
      const all = Matrix.from1DArray(latent + 1, model.features, Array.from(made as Float32Array));
      const offset = all.getRow(latent);
      const moved = all.subMatrix(0, latent - 1, 0, model.features - 1).subRowVector(offset);
      return { columns: moved.transpose(), latent };
    } finally {
      plan.destroy();
      runtime.release(z);
    }
  });
}

/** Of the rows about their mean, [D, D], summed on the GPU. */
function covarianceOf(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { onProgress, signal }: WorkOptions,
): Promise<Float64Array> {
  const { features } = model;
  const size = rowsAtOnce(model, Math.min(ROWS, count));
  const moments = new RunningMoments(features);
  for (let start = 0; start < count; start += size) {
    const part = rows(start, Math.min(count, start + size));
    for (let at = 0; at < part.length; at += features) moments.add(part, at);
  }
  return exclusively(runtime, async () => {
    const x = input('x', [size, features]);
    const counts = input('counts', [size, 1]);
    const mean = input('mean', [features]);
    const total = variable('total', [features, features]);
    const centred = mul(counts, sub(x, mean));
    const plan = await runtime.compile({
      effects: [assign(total, add(total, matmul(transpose(centred), centred)))],
    });
    try {
      runtime.write(mean, Float32Array.from(moments.mean));
      for (let start = 0; start < count; start += size) {
        checkStop(signal, 'taking principal components');
        const end = Math.min(count, start + size);
        runtime.write(x, fullBatch(rows, start, end, size));
        runtime.write(
          counts,
          Float32Array.from({ length: size }, (_, i) => Number(start + i < end)),
        );
        await plan.run();
        onProgress?.(end / count);
      }
      return Float64Array.from(await runtime.read(total), (sum) => sum / count);
    } finally {
      plan.destroy();
      for (const each of [x, counts, mean, total]) runtime.release(each);
    }
  });
}
