// What does not go together: one line that says why, before anything is built.
import { LatentGpuError } from '../errors.ts';
import { checkEnumerable } from './estimators/enumerated.ts';
import type { ObjectiveConfig } from './keys.ts';

/** What an objective depends on of the model it trains. */
export interface ObjectiveTraits {
  /** Numbers of a data point, D. */
  readonly features: number;
  /** Default: `normal`. */
  readonly code?: 'normal' | 'bernoulli' | 'categorical';
  /** Independent variables of a discrete code, and how many classes each has. */
  readonly groups?: number;
  readonly classes?: number;
  /** Kinds of q(z | x) and p(z). Default: `normal`. */
  readonly posterior?: string;
  readonly prior?: string;
  /** Layers of codes, where there are several: groups of the divergence. */
  readonly layers?: number;
  /**
   * Whether β may change even where it begins as 1: else it is then no number that kernels read. Default:
   * false.
   */
  readonly isLive?: boolean;
}

const refuse = (why: string): never => {
  throw new LatentGpuError('bad-config', why);
};

/** In how much detail KL(q ‖ p) is known. */
function detailOf({ code = 'normal', posterior = 'normal', prior = 'normal' }: ObjectiveTraits) {
  if (code !== 'normal') return 'dimension';
  if (prior !== 'normal') return 'none';
  if (posterior === 'full') return 'whole';
  return posterior === 'normal' || posterior === 'free' ? 'dimension' : 'none';
}

/**
 * Holds the settings of an objective against each other and against the model they are for.
 *
 * @throws LatentGpuError `bad-config` for settings that mean nothing together
 * @example objectives.checkObjective(model.objective.config, { features: 784, code: 'bernoulli' });
 */
export function checkObjective(config: ObjectiveConfig, traits: ObjectiveTraits): void {
  checkEstimator(config, traits);
  checkWeights(config, traits);
  const { temperature = 1, temperatureFloor = 1, temperatureEpochs = 0 } = config;
  if (temperatureEpochs > 0 && temperatureFloor > temperature) {
    refuse(
      `objective.temperatureFloor is ${temperatureFloor}, above objective.temperature, ${temperature}, which is to cool to it`,
    );
  }
}

function checkEstimator(config: ObjectiveConfig, traits: ObjectiveTraits): void {
  const { estimator, bound, samples, baseline } = config;
  const { code = 'normal', groups = 1, classes = 2 } = traits;
  if (['reparameterized', 'stl', 'dreg'].includes(estimator) && code !== 'normal') {
    refuse(
      `objective.estimator=${estimator} differentiates draws of the code, and those of code.kind=${code} cannot be; take gumbel, straight-through, score or enumerated`,
    );
  }
  if (['gumbel', 'straight-through', 'enumerated'].includes(estimator)) {
    if (code === 'normal') {
      refuse(
        `objective.estimator=${estimator} is for discrete codes, and code.kind is normal; take reparameterized, or code.kind=bernoulli or categorical`,
      );
    }
    if (bound === 'iwae') {
      refuse(
        `objective.estimator=${estimator} is for objective.bound=elbo: the importance weights of ${estimator === 'enumerated' ? 'a sum over all codes' : 'relaxed codes'} mean nothing; take score`,
      );
    }
  }
  if (estimator === 'enumerated') {
    checkEnumerable(code === 'bernoulli' ? 2 ** groups : classes ** groups);
    if (samples > 1) {
      refuse(`objective.samples is ${samples}, and objective.estimator=enumerated draws none`);
    }
  }
  if (estimator === 'dreg' && bound === 'elbo') {
    refuse(
      'objective.estimator=dreg weighs the draws of objective.bound=iwae; of the elbo take stl',
    );
  }
  if (estimator === 'score' && baseline === 'leave-one-out' && samples < 2) {
    refuse(
      `objective.baseline=leave-one-out takes the mean of the other draws, and objective.samples is ${samples}; set it to 2 or more`,
    );
  }
}

function checkWeights(config: ObjectiveConfig, traits: ObjectiveTraits): void {
  const { kl, freeBits = 0, freeBitsBy = 'all', estimator, constraint, target = 10 } = config;
  const { code = 'normal', posterior = 'normal', prior = 'normal' } = traits;
  const detail = detailOf(traits);
  if (kl === 'analytic' && detail === 'none') {
    refuse(
      `objective.kl is analytic, and posterior.kind=${posterior} with prior.kind=${prior} has no closed form; leave it out`,
    );
  }
  if (constraint === 'kl' && !(target > 0)) {
    refuse(`objective.target is ${target}; a divergence can only be held at a number above 0`);
  }
  if (constraint === 'reconstruction' && target === 0) {
    refuse('objective.target is 0, and misses are measured by it; set another number');
  }
  checkAggregate(config, traits);
  if (freeBits === 0) return;
  const isSampled = kl === 'sampled' || estimator === 'stl';
  if (freeBitsBy === 'group' && code === 'normal' && traits.layers === undefined) {
    refuse(
      'objective.freeBitsBy=group is for discrete codes, and code.kind is normal; take dimension or all',
    );
  }
  if (freeBitsBy === 'dimension' && code === 'categorical') {
    refuse(
      'objective.freeBitsBy=dimension is for normal codes and bits, and code.kind is categorical; take group or all',
    );
  }
  if (freeBitsBy !== 'all' && (detail !== 'dimension' || isSampled)) {
    const why = isSampled
      ? `${estimator === 'stl' ? 'objective.estimator=stl' : 'objective.kl=sampled'} knows it only as a whole`
      : `posterior.kind=${posterior} with prior.kind=${prior} has it only as a whole`;
    refuse(
      `objective.freeBitsBy=${freeBitsBy} needs the divergence of each, and ${why}; take objective.freeBitsBy=all`,
    );
  }
  if (estimator === 'score' && isSampled) {
    refuse(
      'objective.freeBits with objective.estimator=score needs a divergence in closed form; take objective.kl=analytic',
    );
  }
}

/** What is asked of the codes of a batch together. */
function checkAggregate(
  { totalCorrelation = 0, discrepancy = 0 }: ObjectiveConfig,
  { code = 'normal', posterior = 'normal' }: ObjectiveTraits,
): void {
  if (totalCorrelation > 0 && !(posterior === 'normal' || posterior === 'free')) {
    refuse(
      `objective.totalCorrelation is told by densities of each number of a code, which posterior.kind=${posterior} lacks; take posterior.kind=normal`,
    );
  }
  if (discrepancy > 0 && code !== 'normal') {
    refuse(
      `objective.discrepancy is a distance of real numbers, and code.kind is ${code}; leave it out`,
    );
  }
}
