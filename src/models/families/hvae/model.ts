// A hierarchy of codes: p(z_L) Π p(z_l | z_{l+1}) p(x | z₁), with posteriors from the data up (Burda,
// Grosse and Salakhutdinov 2016) or from the top down (ladder: Sønderby et al. 2016; residual: Vahdat and Kautz 2020).
import { type Distribution, Normal } from '../../../distributions/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, MLP, Module } from '../../../nn/index.ts';
import { type LatentModel, Objective } from '../../../objectives/index.ts';
import { add, exp, logAddExp, mul, sigmoid, slice, sub, unsqueeze } from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { GradientLearner } from '../../learner.ts';
import { type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import type { Model, Portrait } from '../../model.ts';
import { hvaeAbilities } from './abilities.ts';
import type { HvaeConfig } from './keys.ts';
import { downwards, LayeredPosterior, LayeredPrior, layersOf, standard } from './layers.ts';

/** Mean and log σ, side by side, [..., 2 M]. */
function normalOf(numbers: Tensor): Normal {
  const size = (numbers.shape.at(-1) as number) / 2;
  return new Normal(slice(numbers, -1, 0, size), slice(numbers, -1, size, 2 * size));
}

/**
 * The product of two normals, which is what both say of a number: precisions add up, and means are
 * weighed by them.
 */
function joined(q: Normal, p: Normal): Normal {
  // Log precisions, and the share of q's: no deviation is ever divided by another.
  const [own, other] = [mul(-2, q.logStd), mul(-2, p.logStd)];
  const share = sigmoid(sub(own, other));
  return new Normal(add(p.mean, mul(share, sub(q.mean, p.mean))), mul(-0.5, logAddExp(own, other)));
}

/**
 * A prior moved and scaled by what x says, in its own deviations. It may lie anywhere, where a product is never wider
 * than the prior, which then learns to be narrower still, and codes shrink before they say anything.
 */
function moved(q: Normal, p: Normal): Normal {
  return new Normal(add(p.mean, mul(exp(p.logStd), q.mean)), add(p.logStd, q.logStd));
}

export class HierarchicalVae extends Module implements Model, LatentModel {
  readonly config: HvaeConfig;
  readonly shape: readonly number[];
  readonly features: number;
  readonly likelihood: Likelihood;
  /** Bottom-up: from x to z₁, from z₁ to z₂, …; top-down: hidden layers, each from those below. */
  readonly encoder: readonly MLP[];
  /** Top-down: from hidden layers to what they say of the codes of their layer. */
  readonly heads: readonly MLP[];
  /** From z_{l+1} to p(z_l | z_{l+1}). */
  readonly priors: readonly MLP[];
  readonly decoder: MLP;
  readonly objective: Objective;

  constructor(config: HvaeConfig, shape: readonly number[]) {
    super();
    this.config = config;
    this.shape = shape;
    this.features = shape.reduce((a, b) => a * b, 1);
    this.likelihood = makeLikelihood(config.likelihood);
    const { latents, encoder, decoder, between, init } = config;
    const isDownwards = config.inference !== 'bottom-up';
    const hiddenOf = (l: number) => (l === 0 ? encoder.hidden : between.hidden);
    const inputs = (l: number) => {
      if (l === 0) return this.features;
      return isDownwards ? (hiddenOf(l - 1).at(-1) ?? 0) : (latents[l - 1] as number);
    };
    this.encoder = latents.map((size, l) => {
      const widths = [inputs(l), ...hiddenOf(l), ...(isDownwards ? [] : [2 * size])];
      const output = isDownwards ? { output: encoder.activation } : {};
      return new MLP(widths, encoder.activation, { init, ...output });
    });
    this.heads = isDownwards
      ? latents.map((size, l) => new MLP([hiddenOf(l).at(-1) ?? 0, 2 * size], 'relu', { init }))
      : [];
    this.priors = latents.slice(1).map((above, l) => {
      const widths = [above, ...between.hidden, 2 * (latents[l] as number)];
      return new MLP(widths, decoder.activation, { init });
    });
    const outputs = this.features * this.likelihood.outputsPerFeature;
    const widths = [latents[0] as number, ...decoder.hidden, outputs];
    this.decoder = new MLP(widths, decoder.activation, { init });
    this.objective = new Objective(
      {
        ...config.objective,
        ...(config.objective.freeBits !== undefined && { freeBitsBy: 'group' }),
      },
      { features: this.features, layers: latents.length },
    );
  }

  override children(): [string, unknown][] {
    return [
      ['encoder', this.encoder],
      ['heads', this.heads],
      ['priors', this.priors],
      ['decoder', this.decoder],
      ['likelihood', this.likelihood],
      ['objective', this.objective],
    ];
  }

  prior(): LayeredPrior {
    const { latents } = this.config;
    return new LayeredPrior({
      sizes: latents,
      order: downwards(latents.length),
      of: (l, codes) => {
        const net = this.priors[l];
        return net ? normalOf(net.call(codes[l + 1] as Tensor)) : standard(latents[l] as number);
      },
    });
  }

  posterior({ x }: Batch): LayeredPosterior {
    const { latents, inference } = this.config;
    const prior = this.prior();
    const net = (l: number) => this.encoder[l] as MLP;
    if (inference === 'bottom-up') {
      return new LayeredPosterior(
        {
          sizes: latents,
          order: downwards(latents.length).reverse(),
          of: (l, codes) => normalOf(net(l).call(l === 0 ? x : (codes[l - 1] as Tensor))),
        },
        prior,
      );
    }
    let hidden = x;
    const told = this.heads.map((head, l) => {
      hidden = net(l).call(hidden);
      return normalOf(head.call(hidden));
    });
    return new LayeredPosterior(
      {
        sizes: latents,
        order: downwards(latents.length),
        of: (l, codes) => {
          const own = told[l] as Normal;
          if (l === latents.length - 1) return own;
          const p = prior.chain.of(l, codes);
          // What x says is the same for all draws of the layers above.
          const beside = (y: Tensor) => (p.mean.rank > y.rank ? unsqueeze(y, 1) : y);
          const seen = new Normal(beside(own.mean), beside(own.logStd));
          return inference === 'residual' ? moved(seen, p) : joined(seen, p);
        },
      },
      prior,
    );
  }

  decode(z: Tensor): Distribution {
    const [lowest] = layersOf(z, this.config.latents) as [Tensor];
    return this.likelihood.distribution(this.decoder.call(lowest));
  }

  get learner(): GradientLearner {
    const all = (...parts: readonly Module[]) => parts.flatMap((part) => part.parameters());
    const turns = {
      e: all(...this.encoder, ...this.heads),
      m: all(...this.priors, this.decoder, this.likelihood),
    };
    // Parts name their parameters by themselves, and files are written by the names of the whole.
    this.namedParameters();
    return {
      loss: (batch) => this.objective.lossOf(this, batch),
      turns,
      live: this.objective.live,
    };
  }

  get can(): Abilities {
    return hvaeAbilities(this);
  }

  get portrait(): Portrait {
    const { latents, inference, encoder, decoder, between, likelihood } = this.config;
    const widths = (...sizes: readonly number[]) => sizes.join(' → ');
    const top = [...latents].reverse();
    return {
      inside: `${latents.length} layers of codes, ${top.join(' → ')}`,
      line: [` → ${latents.join(' → ')}`, `, likelihood ${likelihood.kind}`],
      facts: [
        ['codes, from the top', widths(...top)],
        ['inference', inference],
        ['encoder', widths(this.features, ...encoder.hidden)],
        ['between layers', widths(...between.hidden)],
        ['decoder', widths(latents[0] as number, ...decoder.hidden, this.features)],
        ['likelihood', likelihood.kind],
      ],
    };
  }
}
