// A gated PixelCNN as a density of images.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, classesAsOnes, Module, type PixelCnn } from '../../../nn/index.ts';
import { mean, neg } from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { DataDescription } from '../../data-description.ts';
import type { GradientLearner } from '../../learner.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import type { Model, Portrait } from '../../model.ts';
import { pixelCnn } from '../../nets/pixelcnn.ts';
import { pixelWalk } from '../../pixel-density.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { NO_CODES } from '../ancestral.ts';
import { classNamesOf } from '../cvae.ts';
import type { PixelCnnFamilyConfig } from './keys.ts';

/** p(x) = ∏ p(x_i | the pixels before i, as one reads) of rows x [B, H · W]; all of it given a class, if so told. */
export class PixelCnnModel extends Module implements Model {
  readonly features: number;
  readonly net: PixelCnn;
  readonly likelihood: Likelihood;
  /** Names of the classes that pixels are told, of conditional models. */
  readonly classes: readonly string[] | undefined;
  private readonly config: PixelCnnFamilyConfig;

  /** @throws LatentGpuError `bad-config` for images that the net does not read */
  constructor(config: PixelCnnFamilyConfig, data: DataDescription) {
    super();
    const { shape } = data;
    this.config = config;
    this.features = shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    this.classes = config.condition === 'labels' ? classNamesOf(data, 'pixelcnn') : undefined;
    const { outputsPerFeature } = this.likelihood;
    this.net = pixelCnn('net', config.net, shape, outputsPerFeature, this.classes?.length);
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  /** log p(x), or log p(x | y) of rows of classes y: [B], in nats. */
  logProb({ x, labels }: Batch): Tensor {
    return this.likelihood.distribution(this.net.call(x, this.told(labels))).logProb(x);
  }

  /** What every pixel is told of its image, [B, C]. */
  private told(labels: Tensor | undefined): Tensor | undefined {
    return this.classes && classesAsOnes(labels, this.classes.length);
  }

  get learner(): GradientLearner {
    return { loss: (batch) => ({ loss: neg(mean(this.logProb(batch))) }) };
  }

  get can(): Abilities {
    const { features, config, likelihood, net, classes } = this;
    return {
      ancestral: {
        walk: ({ rows, labels }) => pixelWalk(net, likelihood, rows, this.told(labels)),
      },
      ...(classes && { condition: { classes, ofCodes: true } }),
      logWeights: { exact: true, of: (batch) => this.logProb(batch) },
      describes: config.likelihood,
      levels: config.likelihood.kind === 'bernoulli' ? 2 : (config.likelihood.levels ?? 256),
      numbers: features * net.numbers,
      unitRange: {
        who: 'pixelcnn',
        remedy: 'bring them into [0, 1], or train ar on numbers of any range',
      },
      quantities: (batch) => [negativeLogLikelihood(this.logProb(batch), classes ? 'x | y' : 'x')],
      lacks: NO_CODES,
    };
  }

  get portrait(): Portrait {
    const { net, likelihood } = this.config;
    const told = this.classes ? `, ${this.classes.length} classes` : '';
    const size = `${net.layers} gated ${net.layers === 1 ? 'layer' : 'layers'} of ${net.channels} channels${told}`;
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
