// Densities whose conditionals a masked net describes: all of them in one pass, or place after place.
import type { Tensor } from '../graph/tensor.ts';
import { MadeWalk, type MaskedView } from '../nn/index.ts';
import { add, gather, mul, oneHot, reshape, toUint, transpose } from '../ops/index.ts';
import type { Walk } from './abilities.ts';
import { DrawnPlaces, drawOf } from './drawn-places.ts';
import type { Likelihood } from './likelihoods/index.ts';

/** What the conditionals are, and how the net is shown what they are of. */
export interface Conditionals {
  readonly likelihood: Likelihood;
  /** Of classes: numbers of a feature that are a one and zeros. */
  readonly levels?: number;
}

/** Values [B, D] as the net takes them, [B, D · inputs]: levels as a one among zeros. */
function shown(x: Tensor, levels: number | undefined): Tensor {
  if (levels === undefined) return x;
  const level = toUint(add(mul(x, levels - 1), 0.5));
  return reshape(oneHot(level, levels), [x.shape[0] as number, -1]);
}

/** log p(x) of rows [B, D]: [B], in nats. */
export function maskedLogProb(
  net: MaskedView,
  { likelihood, levels }: Conditionals,
  x: Tensor,
): Tensor {
  const outputs = net.call(shown(x, levels));
  const [rows, features] = x.shape as [number, number];
  // Classes stand together a feature, and the net has them in blocks of features.
  const arranged = levels
    ? reshape(transpose(reshape(outputs, [rows, levels, features])), [rows, -1])
    : outputs;
  return likelihood.distribution(arranged).logProb(x);
}

/** Draws of it, a feature a step in the order of the net's masks. */
export function maskedWalk(
  net: MaskedView,
  { likelihood, levels }: Conditionals,
  rows: number,
): Walk {
  const { features } = net;
  const walk = new MadeWalk(net, rows);
  // In the order of their turns.
  const drawn = new DrawnPlaces(features, rows, drawOf(likelihood.distribution(walk.call())));
  return {
    start: [...drawn.start(), ...walk.start()],
    legs: [
      {
        effects: [...drawn.take(walk.known), ...walk.advance(shown(drawn.value, levels))],
        times: features,
      },
    ],
    rounds: 1,
    result: { x: transpose(gather(drawn.data, walk.ranks)), logProb: drawn.logProb },
    state: [...drawn.state, ...walk.state],
  };
}
