// Draws of images whose conditionals a PixelCNN describes, pixel after pixel.
import type { Tensor } from '../graph/tensor.ts';
import { type PixelCnn, PixelWalk } from '../nn/index.ts';
import { transpose } from '../ops/index.ts';
import type { Walk } from './abilities.ts';
import { DrawnPlaces } from './drawn-places.ts';
import type { Likelihood } from './likelihoods/index.ts';

/** @param context of the rows, [rows, C] or [rows, H, W, C], of conditional nets */
export function pixelWalk(
  net: PixelCnn,
  likelihood: Likelihood,
  rows: number,
  context?: Tensor,
): Walk {
  const { height, width } = net.options;
  const walk = new PixelWalk(net, rows, context);
  const drawn = new DrawnPlaces(height * width, rows, likelihood.distribution(walk.call()));
  return {
    start: [...drawn.start(), ...walk.start()],
    legs: [
      { effects: walk.begin(), times: 1 },
      { effects: [...drawn.take(walk.known), ...walk.advance(drawn.value)], times: width },
    ],
    rounds: height,
    result: { x: transpose(drawn.data), logProb: drawn.logProb },
    state: [...drawn.state, ...walk.state],
  };
}
