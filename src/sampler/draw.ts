// Draws of codes from the prior, and from what a decoder describes, with the engine's noise.
import { sigmoid, softplus } from '../ops/reference/special.ts';
import type { Network } from './network.ts';
import { fillRow, gumbel, normal, type Source, uniform } from './noise.ts';

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

/** Makes the image of a row of the decoder's outputs. */
export type Finish = (outputs: Float32Array, row: number, image: Float32Array) => void;

/**
 * Draws from the distribution that a decoder's outputs describe.
 *
 * @param streams of the noise of numbers and of words; without, images are means (of levels: never)
 */
export function drawer(
  network: Network,
  key: readonly [number, number],
  streams: readonly [number, number] | undefined,
): Finish {
  const { kind, sigma, std, perFeature, places, words } = network;
  const count = places.length;
  const isNormal = kind === 'normal';
  const levels = kind === 'categorical' ? perFeature : 1;
  const noise = new Float64Array(count * levels);
  const scores = new Float64Array(words.flat().length);
  const [lines, width] = levels > 1 ? [count, levels] : [1, count];
  const value = (out: Float32Array, d: number): number => {
    if (isNormal) {
      const own = sigma === 'pixel' ? softplus(out[count + d]!) + MIN_STD : std;
      return out[d]! + own * noise[d]!;
    }
    if (levels === 1) {
      const mean = words.length ? sigmoid(out[d]!) : out[d]!;
      return streams ? +(noise[d]! < mean) : mean;
    }
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
    if (streams) {
      const [own, others] = streams.map((stream) => sourceOf(network, key, stream, row)) as [
        Source,
        Source,
      ];
      fillRow(noise, isNormal ? normal : uniform, own, lines, width);
      fillRow(scores, gumbel, others, 1, scores.length);
    }
    places.forEach((place, d) => {
      image[place] = value(outputs, d);
    });
    let at = 0;
    for (const own of words) {
      const logits = own.map(() => outputs[count * perFeature + at]! + scores[at++]!);
      const top = Math.max(...logits);
      const parts = logits.map((score) => (streams ? +(score === top) : Math.exp(score - top)));
      const whole = parts.reduce((a, b) => a + b);
      own.forEach((place, i) => {
        image[place] = parts[i]! / whole;
      });
    }
  };
}
