// Draws of images whose conditionals a PixelCNN describes, pixel after pixel.
import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/variable.ts';
import { type PixelCnn, PixelWalk } from '../nn/index.ts';
import { add, assign, scatterRows, transpose, zeros } from '../ops/index.ts';
import type { Walk } from './family.ts';
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
  // A pixel a row.
  const data = variable('data', [height * width, rows]);
  const logProb = variable('logProb', [rows]);
  const conditional = likelihood.distribution(walk.call());
  const value = conditional.sample();
  return {
    start: [assign(data, zeros(data.shape)), assign(logProb, zeros([rows])), ...walk.start()],
    legs: [
      { effects: walk.begin(), times: 1 },
      {
        effects: [
          scatterRows(data, walk.known, transpose(value)),
          assign(logProb, add(logProb, conditional.logProb(value))),
          ...walk.advance(value),
        ],
        times: width,
      },
    ],
    rounds: height,
    result: { x: transpose(data), logProb },
    state: [data, logProb, ...walk.state],
  };
}
