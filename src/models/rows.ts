// How many rows a model may compute at once.
import type { Autoencoder } from './autoencoder.ts';
import type { Vae } from './vae.ts';

/** Numbers a decoder may yield at once: 64 MiB, half of what one binding spans by default. */
const DECODED = 2 ** 24;

/** At most `most` rows, fewer where the decoder yields many numbers for each. */
export function rowsAtOnce({ features, likelihood }: Vae | Autoencoder, most: number): number {
  const each = features * likelihood.outputsPerFeature;
  return Math.max(1, Math.min(most, Math.floor(DECODED / each)));
}
