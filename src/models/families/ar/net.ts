// Means and deviations of every feature by a masked net of those before it.
import type { Tensor } from '../../../graph/tensor.ts';
import { MadeSets, Module } from '../../../nn/index.ts';
import { full, reshape, transpose } from '../../../ops/index.ts';
import type { Walk } from '../../abilities.ts';
import { channelLogProb, type Steps } from '../../by-channel.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import { maskedLogProb, maskedWalk } from '../../masked-density.ts';
import type { NetConfig } from '../../nets/mlp.ts';
import type { ArDensity } from './density.ts';

export class NetAr extends Module implements ArDensity {
  readonly net: MadeSets;
  readonly likelihood: Likelihood = makeLikelihood({ kind: 'normal', sigma: 'pixel' });

  /** @param order features before its own that a feature depends on, at most; undefined: all */
  constructor(features: number, order: number | undefined, { hidden, activation }: NetConfig) {
    super();
    const { outputsPerFeature: outputs } = this.likelihood;
    this.net = new MadeSets({
      features,
      hidden,
      activation,
      outputs,
      ...(order !== undefined && { lags: order }),
    });
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  logProb(x: Tensor): Tensor {
    return maskedLogProb(this.net.under(full([1], 0, 'u32')), this, x);
  }

  byChannel(x: Tensor, seen: Tensor, { steps, channels }: Steps): Tensor {
    const outputs = this.net.under(full([1], 0, 'u32')).call(seen);
    const numbers = this.likelihood.outputsPerFeature;
    const apart = reshape(outputs, [-1, numbers, steps, channels]);
    return channelLogProb(this, transpose(apart, [0, 2, 1, 3]), x, { steps, channels });
  }

  walk(rows: number, order: Tensor): Walk {
    return maskedWalk(this.net.under(order), this, rows);
  }
}
