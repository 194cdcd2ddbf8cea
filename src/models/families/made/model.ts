// A masked autoencoder as a density of binary or categorical data.
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, MadeSets, type MaskedView, Module } from '../../../nn/index.ts';
import { concat, logMeanExp, mean, modUint, neg, reshape, step } from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { DataDescription } from '../../data-description.ts';
import type { GradientLearner } from '../../learner.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import { type Conditionals, maskedLogProb, maskedWalk } from '../../masked-density.ts';
import type { Model, Portrait } from '../../model.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { NO_CODES } from '../ancestral.ts';
import type { MadeConfig } from './keys.ts';

/** Numbers that a feature of classes may be shown as in all. */
const MOST_INPUTS = 65536;

/** p(x) = ∏ p(x_i | what comes before i in an order); of several sets of masks, the mean of theirs. */
export class MadeModel extends Module implements Model {
  readonly features: number;
  readonly net: MadeSets;
  readonly likelihood: Likelihood;
  private readonly config: MadeConfig;

  /** @param seed of orders and ranks, which are part of the model @throws LatentGpuError `bad-config` */
  constructor(config: MadeConfig, { shape }: DataDescription, seed: number) {
    super();
    const { net, masks, ordering } = config;
    const features = shape.reduce((a, b) => a * b, 1);
    const levels = this.levelsOf(config);
    const inputs = levels > 2 ? levels : 1;
    if (features * inputs > MOST_INPUTS) {
      throw new LatentGpuError(
        'bad-config',
        `${features} features of ${levels} levels are ${features * inputs} inputs, more than ${MOST_INPUTS}; lower likelihood.levels, or train pixelcnn, which sees levels as numbers`,
      );
    }
    this.config = config;
    this.features = features;
    this.likelihood = makeLikelihood(config.likelihood);
    this.net = new MadeSets({
      features,
      inputs,
      hidden: net.hidden,
      activation: net.activation,
      outputs: this.likelihood.outputsPerFeature,
      sets: masks,
      ordering,
      seed,
    });
  }

  private levelsOf({ likelihood }: MadeConfig): number {
    return likelihood.kind === 'categorical' ? (likelihood.levels ?? 256) : 2;
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  private get conditionals(): Conditionals {
    const levels = this.levelsOf(this.config);
    const isOfClasses = this.config.likelihood.kind === 'categorical';
    return { likelihood: this.likelihood, ...(isOfClasses && { levels }) };
  }

  private under(view: MaskedView, x: Tensor): Tensor {
    return maskedLogProb(view, this.conditionals, x);
  }

  /** log p(x), [B], in nats. */
  logProb(x: Tensor): Tensor {
    const each = this.net.all().map((view) => reshape(this.under(view, x), [-1, 1]));
    return each.length === 1 ? reshape(each[0] as Tensor, [-1]) : logMeanExp(concat(each, -1), -1);
  }

  /** Steps take the sets of masks in turn. */
  get learner(): GradientLearner {
    const turn = this.net.under(reshape(modUint(step, this.net.sets), [1]));
    return { loss: ({ x }) => ({ loss: neg(mean(this.under(turn, x))) }) };
  }

  get can(): Abilities {
    return {
      ancestral: {
        orders: this.net.sets,
        walk: ({ rows, order }) => maskedWalk(this.net.under(order), this.conditionals, rows),
      },
      logWeights: { exact: true, of: ({ x }: Batch) => this.logProb(x) },
      describes: this.config.likelihood,
      levels: this.levelsOf(this.config),
      unitRange: {
        who: `likelihood.kind=${this.config.likelihood.kind}`,
        remedy: 'take ar for numbers of any range',
      },
      quantities: ({ x }) => [negativeLogLikelihood(this.logProb(x))],
      lacks: NO_CODES,
    };
  }

  get portrait(): Portrait {
    const { net, masks, ordering, likelihood } = this.config;
    return {
      inside: `${net.hidden.length} masked hidden ${net.hidden.length === 1 ? 'layer' : 'layers'}`,
      line: [` → ${net.hidden.join(' → ')}`, `, likelihood ${likelihood.kind}`],
      facts: [
        ['hidden layers', net.hidden.join(' → ')],
        ['order', masks > 1 ? `${ordering}, ${masks} sets of masks` : ordering],
        ['likelihood', likelihood.kind],
      ],
    };
  }
}
