// Bits per dimension: what they are of, and where there are none.
import type { Model } from '../models/index.ts';

/** A value, or why there is none. */
export interface BitsPerDimension {
  readonly value: number | undefined;
  readonly note: string;
}

/** What decides whether a likelihood counts bits. */
export interface Coding {
  readonly model: Pick<Model, 'features' | 'can'>;
  /** Whether every value that the model sees is 0 or 1. */
  readonly isBinary: boolean;
}

/**
 * Nats a data point as bits a feature, where the data are discrete: the length of an ideal code
 * (MacKay 2003, §4). A density of continuous values has no such length.
 *
 * @param nats -log p(x), or a bound of it
 */
export function bitsPerDimension(
  nats: number,
  { model: { can, features }, isBinary }: Coding,
): BitsPerDimension {
  const none = (note: string): BitsPerDimension => ({ value: undefined, note });
  const value = nats / (features * Math.LN2);
  if (!can.logWeights) {
    return none('no bits per dimension: this model gives data no probability');
  }
  switch (can.describes?.kind) {
    case 'categorical':
      return { value, note: `${can.describes.levels ?? 256} levels` };
    case 'bernoulli':
      if (isBinary) return { value, note: 'values are 0 or 1' };
      return none(
        'no bits per dimension: a Bernoulli decoder was given grey values, of which it is no distribution',
      );
    default:
      return none(
        'no bits per dimension: these are densities of continuous values, which may be negative',
      );
  }
}
