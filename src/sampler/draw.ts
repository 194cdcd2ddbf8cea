// Draws of codes from the prior, and from what a decoder describes, with the engine's noise.
import { sigmoid, softplus } from '../ops/reference/special.ts';
import type { Network } from './network.ts';
import { fillRow, gumbel, normal, uniform } from './noise.ts';

/** The smallest deviation for each pixel: src/models/likelihoods.ts. */
const MIN_STD = 1e-3;

/** The rows that the engine computes at once, each block of them a step: src/models/ask/rows.ts. */
const blockOf = ({ features, perFeature }: Network): number =>
  Math.max(1, Math.min(64, Math.floor(2 ** 24 / (features * perFeature))));

/** The random numbers of a row among all that a seed is asked for. */
function sourceOf(network: Network, key: readonly [number, number], stream: number, row: number) {
  const block = blockOf(network);
  return { key, stream, step: Math.floor(row / block), place: row % block };
}

/** Draws the code of a row from the prior. */
export function coder(network: Network, key: readonly [number, number], stream: number) {
  const { code, latent, classes, logits } = network;
  const isNormal = code === 'normal';
  const noise = new Float64Array(latent);
  const width = classes > 1 ? classes : latent;
  const from = isNormal ? normal : classes > 1 ? gumbel : uniform;
  return (row: number, out: Float32Array): void => {
    fillRow(noise, from, sourceOf(network, key, stream, row), latent / width, width);
    for (let j = 0; j < latent; j += classes) {
      if (isNormal) out[j] = noise[j]!;
      else if (classes === 1) out[j] = +(noise[j]! < sigmoid(logits[j]!));
      else {
        // The Gumbel-max trick.
        let best = j;
        const score = (at: number) => logits[at]! + noise[at]!;
        for (let at = j + 1; at < j + classes; at++) if (score(at) > score(best)) best = at;
        out[best] = 1;
      }
    }
  };
}

/** Draws the image of a row from the distribution that the decoder's outputs describe. */
export type Draw = (outputs: Float32Array, row: number, image: Float32Array) => void;

export function drawer(network: Network, key: readonly [number, number], stream: number): Draw {
  const { kind, sigma, std, features, perFeature } = network;
  const isNormal = kind === 'normal';
  const levels = kind === 'categorical' ? perFeature : 1;
  const noise = new Float64Array(features * levels);
  const [lines, width] = levels > 1 ? [features, levels] : [1, features];
  const value = (out: Float32Array, d: number): number => {
    if (isNormal) {
      const own = sigma === 'pixel' ? softplus(out[features + d]!) + MIN_STD : std;
      return out[d]! + own * noise[d]!;
    }
    if (levels === 1) return +(noise[d]! < out[d]!);
    // The Gumbel-max trick.
    let best = 0;
    let top = Number.NEGATIVE_INFINITY;
    for (let level = 0, at = d * levels; level < levels; level++, at++) {
      const score = out[at]! - Math.log(-Math.log(noise[at]!));
      if (score >= top) [best, top] = [level, score];
    }
    return best / (levels - 1);
  };
  return (outputs, row, image) => {
    const source = sourceOf(network, key, stream, row);
    fillRow(noise, isNormal ? normal : uniform, source, lines, width);
    for (let d = 0; d < features; d++) image[d] = value(outputs, d);
  };
}
