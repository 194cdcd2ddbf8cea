// The estimators of a variational autoencoder's gradients, side by side on one model.
import { isLatentGpuError } from '../../../errors.ts';
import type { Objective, ObjectiveConfig } from '../../../objectives/index.ts';
import type { EstimateAbility } from '../../abilities.ts';
import type { GradientLearner } from '../../learner.ts';
import type { VaeParts } from './parts.ts';

/** By name: what of the objective they set. The score function is two, without a baseline and with one. */
const ESTIMATORS: Readonly<Record<string, Partial<ObjectiveConfig>>> = {
  reparameterized: { estimator: 'reparameterized' },
  stl: { estimator: 'stl' },
  dreg: { estimator: 'dreg' },
  score: { estimator: 'score', baseline: 'none' },
  'leave-one-out': { estimator: 'score', baseline: 'leave-one-out' },
  gumbel: { estimator: 'gumbel' },
  'straight-through': { estimator: 'straight-through' },
  enumerated: { estimator: 'enumerated' },
};

/** DReG weighs draws of the importance-weighted bound: beside it, so do the others. */
export function estimatesOf(model: VaeParts, turns: GradientLearner['turns']): EstimateAbility {
  const { bound = 'elbo', temperature } = model.objective.config;
  const objectiveOf = (name: string, samples: number): Objective => {
    const chosen = ESTIMATORS[name];
    return model.objectiveOf({
      ...{ estimator: name as ObjectiveConfig['estimator'], bound, samples },
      ...(temperature !== undefined &&
        ['gumbel', 'straight-through'].includes(name) && { temperature }),
      ...chosen,
    });
  };
  const works = (name: string, samples: number): boolean => {
    try {
      objectiveOf(name, samples);
      return true;
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-config')) throw error;
      return false;
    }
  };
  const least = (name: string) => (name === 'leave-one-out' ? 2 : 1);
  const estimators = Object.keys(ESTIMATORS).filter((name) => works(name, least(name)));
  return {
    estimators,
    ...(estimators.includes('enumerated') && { exact: 'enumerated' }),
    parameters: { encoder: turns?.e ?? [], decoder: turns?.m ?? [] },
    allows: works,
    loss: (batch, name, samples) => objectiveOf(name, samples).of(model, batch).loss,
  };
}
