// A variational autoencoder whose prior is a mixture, a component a cluster.
import type { Category } from '../../../categories.ts';
import { Normal } from '../../../distributions/index.ts';
import { LatentGpuError } from '../../../errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import type { Batch, Module } from '../../../nn/index.ts';
import { logLikelihoodOf } from '../../../objectives/index.ts';
import {
  add,
  assign,
  less,
  mean,
  mul,
  neg,
  randomUniform,
  sub,
  where,
} from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { GradientLearner } from '../../learner.ts';
import type { Portrait } from '../../model.ts';
import { firstLayer } from '../../nets/index.ts';
import type { MixturePrior } from '../../priors/index.ts';
import { codedPortrait } from '../coded.ts';
import { vaeAbilities } from '../vae/abilities.ts';
import { Vae } from '../vae/index.ts';
import { divergences } from './bound.ts';
import type { VadeKeys } from './keys.ts';
import { LinkedRows } from './linked.ts';
import { mover } from './moved.ts';
import type { Copies } from './neighbours.ts';
import { Revival } from './revival.ts';
import { mixtureStart } from './start.ts';

export interface VadeConfig extends VadeKeys {
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** Features that are words of a table. */
  readonly categories?: readonly Category[] | undefined;
}

interface VadeTerms {
  /** [B]. */
  readonly bound: Tensor;
  /** KL(q(z, c | x) ‖ p(z, c)), [B], and of it KL(q(c | x) ‖ p(c)). */
  readonly kl: Tensor;
  readonly clusters: Tensor;
  /** q(c | x) and its logarithm, [B, K]. */
  readonly belongs: Tensor;
  readonly logBelongs: Tensor;
}

/** p(x) = Σ_c π_c ∫ N(z; μ_c, σ_c²) p(x | z) dz. */
export class Vade extends Vae {
  declare readonly priorPart: MixturePrior;
  private readonly keys: VadeConfig;
  private readonly revival: Revival;
  private readonly linked: LinkedRows | undefined;

  constructor(keys: VadeConfig, seed = 0) {
    const { components, pretrain: _, start: __, ...shared } = keys;
    super({ ...shared, prior: { kind: 'mixture', components } }, seed);
    this.keys = keys;
    this.revival = new Revival(this.mixture);
    const { hold = 0, rows = 0 } = keys.start;
    if (hold > 0 && rows > 0) this.linked = new LinkedRows(rows, components);
  }

  private get mixture() {
    return this.priorPart.density;
  }

  /** The bound of rows x [B, D], by one draw of q(z | x) each. */
  clusteredBound(batch: Batch): VadeTerms {
    const posterior = this.posterior(batch);
    const q = new Normal(posterior.mean, posterior.logStd as Tensor);
    const z = q.rsample();
    const { codes, clusters, ...belonging } = divergences(q, z, this.mixture);
    const kl = add(codes, clusters);
    return { bound: sub(logLikelihoodOf(this, batch, z), kl), kl, clusters, ...belonging };
  }

  override get learner(): GradientLearner {
    const { revival, keys, linked } = this;
    const { usage, revived } = revival;
    const code = (batch: Batch) => this.posterior(batch).mean;
    const encoder = this.encoder as Module;
    const reader = firstLayer(this.decoder);
    const fit = mixtureStart({
      kind: keys.start.kind,
      copies: copiesOf(keys),
      linked,
      code,
      mixture: this.mixture,
      encoder,
      reader,
    });
    // Parts name their parameters by themselves, and files are written by the names of the whole.
    this.namedParameters();
    return {
      initial: ({ count }) => {
        checkRows(keys.components, count);
        return new Map();
      },
      before: {
        epochs: keys.pretrain.epochs,
        key: 'pretrain.epochs',
        loss: (batch) => {
          const codes = code(holed(batch, keys.pretrain.noise));
          return { loss: neg(mean(logLikelihoodOf(this, batch, codes))) };
        },
        fit,
      },
      loss: (batch) => {
        const { bound, kl, clusters, belongs, logBelongs } = this.clusteredBound(batch);
        const negativeElbo = neg(mean(bound));
        // Rows have numbers in training alone.
        const told = linked && batch.rows && mean(linked.logTold(logBelongs, batch.rows));
        const weight = (keys.start.hold ?? 0) * this.features;
        return {
          loss: told ? sub(negativeElbo, mul(weight, told)) : negativeElbo,
          metrics: {
            kl: mean(kl),
            klClusters: mean(clusters),
            ...(told && { linked: neg(told) }),
          },
          effects: [assign(usage, add(usage, mean(belongs, 0)))],
          state: { usage, revived, ...(linked && { linked: linked.clusters }) },
        };
      },
      tend: (runtime) => revival.tend(runtime),
    };
  }

  override get can(): Abilities {
    const usual = vaeAbilities(this);
    return {
      ...usual,
      quantities: (batch) => {
        const { bound, kl, clusters } = this.clusteredBound(batch);
        const nats = { unit: 'nats', digits: 3 };
        return [
          {
            ...nats,
            name: 'negativeElbo',
            label: 'negative ELBO',
            of: neg(bound),
            isDensity: true,
          },
          { ...nats, name: 'kl', label: 'kl', of: kl },
          { ...nats, name: 'klClusters', label: 'kl of clusters', of: clusters },
        ];
      },
    };
  }

  override get portrait(): Portrait {
    const { components } = this.keys;
    const usual = codedPortrait(this.config, this.config, this.latent);
    const [codes, likelihood] = usual.line ?? ['', ''];
    return {
      ...usual,
      line: [`${codes}, ${components} clusters`, likelihood],
      facts: [...usual.facts, ['clusters', String(components)]],
    };
  }
}

/** Rows of which a share of the numbers is 0, other ones in every step: an autoencoder's task of denoising. */
function holed(batch: Batch, share: number): Batch {
  if (share === 0) return batch;
  const { x } = batch;
  return { ...batch, x: where(less(randomUniform(x.shape), share), 0, x) };
}

/** What counts as the same image where clusters are looked for. */
function copiesOf({ start: { shift = 0, turn = 0 }, shape }: VadeConfig): Copies | undefined {
  return shift > 0 || turn > 0 ? mover(shape, { shift, turn }) : undefined;
}

/** @throws LatentGpuError `bad-config` */
function checkRows(components: number, count: number): void {
  if (components <= count) return;
  throw new LatentGpuError(
    'bad-config',
    `components is ${components} and there are ${count} rows to train on; lower it with --set components=${count}`,
  );
}
