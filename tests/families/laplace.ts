/** A family of one's own, as the README shows it: a VAE whose decoder describes Laplace densities. */
import {
  type Batch,
  type ConfigOf,
  type DataDescription,
  defineFamily,
  distributions,
  nn,
  ops,
  type Tensor,
} from '../../src/index.ts';

const { Normal, StandardNormal, klDivergence } = distributions;

const KEYS = {
  latent: { type: 'integer', min: 1, default: 2, help: 'size of a code' },
  width: { type: 'integer', min: 1, default: 32, help: 'width of both hidden layers' },
  scale: { type: 'number', above: 0, default: 0.1, help: 'scale b of the Laplace density' },
} as const;

class LaplaceVae extends nn.Module {
  readonly features: number;
  readonly encoder: nn.MLP;
  readonly decoder: nn.MLP;
  private readonly config: ConfigOf<typeof KEYS>;

  constructor(config: ConfigOf<typeof KEYS>, { shape }: DataDescription) {
    super();
    this.config = config;
    this.features = shape.reduce((a, b) => a * b, 1);
    const { latent, width } = config;
    this.encoder = new nn.MLP([this.features, width, 2 * latent], 'silu');
    this.decoder = new nn.MLP([latent, width, this.features], 'silu');
  }

  posterior({ x }: Batch) {
    const [mean, logStd] = ops.split(this.encoder.call(x), [
      this.config.latent,
      this.config.latent,
    ]);
    return new Normal(mean as Tensor, logStd as Tensor);
  }

  /** Σ -|x - μ| / b - log 2b, [...] for z [..., M]. */
  logLikelihood(x: Tensor, z: Tensor) {
    const { scale } = this.config;
    const away = ops.abs(ops.sub(x, this.decoder.call(z)));
    return ops.sum(ops.sub(ops.mul(away, -1 / scale), Math.log(2 * scale)), -1);
  }

  bound(batch: Batch) {
    const q = this.posterior(batch);
    const kl = klDivergence(q, new StandardNormal([this.config.latent]));
    return { bound: ops.sub(this.logLikelihood(batch.x, q.rsample()), kl), kl };
  }

  get learner() {
    return {
      loss: (batch: Batch) => {
        const { bound, kl } = this.bound(batch);
        return { loss: ops.neg(ops.mean(bound)), metrics: { kl: ops.mean(kl) } };
      },
    };
  }

  get can() {
    const { latent } = this.config;
    const prior = new StandardNormal([latent]);
    return {
      code: {
        size: latent,
        noun: 'codes',
        values: 'means',
        isStandard: true,
        mean: (batch: Batch) => this.posterior(batch).mean,
        draw: (batch: Batch) => this.posterior(batch).sample(),
        logStd: (batch: Batch) => this.posterior(batch).logStd,
      },
      decode: { mean: (z: Tensor) => this.decoder.call(z), numbers: this.features },
      draw: { controls: {}, codes: (noise: Tensor) => noise },
      logWeights: {
        exact: false,
        of: (batch: Batch, k: number) => {
          const q = this.posterior(batch);
          const z = q.rsample([k]);
          const joint = ops.add(this.logLikelihood(batch.x, z), prior.logProb(z));
          return ops.transpose(ops.sub(joint, q.logProb(z)));
        },
      },
      quantities: (batch: Batch) => [
        {
          name: 'negativeElbo',
          label: 'negative ELBO',
          unit: 'nats',
          digits: 3,
          of: ops.neg(this.bound(batch).bound),
          isDensity: true,
        },
      ],
    };
  }
}

export const LAPLACE = defineFamily({
  name: 'laplace-vae',
  title: 'Laplace VAE',
  about: 'a VAE that forgives outliers',
  keys: KEYS,
  build: (config, data) => new LaplaceVae(config, data),
});
