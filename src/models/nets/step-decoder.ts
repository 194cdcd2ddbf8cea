// Decoders that describe a step of a series given the code and the steps before it: p(x_t | x_<t, z), by dilated
// causal convolutions that are told maps of the code. Chen et al. 2017, "Variational lossy autoencoder". Of series with
// holes a step is told which numbers before it are there: the product over those that are is a density of them.
import type { Distribution } from '../../distributions/index.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Batch, CausalCnn, CausalWalk, Module } from '../../nn/index.ts';
import { concat, expand, full, mul, reshape, sum } from '../../ops/index.ts';
import type { Walk } from '../abilities.ts';
import { channelLogProb } from '../by-channel.ts';
import type { Likelihood } from '../likelihoods/index.ts';
import { particleWalk, stepWalk } from '../step-walks.ts';
import { inOrder, type OrderedConfig, type OrderedDecoder } from './ordered.ts';

export class StepDecoder extends Module implements OrderedDecoder {
  readonly tensors = 'steps';
  readonly what = 'step';
  readonly net: CausalCnn;
  readonly likelihood: Likelihood;
  readonly maps: number;
  /** Whether steps are told what is there beside what it is. */
  readonly holes: boolean;
  readonly steps: number;
  readonly channels: number;

  /** @param shape [steps] or [steps, channels] @throws LatentGpuError `bad-config` for more steps than there are */
  constructor(
    receptive: number,
    { stepChannels: features = 16, holes = false, maps = 4 }: OrderedConfig,
    shape: readonly number[],
    likelihood: Likelihood,
  ) {
    super();
    const [steps = 1, channels = 1] = shape;
    if (receptive >= steps) {
      const most = steps > 1 ? `it may be ${steps - 1} at most` : 'leave it out';
      const why = `decoder.receptive is ${receptive}, and series have ${steps} steps; ${most}`;
      throw new LatentGpuError('bad-config', why);
    }
    this.maps = maps;
    this.holes = holes;
    this.likelihood = likelihood;
    this.steps = steps;
    this.channels = channels;
    const outputs = channels * likelihood.outputsPerFeature;
    const context = channels * maps;
    const seen = holes ? 2 * channels : channels;
    this.net = new CausalCnn({ channels: seen, outputs, features, receptive, context });
  }

  override children(): [string, unknown][] {
    return [['net', this.net]];
  }

  get numbers(): number {
    return this.steps * Math.max(this.channels * this.maps, this.net.numbers);
  }

  private mapsOf(told: Tensor): Tensor {
    return reshape(told, [-1, this.steps, this.channels * this.maps]);
  }

  distribution(told: Tensor): Distribution {
    const { steps, channels } = this;
    const lead = told.shape.slice(0, -1);
    return {
      logProb: (x, mask) => {
        if (mask && !this.holes) {
          const why =
            'values are missing, and decoder.holes is false: the decoder is not told which numbers of a series are there; train it with decoder.holes=true';
          throw new LatentGpuError('bad-config', why);
        }
        const seriesOf = (rows: Tensor) =>
          reshape(expand(rows, [...lead, steps * channels]), [-1, steps, channels]);
        const [series, known] = [seriesOf(x), mask && seriesOf(mask)];
        const outputs = this.net.call(this.seen(series, known), this.mapsOf(told));
        const each = this.likelihood.distribution(outputs).logProb(series, known);
        return reshape(sum(each, -1), lead);
      },
      sample: () => {
        throw inOrder('is drawn a step after the other');
      },
      get mean(): Tensor {
        throw inOrder('has no mean in one pass');
      },
    };
  }

  /** log p of each channel of series x, where what is seen before is of `seen`: [B, C]. */
  byChannel(told: Tensor, x: Tensor, seen: Tensor): Tensor {
    const { steps, channels } = this;
    const outputs = this.net.call(
      this.seen(reshape(seen, [-1, steps, channels])),
      this.mapsOf(told),
    );
    return channelLogProb(this, outputs, x, this);
  }

  /** What later steps are told of numbers [..., C]; without a mask all of them are there. */
  private seen(values: Tensor, known?: Tensor): Tensor {
    if (!this.holes) return values;
    return concat([known ? mul(values, known) : values, known ?? full(values.shape, 1)], -1);
  }

  walk(rows: number, told: Tensor): Walk {
    return stepWalk(this.walked(rows, told));
  }

  given(batch: Batch, told: Tensor, logWeights: Tensor): Walk {
    return particleWalk(this.walked(told.shape[0] as number, told), batch, logWeights);
  }

  private walked(rows: number, told: Tensor) {
    const { steps, channels, likelihood } = this;
    const net = new CausalWalk(this.net, rows, this.mapsOf(told));
    const conditional = likelihood.distribution(net.call());
    return { net, conditional, seen: (x: Tensor) => this.seen(x), rows, steps, channels };
  }
}
