// What the card says of a latent-variable model: bound, likelihood by importance sampling, codes.
import type { Evaluation } from '../models/index.ts';
import type { BitsPerDimension } from './bits.ts';
import { type Card, type CardSubject, rowsText, type Tile, thousands } from './card.ts';
import { html, type Part } from './html.ts';

export interface LatentFindings {
  readonly evaluation: Evaluation;
  readonly isVae: boolean;
  readonly latent: number;
  readonly bits: BitsPerDimension;
}

/** With fewer effective samples, a few decide about the estimate of a row. */
const FEW = 5;

function tilesOf({ evaluation, isVae, latent, bits }: LatentFindings): Tile[] {
  const { negativeElbo, standardError, kl, nll, activeUnits } = evaluation;
  const tiles: (Tile | undefined)[] = [
    nll
      ? {
          label: '−log p(x)',
          name: 'nll',
          value: nll.value,
          digits: 2,
          error: nll.standardError,
          unit: 'nats',
        }
      : undefined,
    {
      label: isVae ? 'negative ELBO' : 'reconstruction error, −log p(x | code)',
      name: 'negative-elbo',
      value: negativeElbo,
      digits: 2,
      error: standardError,
      unit: 'nats',
    },
    kl === null
      ? undefined
      : { label: 'KL divergence', name: 'kl', value: kl, digits: 2, unit: 'nats' },
    activeUnits === null
      ? undefined
      : {
          label: 'active units',
          name: 'active-units',
          value: activeUnits,
          digits: 0,
          unit: `of ${latent}`,
        },
    nll
      ? {
          label: 'effective sample size',
          name: 'effective-sample-size',
          value: nll.effectiveSampleSize,
          digits: 1,
          unit: `of ${thousands(nll.samples)}`,
        }
      : undefined,
    bits.value === undefined
      ? undefined
      : {
          label: nll ? 'bits per dimension' : 'bits per dimension, at most',
          name: 'bits',
          value: bits.value,
          digits: 4,
          unit: bits.note,
        },
  ];
  return tiles.filter((each) => each !== undefined);
}

function explanation({ evaluation, isVae, bits }: LatentFindings): Part[] {
  const { nll, count } = evaluation;
  const sentences: Part[] = [
    `${isVae ? 'Bound and KL divergence are means' : 'It is the mean'} over ${rowsText(count)}; ± is the standard error of a mean over rows. `,
  ];
  if (nll) {
    sentences.push(
      `−log p(x) is estimated for ${nll.count === count ? 'all of them' : `the first ${rowsText(nll.count)}`} by importance sampling from the encoder's posterior (Burda, Grosse and Salakhutdinov 2016), ` +
        `K = ${thousands(nll.samples)} samples a row: on average no less than the true value, and nearer to it with more samples. ` +
        'The effective sample size is (Σw)² / Σw², the mean over rows (Kong 1992). ',
    );
    if (nll.effectiveSampleSize < FEW && nll.samples > 1) {
      sentences.push(
        html`<strong>It is small here: a few samples decide about each row, and the true −log p(x) is likely to be lower.</strong> `,
      );
    }
  } else if (isVae) {
    sentences.push(
      'The likelihood itself was not estimated; the bound is no less than −log p(x). ',
    );
  }
  if (bits.value === undefined) sentences.push(`There are ${bits.note}. `);
  return sentences;
}

export function latentCard(findings: LatentFindings, of: CardSubject): Card {
  return {
    heading: findings.isVae ? 'Likelihood' : 'Reconstruction',
    of,
    tiles: tilesOf(findings),
    explanation: explanation(findings),
  };
}
