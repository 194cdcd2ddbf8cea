// Draws of images whose conditionals a PixelCNN describes, pixel after pixel.
import type { Tensor } from '../graph/tensor.ts';
import { type PixelCnn, PixelWalk } from '../nn/index.ts';
import { add, concat } from '../ops/index.ts';
import type { Walk } from './abilities.ts';
import { type Draw, DrawnPlaces, drawOf } from './drawn-places.ts';
import type { Likelihood } from './likelihoods/index.ts';

/** @param context of the rows, [rows, C] or [rows, H, W, C], of conditional nets */
export function pixelWalk(
  net: PixelCnn,
  likelihood: Likelihood,
  rows: number,
  context?: Tensor,
): Walk {
  const { height, width, colours = 1 } = net.options;
  const walk = new PixelWalk(net, rows, context);
  const drawn = new DrawnPlaces(height * width, rows, pixelOf(walk, likelihood, colours));
  return {
    start: [...drawn.start(), ...walk.start()],
    legs: [
      { effects: walk.begin(), times: 1 },
      { effects: [...drawn.take(walk.known), ...walk.advance(drawn.value)], times: width },
    ],
    rounds: height,
    result: drawn.result,
    state: [...drawn.state, ...walk.state],
  };
}

/** A draw of the pixel whose turn it is, a colour after the other. */
function pixelOf(walk: PixelWalk, likelihood: Likelihood, colours: number): Draw {
  const draws: Draw[] = [];
  while (draws.length < colours) {
    const known = draws.map(({ value }) => value);
    draws.push(drawOf(likelihood.distribution(walk.call(known))));
  }
  const values = draws.map(({ value }) => value);
  return {
    value: concat(values, 1),
    logProb: draws.map(({ logProb }) => logProb).reduce(add),
  };
}
