// The estimators of the page, from the library's objectives, with what is published of them.
import { objectives, type Tensor } from '../../src/index.ts';
import { classToy, normalToy, type Toy } from './toys.ts';

export interface Estimator {
  readonly name: string;
  readonly source: string;
  /** Draws that it takes at least. */
  readonly least: 1 | 2;
  /** Of the signal-to-noise ratio over K on a log-log scale. */
  readonly slopes?: { readonly encoder: number; readonly decoder: number };
  of(toy: Toy, samples: number, temperature: Tensor): objectives.Estimate;
}

export interface Code {
  readonly toy: (rows: number) => Toy;
  readonly estimators: readonly Estimator[];
}

export const CODES: Readonly<Record<'normal' | 'classes', Code>> = {
  normal: {
    toy: normalToy,
    estimators: [
      {
        name: 'Reparameterized',
        source: 'the gradient of the IWAE bound; Rainforth et al. 2018',
        least: 1,
        slopes: { encoder: -0.5, decoder: 0.5 },
        of: ({ model, batch }, samples) => objectives.importanceBound(model, batch, samples),
      },
      {
        name: 'STL',
        source: 'sticking the landing, biased for K > 1; Roeder et al. 2017',
        least: 1,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples) => objectives.stl(model, batch, { bound: 'iwae', samples }),
      },
      {
        name: 'DReG',
        source: 'doubly reparameterized; Tucker et al. 2019',
        least: 1,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples) => objectives.dreg(model, batch, { samples }),
      },
      {
        name: 'Score',
        source: 'the score function, no baseline; Williams 1992',
        least: 1,
        of: ({ model, batch }, samples) =>
          objectives.score(model, batch, { bound: 'iwae', samples, baseline: 'none' }),
      },
      {
        name: 'Score, leave-one-out',
        source: 'VIMCO: each draw against the others; Mnih and Rezende 2016',
        least: 2,
        of: ({ model, batch }, samples) =>
          objectives.score(model, batch, { bound: 'iwae', samples, baseline: 'leave-one-out' }),
      },
    ],
  },
  classes: {
    toy: classToy,
    estimators: [
      {
        name: 'Score',
        source: 'the score function, no baseline; Williams 1992',
        least: 1,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples) =>
          objectives.score(model, batch, { samples, baseline: 'none' }),
      },
      {
        name: 'Score, leave-one-out',
        source: 'the mean of the other draws as baseline; Kool et al. 2019',
        least: 2,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples) =>
          objectives.score(model, batch, { samples, baseline: 'leave-one-out' }),
      },
      {
        name: 'Gumbel-softmax',
        source: 'relaxed draws, biased; Jang et al., Maddison et al. 2017',
        least: 1,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples, temperature) =>
          objectives.gumbel(model, batch, { samples, temperature }),
      },
      {
        name: 'Straight-through',
        source: 'hard draws, the relaxed ones’ gradient, biased; Bengio et al. 2013',
        least: 1,
        slopes: { encoder: 0.5, decoder: 0.5 },
        of: ({ model, batch }, samples, temperature) =>
          objectives.straightThrough(model, batch, { samples, temperature }),
      },
      {
        name: 'Enumerated',
        source: 'the sum over all codes, exact',
        least: 1,
        of: ({ model, batch }) => objectives.enumerated(model, batch, {}),
      },
    ],
  },
};
