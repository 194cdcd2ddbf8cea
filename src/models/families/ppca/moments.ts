// Probabilistic PCA by one pass: mean and covariance on the GPU, eigenvectors on the host.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import { add, assign, matmul, sub, sum, transpose } from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import type { SweepLearner, TrainingRows } from '../../learner.ts';
import { type Kept, meanOf, writeKept } from './kept.ts';
import { principalSolution } from './solve.ts';

/** @param kept where the model lies */
export function momentsLearner(kept: Kept, features: number, latent: number): SweepLearner {
  const held = (name: string, shape: number[]): Variable => variable(name, shape);
  const [first, second, rows] = [
    held('first', [features]),
    held('second', [features, features]),
    held('rows', []),
  ];
  // Sums about the mean keep their digits: the covariance is no difference of large numbers.
  const gather = (x: Tensor) => {
    const centred = sub(x, kept.mean);
    return [
      assign(first, add(first, sum(centred, 0))),
      assign(second, add(second, matmul(transpose(centred), centred))),
      assign(rows, add(rows, x.shape[0] as number)),
    ];
  };
  const settle = async (runtime: Runtime) => {
    const [sums, squares, counted] = await Promise.all(
      [first, second, rows].map((each) => runtime.read(each)),
    );
    const count = counted?.[0] as number;
    const shift = Float64Array.from(sums as Float32Array, (s) => s / count);
    const covariance = Float64Array.from(squares as Float32Array, (s, at) => {
      const [i, j] = [Math.floor(at / features), at % features];
      return s / count - (shift[i] as number) * (shift[j] as number);
    });
    writeKept(runtime, kept, principalSolution(covariance, features, latent));
    for (const each of [first, second, rows]) runtime.write(each, new Float32Array(each.size));
  };
  return {
    initial: (data: TrainingRows) =>
      new Map([[kept.mean, Float32Array.from(meanOf(data, features).mean)]]),
    sweep: { gather: ({ x }) => gather(x), settle },
  };
}
