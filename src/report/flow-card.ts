// What the card says of a flow: its likelihood, which is exact but for what makes grey levels continuous.
import { type FlowEvaluation, GREY_LEVELS } from '../models/index.ts';
import { type Card, type CardSubject, rowsText, type Tile } from './card.ts';

export interface FlowFindings {
  readonly evaluation: FlowEvaluation;
  readonly features: number;
  /** In nats, where it is known: no model of these data can have less, but by chance. */
  readonly entropy: number | undefined;
}

function tilesOf({ evaluation, features, entropy }: FlowFindings): Tile[] {
  const { negativeLogLikelihood, standardError, bitsPerDimension } = evaluation;
  return [
    {
      label: '−log p(x)',
      name: 'nll',
      value: negativeLogLikelihood,
      digits: 4,
      error: standardError,
      errorDigits: 4,
      unit: 'nats',
    },
    ...(bitsPerDimension === null
      ? []
      : [
          {
            label: 'bits per dimension, at most',
            name: 'bits',
            value: bitsPerDimension,
            digits: 4,
            error: standardError / (features * Math.LN2),
            errorDigits: 4,
            unit: `${GREY_LEVELS} grey levels`,
          },
        ]),
    ...(entropy === undefined
      ? []
      : [
          {
            label: 'entropy of the data',
            name: 'entropy',
            value: entropy,
            digits: 4,
            unit: 'nats',
          },
        ]),
  ];
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

function explanation({ evaluation, entropy }: FlowFindings): string {
  const { count, dequantization, draws } = evaluation;
  const sentences = [
    `It is the mean over ${rowsText(count)}; ± is the standard error of a mean over rows.`,
    dequantization === 'none'
      ? 'A flow gives log p(x) exactly, by the change of variables. There are no bits per dimension: these are densities of continuous values, which may be negative.'
      : `Grey level n of ${GREY_LEVELS} is (n + u) / ${GREY_LEVELS} to the flow, with ${NOISE[dequantization].drawn}, ${draws === 1 ? 'once' : `${draws} times`} a row: ` +
        `nats are of the density of that${NOISE[dequantization].less}, bits of the probability of the level, which they bound on average.`,
    ...(entropy === undefined
      ? []
      : ['No model can be better than the entropy of the data, but by chance.']),
  ];
  return sentences.map((sentence) => `${sentence} `).join('');
}

export function flowCard(findings: FlowFindings, of: CardSubject): Card {
  return {
    heading: 'Likelihood',
    of,
    tiles: tilesOf(findings),
    explanation: [explanation(findings)],
  };
}
