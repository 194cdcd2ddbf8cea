// The likelihood card: how good the model is, how sure that is, and of what data.
import type { LikelihoodCard } from './content.ts';
import { type Html, html, type Part } from './html.ts';

const thousands = (n: number) => n.toLocaleString('en-US');
const rows = (n: number) => (n === 1 ? 'one row' : `${thousands(n)} rows`);

interface Tile {
  readonly label: string;
  readonly value: number;
  readonly digits: number;
  readonly error?: number;
  readonly unit: string;
  /** For programs that read the page. */
  readonly name: string;
}

function tile({ label, value, digits, error, unit, name }: Tile): Html {
  return html`<div class="tile"><dt class="label">${label}</dt>
<dd><data id="${name}" value="${value}">${value.toFixed(digits)}</data>${
    // One row has no spread.
    error !== undefined &&
    error > 0 &&
    html` <span class="error">± <data id="${name}-error" value="${error}">${error.toFixed(2)}</data></span>`
  } <span class="unit">${unit}</span></dd></div>
`;
}

/** With fewer effective samples, a few decide about the estimate of a row. */
const FEW = 5;

function tilesOf({ evaluation, isVae, latent, bits }: LikelihoodCard): Html[] {
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
  return tiles.filter((each) => each !== undefined).map(tile);
}

function explanation({ evaluation, isVae, bits }: LikelihoodCard): Part[] {
  const { nll, count } = evaluation;
  const sentences: Part[] = [
    `${isVae ? 'Bound and KL divergence are means' : 'It is the mean'} over ${rows(count)}; ± is the standard error of a mean over rows. `,
  ];
  if (nll) {
    sentences.push(
      `−log p(x) is estimated for ${nll.count === count ? 'all of them' : `the first ${rows(nll.count)}`} by importance sampling from the encoder's posterior (Burda, Grosse and Salakhutdinov 2016), ` +
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

export function likelihoodSection(card: LikelihoodCard): Html {
  return html`<section aria-labelledby="likelihood">
<h2 id="likelihood">${card.isVae ? 'Likelihood' : 'Reconstruction'}</h2>
<p>Of ${card.data}: ${card.treatment}.</p>
<dl class="tiles">
${tilesOf(card)}</dl>
<p class="small">${explanation(card)}Seed ${card.seed}.</p>
</section>
`;
}
