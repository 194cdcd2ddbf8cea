// Layers of codes that stand one above the other: z₁ beside the data, z_L on top, side by side in one
// code [z₁, …, z_L].
import { type Density, type Draw, type DrawOptions, Normal } from '../../../distributions/index.ts';
import type { Shape } from '../../../graph/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import type { Posterior } from '../../../objectives/index.ts';
import {
  add,
  concat,
  klNormal,
  mean,
  mul,
  randomNormal,
  reparameterize,
  slice,
  sub,
  sum,
  unsqueeze,
  zeros,
} from '../../../ops/index.ts';

/** Codes of all layers, those of layers that are not known yet left out. */
export type Layers = readonly (Tensor | undefined)[];

/** The distribution of a layer's codes given those of its neighbours: p(z_l | z_{l+1}), q(z_l | …). */
export type Conditional = (layer: number, codes: Layers) => Normal;

/** What is drawn in which order. */
export interface Chain {
  readonly sizes: readonly number[];
  /** Layers from the one that is drawn first. */
  readonly order: readonly number[];
  readonly of: Conditional;
}

/** From the top down, as a prior is drawn. */
export const downwards = (layers: number): number[] =>
  Array.from({ length: layers }, (_, i) => layers - 1 - i);

/** The layers of a code [..., M]. */
export function layersOf(z: Tensor, sizes: readonly number[]): Tensor[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return slice(z, -1, at - size, at);
  });
}

const total = (terms: readonly Tensor[]): Tensor => terms.reduce((a, b) => add(a, b));

/** Σ_l log of each layer's density, where all are known. */
function logProbOf({ of, order }: Chain, codes: readonly Tensor[]): Tensor {
  return total(order.map((l) => of(l, codes).logProb(codes[l] as Tensor)));
}

/** p(z_L) Π p(z_l | z_{l+1}). */
export class LayeredPrior implements Density {
  readonly chain: Chain;

  constructor(chain: Chain) {
    this.chain = chain;
  }

  logProb(z: Tensor): Tensor {
    return logProbOf(this.chain, layersOf(z, this.chain.sizes));
  }

  /** Codes [..., M] by noise [..., M] ~ N(0, I), the noise of a layer in its place. */
  codes(noise: Tensor): Tensor {
    const { sizes, order, of } = this.chain;
    const own = layersOf(noise, sizes);
    const codes: (Tensor | undefined)[] = sizes.map(() => undefined);
    for (const l of order) {
      // What the first layer depends on has no axes of its own.
      const { mean: centre, logStd } = of(l, codes);
      codes[l] = reparameterize(centre, logStd, own[l] as Tensor);
    }
    return concat(codes as Tensor[], -1);
  }

  draw(lead: Shape, { temperature = 1 }: DrawOptions = {}): Draw {
    const width = this.chain.sizes.reduce((a, b) => a + b);
    const noise = randomNormal([...lead, width]);
    const value = this.codes(temperature === 1 ? noise : mul(noise, temperature));
    return { value, logProb: () => this.logProb(value), pathwise: true };
  }
}

interface LayeredDraw extends Draw {
  readonly codes: readonly Tensor[];
  /** q of each layer where it was drawn. */
  readonly own: readonly Normal[];
}

/** q of all layers, in their order. */
export class LayeredPosterior implements Posterior {
  private readonly chain: Chain;
  private readonly prior: LayeredPrior;
  /** Whether layers are drawn as the prior's are, so that each has its KL in closed form. */
  private readonly isClosed: boolean;

  /** @param chain whose first layer has parameters [B, M] */
  constructor(chain: Chain, prior: LayeredPrior) {
    this.chain = chain;
    this.prior = prior;
    this.isClosed = chain.order[0] === chain.sizes.length - 1;
  }

  /** The means of layers given the means of those before them. */
  get mean(): Tensor {
    const { sizes, order, of } = this.chain;
    const codes: (Tensor | undefined)[] = sizes.map(() => undefined);
    for (const l of order) codes[l] = of(l, codes).mean;
    return concat(codes as Tensor[], -1);
  }

  draw(samples: number): LayeredDraw {
    const { sizes, order, of } = this.chain;
    const codes: (Tensor | undefined)[] = sizes.map(() => undefined);
    const own: Normal[] = [];
    for (const l of order) {
      const q = widened(of(l, codes), samples > 1);
      const [rows] = q.mean.shape as [number];
      const lead = samples > 1 ? [rows, samples] : [rows];
      codes[l] = reparameterize(q.mean, q.logStd, randomNormal([...lead, sizes[l] as number]));
      own[l] = q;
    }
    const known = codes as Tensor[];
    return {
      value: concat(known, -1),
      logProb: () => total(own.map((q, l) => q.logProb(known[l] as Tensor))),
      pathwise: true,
      codes: known,
      own,
    };
  }

  logProb(z: Tensor): Tensor {
    const { sizes, of, order } = this.chain;
    const wide = (layer: number, codes: Layers) => widened(of(layer, codes), z.rank === 3);
    return logProbOf({ sizes, order, of: wide }, layersOf(z, sizes));
  }

  /** KL of each layer at draws of those that it depends on, [B, L]: closed, or log q - log p of the draw. */
  divergence({ codes, own }: LayeredDraw): { kl: Tensor; closed: Tensor; layers: Tensor } {
    const { of } = this.prior.chain;
    const layers = own.map((q, l) => {
      const p = of(l, codes);
      const each = this.isClosed
        ? sum(klNormal(q.mean, q.logStd, p.mean, p.logStd), -1)
        : sub(q.logProb(codes[l] as Tensor), p.logProb(codes[l] as Tensor));
      return unsqueeze(each.rank > 1 ? mean(each, 1) : each, 1);
    });
    const all = concat(layers, 1);
    return { kl: sum(all, 1), closed: all, layers: all };
  }
}

/** Parameters [B, M] for several draws a row, [B, 1, M]; others have them already. */
function widened(q: Normal, isWide: boolean): Normal {
  const wide = (x: Tensor) => (isWide && x.rank === 2 ? unsqueeze(x, 1) : x);
  return new Normal(wide(q.mean), wide(q.logStd));
}

/** N(0, I) of the top layer. */
export function standard(size: number): Normal {
  return new Normal(zeros([size]), zeros([size]));
}
