// Probabilistic PCA by one pass: mean and covariance on the GPU, eigenvectors on the host.
import { covarianceLearner } from '../../covariance-learner.ts';
import type { SweepLearner } from '../../learner.ts';
import { type Kept, writeKept } from './kept.ts';
import { principalSolution } from './solve.ts';

/** @param kept where the model lies */
export function momentsLearner(kept: Kept, features: number, latent: number): SweepLearner {
  return covarianceLearner(kept.mean, (runtime, covariance) => {
    writeKept(runtime, kept, principalSolution(covariance, features, latent));
  });
}
