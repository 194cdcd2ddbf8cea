// Probabilistic PCA by one pass: mean and covariance on the GPU, eigenvectors on the host.
import type { SweepLearner, TrainingRows } from '../../learner.ts';
import { MomentSums } from '../../moment-sums.ts';
import { type Kept, meanOf, writeKept } from './kept.ts';
import { principalSolution } from './solve.ts';

/** @param kept where the model lies */
export function momentsLearner(kept: Kept, features: number, latent: number): SweepLearner {
  const sums = new MomentSums(features, kept.mean);
  return {
    initial: (data: TrainingRows) =>
      new Map([[kept.mean, Float32Array.from(meanOf(data, features).mean)]]),
    sweep: {
      gather: ({ x }) => sums.gather(x),
      settle: async (runtime) => {
        const { covariance } = await sums.take(runtime);
        writeKept(runtime, kept, principalSolution(covariance, features, latent));
      },
    },
  };
}
