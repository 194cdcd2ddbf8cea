// What the card says of an evaluation: its figures, and how each was come by.
import type { Evaluation, Figure, Model } from '../models/index.ts';
import { rowsText, thousands } from '../text.ts';
import { type BitsPerDimension, bitsPerDimension } from './bits.ts';
import type { Card, CardSubject, Tile } from './card.ts';
import { collapseText } from './collapse.ts';
import { html, type Part } from './html.ts';
import { longLabel } from './words.ts';

export interface Findings {
  readonly evaluation: Evaluation;
  readonly model: Pick<Model, 'can' | 'features'>;
  /** Whether every value that the model sees is 0 or 1. */
  readonly isBinary: boolean;
  /** In nats, where it is known: no model of these data can have less, but by chance. */
  readonly entropy?: number | undefined;
}

/** With fewer effective samples, a few decide about the estimate of a row. */
const FEW = 5;
/** What programs that read the page call some figures; the others go by their own names. */
const IDS: Readonly<Record<string, string>> = {
  'nll.value': 'nll',
  negativeLogLikelihood: 'nll',
  bitsPerDimension: 'bits',
};

const idOf = (name: string) =>
  IDS[name] ?? name.replace(/[A-Z.]/g, (c) => (c === '.' ? '-' : `-${c.toLowerCase()}`));

/** A value has as many digits as its error, or as others have. */
function tileOf({ name, label, value, error, unit, digits, errorDigits = 2, note }: Figure): Tile {
  return {
    label: longLabel(label),
    name: idOf(name),
    value,
    digits: error === undefined ? Math.min(digits, errorDigits) : errorDigits,
    ...(error !== undefined && { error, errorDigits }),
    unit: unit || (note ?? ''),
  };
}

/** Those that no figure of the evaluation has. */
function bitsOf({ evaluation, model, isBinary }: Findings): BitsPerDimension | undefined {
  if (evaluation.bitsPerDimension != null) return undefined;
  const nats = evaluation.nll?.value ?? evaluation.loss;
  return bitsPerDimension(nats, { model, isBinary });
}

function tilesOf({ evaluation, entropy }: Findings, bits: BitsPerDimension | undefined): Tile[] {
  const { figures, nll } = evaluation;
  // What heads the section comes first.
  const isLikelihood = ({ name }: Figure) => name === 'nll.value';
  const ordered = [...figures.filter(isLikelihood), ...figures.filter((f) => !isLikelihood(f))];
  const tiles: (Tile | undefined)[] = [
    ...ordered.map(tileOf),
    nll
      ? {
          label: 'effective sample size',
          name: 'effective-sample-size',
          value: nll.effectiveSampleSize,
          digits: 1,
          unit: `of ${thousands(nll.samples)}`,
        }
      : undefined,
    bits?.value === undefined
      ? undefined
      : {
          label: nll ? 'bits per dimension' : 'bits per dimension, at most',
          name: 'bits',
          value: bits.value,
          digits: 4,
          unit: bits.note,
        },
    entropy === undefined
      ? undefined
      : { label: 'entropy of the data', name: 'entropy', value: entropy, digits: 4, unit: 'nats' },
  ];
  return tiles.filter((each) => each !== undefined);
}

/** How u is drawn, and what its density takes off. */
const NOISE = {
  uniform: { drawn: 'u drawn uniformly (Theis, van den Oord and Bethge 2016)', less: '' },
  variational: {
    drawn:
      'u drawn by a flow that has learned to beside this one (Ho, Chen, Srinivas, Duan and Abbeel 2019)',
    less: ' less that of u',
  },
} as const;

/** Of which figures the evaluation is, and over which rows. */
function meansText({ evaluation: { count, kl, figures } }: Findings): string {
  const subject =
    kl != null
      ? 'Bound and KL divergence are means'
      : figures.filter(({ error }) => error !== undefined).length > 1
        ? 'They are means'
        : 'It is the mean';
  return `${subject} over ${rowsText(count)}; ± is the standard error of a mean over rows.`;
}

function exactText({ evaluation, model: { can } }: Findings): string {
  const { grey, bijection } = can;
  const { draws } = evaluation;
  if (!grey) {
    return bijection
      ? 'A flow gives log p(x) exactly, by the change of variables.'
      : 'log p(x) is exact.';
  }
  const { levels, dequantization } = grey;
  const { drawn, less } = NOISE[dequantization];
  return (
    `Grey level n of ${levels} is (n + u) / ${levels} to the ${bijection ? 'flow' : 'model'}, with ${drawn}, ${draws === 1 ? 'once' : `${draws} times`} a row: ` +
    `nats are of the density of that${less}, bits of the probability of the level, which they bound on average.`
  );
}

function estimateText({ evaluation: { nll, count } }: Findings): Part[] {
  if (!nll)
    return ['The likelihood itself was not estimated; the bound is no less than −log p(x).'];
  return [
    `−log p(x) is estimated for ${nll.count === count ? 'all of them' : `the first ${rowsText(nll.count)}`} by importance sampling from the encoder's posterior (Burda, Grosse and Salakhutdinov 2016), ` +
      `K = ${thousands(nll.samples)} samples a row: on average no less than the true value, and nearer to it with more samples. ` +
      'The effective sample size is (Σw)² / Σw², the mean over rows (Kong 1992).',
    nll.effectiveSampleSize < FEW &&
      nll.samples > 1 &&
      html`<strong>It is small here: a few samples decide about each row, and the true −log p(x) is likely to be lower.</strong>`,
  ];
}

/** Where the divergence goes. */
function informationText({ evaluation: { information } }: Findings): string | undefined {
  if (!information) return undefined;
  const { rows, totalCorrelation } = information;
  return (
    `Mutual information tells how much of ${rows === 1 ? 'one row' : `the first ${rowsText(rows)}`} a code knows, at most log ${thousands(rows)} = ${Math.log(rows).toFixed(2)} nats; ` +
    'marginal KL is how far all codes together are from the prior: the two, here of a draw a row, make up the KL divergence (Hoffman and Johnson 2016).' +
    (totalCorrelation === undefined
      ? ''
      : ' Total correlation is what of that the numbers of codes tell of each other (Chen et al. 2018).')
  );
}

/** How near a linear decoder's plane is to the best there is. */
function planeText({ evaluation: { principalAngles } }: Findings): string | undefined {
  if (!principalAngles) return undefined;
  const angles = principalAngles.map((angle) => angle.toFixed(4)).join(', ');
  return (
    `Principal angles between the decoder's plane and that of the first ${principalAngles.length} principal components of the training rows: ${angles} radians ` +
    '(Björck and Golub 1973). A linear autoencoder of least squared error spans that plane, with angles of 0 (Baldi and Hornik 1989).'
  );
}

function sentencesOf(findings: Findings, bits: BitsPerDimension | undefined): Part[] {
  const { evaluation, model, entropy } = findings;
  const { logWeights, code } = model.can;
  const { activeUnits } = evaluation;
  const units = code?.units ?? code?.size ?? 0;
  const collapse = activeUnits == null ? undefined : collapseText(activeUnits, units);
  return [
    meansText(findings),
    ...(logWeights?.exact ? [exactText(findings)] : logWeights ? estimateText(findings) : []),
    informationText(findings),
    planeText(findings),
    bits && bits.value === undefined && `There are ${bits.note}.`,
    activeUnits === 0 ? html`<strong>${collapse}</strong>` : collapse,
    entropy !== undefined && 'No model can be better than the entropy of the data, but by chance.',
  ];
}

export function evaluationCard(findings: Findings, of: CardSubject): Card {
  const { logWeights, code } = findings.model.can;
  const bits = bitsOf(findings);
  return {
    heading: logWeights ? 'Likelihood' : code ? 'Reconstruction' : 'Evaluation',
    of,
    tiles: tilesOf(findings, bits),
    explanation: sentencesOf(findings, bits)
      .filter(Boolean)
      .map((sentence) => [sentence, ' ']),
  };
}
