// A gated PixelCNN as a density of images.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, Module, type PixelCnn } from '../../../nn/index.ts';
import { mean, neg } from '../../../ops/index.ts';
import type { DataDescription } from '../../data-description.ts';
import type { Abilities, Model, Portrait } from '../../family.ts';
import type { GradientLearner } from '../../learner.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import { pixelCnn } from '../../nets/pixelcnn.ts';
import { pixelWalk } from '../../pixel-density.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { NO_CODES } from '../ancestral.ts';
import type { PixelCnnFamilyConfig } from './keys.ts';

/** p(x) = ∏ p(x_i | the pixels before i, as one reads) of rows x [B, H · W]. */
export class PixelCnnModel extends Module implements Model {
  readonly features: number;
  readonly net: PixelCnn;
  readonly likelihood: Likelihood;
  private readonly config: PixelCnnFamilyConfig;

  /** @throws LatentGpuError `bad-config` for images that the net does not read */
  constructor(config: PixelCnnFamilyConfig, { shape }: DataDescription) {
    super();
    this.config = config;
    this.features = shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    this.net = pixelCnn('net', config.net, shape, this.likelihood.outputsPerFeature);
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  /** log p(x), [B], in nats. */
  logProb(x: Tensor): Tensor {
    return this.likelihood.distribution(this.net.call(x)).logProb(x);
  }

  get learner(): GradientLearner {
    return { loss: ({ x }) => ({ loss: neg(mean(this.logProb(x))) }) };
  }

  get can(): Abilities {
    const { features, config, likelihood, net } = this;
    return {
      ancestral: { walk: ({ rows }) => pixelWalk(net, likelihood, rows) },
      logWeights: { exact: true, of: ({ x }: Batch) => this.logProb(x) },
      describes: config.likelihood,
      levels: config.likelihood.kind === 'bernoulli' ? 2 : (config.likelihood.levels ?? 256),
      numbers: features * net.numbers,
      unitRange: {
        who: 'pixelcnn',
        remedy: 'bring them into [0, 1], or train ar on numbers of any range',
      },
      quantities: ({ x }) => [negativeLogLikelihood(this.logProb(x))],
      lacks: NO_CODES,
    };
  }

  get portrait(): Portrait {
    const { net, likelihood } = this.config;
    const size = `${net.layers} gated ${net.layers === 1 ? 'layer' : 'layers'} of ${net.channels} channels`;
    return {
      inside: size,
      line: [`, ${size}`, `, likelihood ${likelihood.kind}`],
      facts: [
        ['layers', size],
        ['masks', `${net.kernel}×${net.kernel}, then ${net.inner}×${net.inner}`],
        ['likelihood', likelihood.kind],
      ],
    };
  }
}
