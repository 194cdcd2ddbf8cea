// A Gaussian autoregressive model of vectors of numbers.
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, Module } from '../../../nn/index.ts';
import { mean, neg } from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { Steps } from '../../by-channel.ts';
import type { DataDescription } from '../../data-description.ts';
import type { Learner } from '../../learner.ts';
import type { Model, Portrait } from '../../model.ts';
import type { NetConfig } from '../../nets/mlp.ts';
import { negativeLogLikelihood } from '../../quantities.ts';
import { NO_CODES } from '../ancestral.ts';
import type { ArDensity } from './density.ts';
import type { ArConfig } from './keys.ts';
import { LinearAr } from './linear.ts';
import { NetAr } from './net.ts';
import { RecurrentAr } from './recurrent.ts';

/** p(x) = ∏ N(x_i; μ_i, σ_i²), where μ_i and σ_i follow from the features before i. */
export class ArModel extends Module implements Model {
  readonly features: number;
  /** Has variables of its own, so there is one. */
  readonly learner: Learner;
  readonly density: ArDensity;
  private readonly config: ArConfig;
  /** Features before its own that one depends on. */
  private readonly order: number;
  /** Of series of several channels. */
  private readonly series: Steps | undefined;

  /** @throws LatentGpuError `bad-config` for nets too narrow for the order, units that have none */
  constructor(config: ArConfig, { shape, columns, sequence }: DataDescription) {
    super();
    const features = shape.reduce((a, b) => a * b, 1);
    this.config = config;
    this.features = features;
    const [steps = 1, channels = 1] = shape;
    this.series = sequence && channels > 1 ? { steps, channels } : undefined;
    this.order = Math.min(config.order ?? features, features - 1);
    const gradient: Learner = { loss: ({ x }) => ({ loss: neg(mean(this.logProb(x))) }) };
    if (config.net.kind === 'linear') {
      const nameOf = (i: number) => (columns ? `column '${columns[i]}'` : `feature ${i}`);
      const linear = new LinearAr(features, this.order, nameOf);
      this.density = linear;
      const { initial } = linear;
      const climbing = { ...gradient, ...(initial && { initial }) };
      this.learner = config.net.fit === 'exact' ? linear.exactly() : climbing;
    } else if (config.net.kind === 'recurrent') {
      if (config.order !== null) {
        throw new LatentGpuError(
          'bad-config',
          `order is ${config.order}, and net.kind recurrent, which remembers as much as it learns to; leave order out, or take net.kind=mlp`,
        );
      }
      const [steps, channels] = sequence ? [shape[0] ?? 1, shape[1] ?? 1] : [features, 1];
      const { hidden = [], cell = 'gru' } = config.net;
      this.density = new RecurrentAr(steps, channels, { under: 'net.', hidden, cell });
      this.learner = gradient;
    } else {
      const isLimited = this.order < features - 1;
      const net = config.net as unknown as NetConfig;
      this.density = new NetAr(features, isLimited ? this.order : undefined, net);
      this.learner = gradient;
    }
  }

  override children(): [string, unknown][] {
    return this.density.children();
  }

  /** log p(x), [B], in nats. */
  logProb(x: Tensor): Tensor {
    return this.density.logProb(x);
  }

  get can(): Abilities {
    const { series, density } = this;
    const { freedom } = density;
    return {
      ancestral: { walk: ({ rows, order }) => this.density.walk(rows, order) },
      logWeights: { exact: true, of: ({ x }: Batch) => this.logProb(x) },
      ...(series && {
        byChannel: {
          ...series,
          logProb: ({ x }: Batch, seen: Tensor) => density.byChannel(x, seen, series),
        },
      }),
      quantities: ({ x }) => [negativeLogLikelihood(this.logProb(x))],
      ...(freedom !== undefined && { freedom }),
      lacks: {
        ...NO_CODES,
        binarize:
          'a Gaussian autoregressive model, whose data are not binarised; leave out --binarize, or train made',
      },
    };
  }

  get portrait(): Portrait {
    const { net } = this.config;
    const order = this.config.order === null ? 'all features before' : `order ${this.order}`;
    const what = net.kind === 'recurrent' ? 'recurrent units' : 'net';
    const kind = net.kind === 'linear' ? 'linear' : `${what} ${(net.hidden ?? []).join(' → ')}`;
    return {
      inside: order,
      line: [`, ${order}, ${kind}`, ''],
      facts: [
        ['depends on', order],
        ['how', kind],
      ],
    };
  }
}
