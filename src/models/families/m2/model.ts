// p(y) p(z) p(x | y, z) with q(y | x) q(z | x, y): a class that is known is told, one that is not is
// summed over. Kingma, Mohamed, Rezende and Welling 2014, model M2.
import { hottest } from '../../../distributions/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, Module } from '../../../nn/index.ts';
import {
  type Estimate,
  elbo,
  importanceBound,
  type LatentModel,
} from '../../../objectives/index.ts';
import {
  add,
  div,
  exp,
  expand,
  iota,
  logSoftmax,
  logSumExp,
  maximum,
  mean,
  modUint,
  mul,
  neg,
  oneHot,
  reshape,
  stopGradient,
  sub,
  sum,
  unsqueeze,
} from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { DataDescription } from '../../data-description.ts';
import type { GradientLearner } from '../../learner.ts';
import type { Model } from '../../model.ts';
import {
  type EncoderOfClasses,
  makeEncoder,
  type Net,
  netWords,
  through,
} from '../../nets/index.ts';
import { codedPortrait } from '../coded.ts';
import { Vae } from '../vae/index.ts';
import { type Beliefs, m2Abilities, type OfEveryClass } from './abilities.ts';
import type { M2Config } from './keys.ts';

/** Numbers of every row and class. */
interface Each {
  /** [B, C], in nats. */
  readonly bound: Tensor;
  readonly surrogate: Tensor;
  readonly kl: Tensor;
}

/** How rows of a class are bounded. */
type EstimateOf = (model: LatentModel, batch: Batch) => Estimate;

export class SemiSupervised extends Module implements Model, OfEveryClass {
  /** p(x | y, z) and q(z | x, y). */
  readonly each: Vae;
  /** x → log q(y | x), up to a constant. */
  readonly classifier: Net;
  readonly config: M2Config;
  readonly features: number;
  readonly classes: number;

  constructor(
    config: M2Config,
    { shape, categories }: DataDescription,
    classNames: readonly string[],
  ) {
    super();
    this.config = config;
    this.classes = classNames.length;
    this.each = new Vae({ ...config, shape, categories, classNames } as Vae['config']);
    this.features = this.each.features;
    const { init, classifier } = config;
    this.classifier = makeEncoder(classifier, {
      ...{ shape, code: this.classes, init },
      under: 'classifier.',
    });
  }

  override children(): [string, unknown][] {
    return [...this.each.children(), ['classifier', this.classifier]];
  }

  get decoder(): Net {
    return this.each.decoder;
  }

  beliefs({ x, labels }: Batch): Beliefs {
    const logQ = logSoftmax(this.classifier.call(x));
    return { logQ, known: labels ? oneHot(labels, this.classes) : mul(0, stopGradient(logQ)) };
  }

  /** Every row of a batch as a row of every class, [B · C, …], and the model of such rows. */
  private ofEvery(batch: Batch): { batch: Batch; model: LatentModel } {
    const { classes, each, features } = this;
    const [rows] = batch.x.shape as [number, number];
    const wide = expand(unsqueeze(batch.x, 1), [rows, classes, features]);
    const numbers = (each.encoder as EncoderOfClasses).ofEvery(batch.x);
    return {
      batch: {
        x: reshape(wide, [rows * classes, features]),
        labels: modUint(iota(rows * classes), classes),
        // Only what follows an epoch asks for it.
        get epoch() {
          return batch.epoch as Tensor;
        },
      },
      model: each.withNumbers(reshape(numbers, [rows * classes, numbers.shape.at(-1) as number])),
    };
  }

  private boundOfEach(batch: Batch, estimate: EstimateOf): Each {
    const every = this.ofEvery(batch);
    const found = estimate(every.model, every.batch);
    const shaped = (values: Tensor) => reshape(values, [-1, this.classes]);
    return {
      bound: shaped(found.bound),
      surrogate: shaped(found.surrogate),
      kl: shaped(found.kl),
    };
  }

  /**
   * The bound of log p(x, y) where a class is known, and of log p(x) where it is not:
   * Σ_y w_y (L(x, y) + log p(y)) + H(w), with w = q(y | x) or a one for the class; [B], in nats. L is what is
   * trained for.
   */
  bound(batch: Batch, beliefs = this.beliefs(batch)) {
    return this.overClasses(batch, beliefs, (model, rows) => this.each.objective.of(model, rows));
  }

  /** The same with the evidence lower bound in place of L, however a divergence weighs in training. */
  elbo(batch: Batch, beliefs = this.beliefs(batch)) {
    return this.overClasses(batch, beliefs, elbo);
  }

  private overClasses(batch: Batch, { known, logQ }: Beliefs, estimate: EstimateOf) {
    const each = this.boundOfEach(batch, estimate);
    const isUnknown = sub(1, sum(known, 1, { keepDims: true }));
    const weights = add(known, mul(isUnknown, exp(logQ)));
    const own = (values: Tensor, by: Tensor) => sum(mul(by, values), 1);
    // -Σ q log q where nothing is known, less log C for p(y).
    const unsure = neg(sum(mul(mul(isUnknown, exp(logQ)), logQ), 1));
    const rest = sub(unsure, Math.log(this.classes));
    const bound = add(own(each.bound, weights), rest);
    // Weights learn by what the bounds are, and the bounds' parts by their own surrogates.
    const surrogate =
      each.surrogate === each.bound
        ? bound
        : add(
            add(own(each.surrogate, stopGradient(weights)), own(stopGradient(each.bound), weights)),
            rest,
          );
    return { bound, surrogate, kl: sub(own(each.kl, weights), rest) };
  }

  /** Log importance weights of log p(x), [B, k]: classes are summed over, codes are drawn. */
  logWeights(batch: Batch, k: number): Tensor {
    const every = this.ofEvery(batch);
    const { logWeights } = importanceBound(every.model, every.batch, k);
    const each = reshape(logWeights, [-1, this.classes, k]);
    return sub(logSumExp(each, 1), Math.log(this.classes));
  }

  /** q(z | x, y) of the class that is known, or else the likeliest. */
  posterior(batch: Batch) {
    const { known, logQ } = this.beliefs(batch);
    const isUnknown = sub(1, sum(known, 1, { keepDims: true }));
    const weights = add(known, mul(isUnknown, stopGradient(hottest(logQ))));
    const encoder = this.each.encoder as EncoderOfClasses;
    return this.each.posteriorPart.of(encoder.weighed(batch.x, weights));
  }

  get learner(): GradientLearner {
    const inner = this.each.learner;
    const { alpha } = this.config;
    const turns = {
      e: [...(inner.turns?.e ?? []), ...this.classifier.parameters()],
      m: inner.turns?.m ?? [],
    };
    // Parts name their parameters by themselves, and files are written by the names of the whole.
    this.namedParameters();
    return {
      ...(inner.live && { live: inner.live }),
      turns,
      loss: (batch) => {
        const beliefs = this.beliefs(batch);
        const { bound, surrogate, kl } = this.bound(batch, beliefs);
        const { known, logQ } = beliefs;
        // The mean over rows whose class is known; of none it is nothing.
        const crossEntropy = div(neg(sum(mul(known, logQ))), maximum(sum(known), 1));
        return {
          loss: neg(mean(bound)),
          surrogate: add(neg(mean(surrogate)), mul(alpha, crossEntropy)),
          metrics: { kl: mean(kl), crossEntropy },
        };
      },
    };
  }

  get can(): Abilities {
    return m2Abilities(this);
  }

  get portrait() {
    const { each, config } = this;
    const portrait = codedPortrait(each.config, each.config, each.latent);
    return {
      ...portrait,
      facts: [
        ...portrait.facts,
        ['classifier', netWords(config.classifier, this.features, this.classes)] as const,
      ],
    };
  }

  /** p(x | z) of codes z [B, …, M] and classes. */
  decode(z: Tensor, told?: Pick<Batch, 'labels'>) {
    return this.each.likelihood.distribution(through(this.decoder, z, told));
  }
}
