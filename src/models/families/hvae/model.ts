// A hierarchy of codes: p(z_L) Π p(z_l | z_{l+1}) p(x | z₁), with posteriors from the data up (Burda,
// Grosse and Salakhutdinov 2016) or from the top down (ladder: Sønderby et al. 2016; residual: Vahdat and Kautz 2020).
import { type Distribution, Normal } from '../../../distributions/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Batch, Module, makeNorm, type Norm, type NormKind } from '../../../nn/index.ts';
import { Objective } from '../../../objectives/index.ts';
import {
  activations,
  add,
  exp,
  logAddExp,
  mul,
  sigmoid,
  slice,
  sub,
  unsqueeze,
} from '../../../ops/index.ts';
import type { Abilities } from '../../abilities.ts';
import type { DataDescription } from '../../data-description.ts';
import type { GradientLearner } from '../../learner.ts';
import { describedBy, type Likelihood, makeLikelihood } from '../../likelihoods/index.ts';
import type { Model, Portrait } from '../../model.ts';
import { makeDecoder, makeEncoder, type Net, type NetConfig, netWords } from '../../nets/index.ts';
import { type Hierarchy, hvaeAbilities } from './abilities.ts';
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

/** What is normalised of full layers: groups are of channels. */
const aboveNorm = ({ norm = 'none' }: NetConfig): NormKind => (norm === 'group' ? 'layer' : norm);

/** Full layers between codes or hidden layers, as a net beside the data is for the rest. */
const aboveOf = (net: NetConfig, hidden: readonly number[]): NetConfig => ({
  hidden,
  activation: net.activation,
  norm: aboveNorm(net),
});

/** A net whose last hidden layer is what it yields. */
const withoutLast = (net: NetConfig): NetConfig => ({
  ...net,
  ...((net.kind ?? 'mlp') === 'mlp' && { hidden: net.hidden?.slice(0, -1) }),
});

/** Of the hidden layer that codes are read off. */
function widthOf({ encoder, between }: HvaeConfig, layer: number): number {
  const own = layer === 0 && (encoder.kind ?? 'mlp') === 'mlp' ? encoder.hidden : between.hidden;
  return own?.at(-1) ?? 0;
}

export class HierarchicalVae extends Module implements Model, Hierarchy {
  readonly config: HvaeConfig;
  readonly shape: readonly number[];
  readonly features: number;
  readonly likelihood: Likelihood;
  /** Bottom-up: from x to z₁, from z₁ to z₂, …; top-down: hidden layers, each from those below. */
  readonly encoder: readonly Net[];
  /** Top-down: of those hidden layers, before their activations, or none. */
  readonly norms: readonly Norm[];
  /** Top-down: from hidden layers to what they say of the codes of their layer. */
  readonly heads: readonly Net[];
  /** From z_{l+1} to p(z_l | z_{l+1}). */
  readonly priors: readonly Net[];
  readonly decoder: Net;
  readonly objective: Objective;

  constructor(config: HvaeConfig, { shape, categories }: DataDescription) {
    super();
    this.config = config;
    this.shape = shape;
    this.features = shape.reduce((a, b) => a * b, 1);
    const { features } = this;
    this.likelihood = makeLikelihood(config.likelihood, { features, categories });
    const { latents, encoder, decoder, between, init } = config;
    const isDownwards = config.inference !== 'bottom-up';
    const widths = latents.map((_, l) => widthOf(config, l));
    const net = (of: NetConfig, from: readonly number[], code: number) =>
      makeEncoder(of, { shape: from, code, init });
    this.encoder = latents.map((size, l) => {
      const own = l === 0 ? encoder : aboveOf(encoder, between.hidden);
      const from = l === 0 ? shape : [(isDownwards ? widths : latents)[l - 1] as number];
      return isDownwards
        ? net(withoutLast(own), from, widths[l] as number)
        : net(own, from, 2 * size);
    });
    this.norms = isDownwards
      ? widths.flatMap((width) => makeNorm(aboveNorm(encoder), width) ?? [])
      : [];
    const linear = { kind: 'linear' } as const;
    this.heads = isDownwards
      ? latents.map((size, l) => net(linear, [widths[l] as number], 2 * size))
      : [];
    this.priors = latents
      .slice(1)
      .map((above, l) =>
        net(aboveOf(decoder, between.hidden), [above], 2 * (latents[l] as number)),
      );
    const ends = { shape, code: latents[0] as number, init };
    const what = describedBy(this.likelihood, config.likelihood, features);
    this.decoder = makeDecoder(decoder, ends, what);
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
      ...(this.norms.length > 0 ? [['norms', this.norms] as [string, unknown]] : []),
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
    const net = (l: number) => this.encoder[l] as Net;
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
    const activation = activations[this.config.encoder.activation ?? 'relu'];
    let hidden = x;
    const told = this.heads.map((head, l) => {
      const seen = net(l).call(hidden);
      hidden = activation(this.norms[l]?.call(seen) ?? seen);
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
    const isDownwards = inference !== 'bottom-up';
    const lowest = isDownwards ? widthOf(this.config, 0) : 2 * (latents[0] as number);
    return {
      inside: `${latents.length} layers of codes, ${top.join(' → ')}`,
      line: [` → ${latents.join(' → ')}`, `, likelihood ${likelihood.kind}`],
      facts: [
        ['codes, from the top', widths(...top)],
        ['inference', inference],
        ['encoder', netWords(isDownwards ? withoutLast(encoder) : encoder, this.features, lowest)],
        ['between layers', widths(...between.hidden)],
        ['decoder', netWords(decoder, latents[0] as number, this.features)],
        ['likelihood', likelihood.kind],
      ],
    };
  }
}
