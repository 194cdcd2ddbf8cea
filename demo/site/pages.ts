// The site's pages, in the order in which they are read.
import type { SEGMENTS } from './segments.ts';

export interface SitePage {
  readonly file: string;
  /** In the navigation. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly bar: Bar;
  readonly script: string;
  /** Beside the site's own. */
  readonly style?: string;
  /** Of its body. */
  readonly className?: string;
  /** What it is doing before its script runs. */
  readonly activity: 'preparing' | 'ready';
  /** What may be dropped on it. */
  readonly drop?: string;
}

export interface Bar {
  readonly heading: string;
  readonly motto: string;
  /** A choice that is part of what begins, by its name in `SEGMENTS`. */
  readonly segments?: keyof typeof SEGMENTS;
  /** What tells how much of it is done. */
  readonly progress?: { readonly id: string; readonly label: string };
  /** Numbers that run along, by their ids. */
  readonly figures?: readonly (readonly [id: string, name: string, first: string])[];
  /** The first of them is what begins. */
  readonly buttons: readonly Button[];
}

interface Button {
  readonly id: string;
  readonly text: string;
  readonly title?: string;
  /** Whether it can be pressed before the script has prepared anything. */
  readonly isReady?: boolean;
  /** Whether it waits until there is something to be done by steps. */
  readonly isStep?: boolean;
}

const START: Button = { id: 'start', text: 'Start' };
const STEP = ['step', 'Step', '0'] as const;
const reset = (title: string): Button => ({ id: 'reset', text: 'Reset', title, isReady: true });

/** What chapters that compute by themselves have in common. */
const chapter = (name: string) =>
  ({
    file: `${name}.html`,
    script: `./${name}/main.ts`,
    className: 'lab',
    activity: 'preparing',
  }) as const;

export const PAGES: readonly SitePage[] = [
  {
    file: 'index.html',
    script: './main.ts',
    activity: 'preparing',
    drop: 'Drop data or a saved model',
    name: 'Train',
    title: 'latentgpu: a VAE that trains in this tab',
    about:
      'Train a variational autoencoder on your own GPU, in this tab, and walk through its latent space.',
    bar: {
      heading: 'latentgpu',
      motto: 'A variational autoencoder, training in this tab',
      figures: [
        STEP,
        ['epoch', 'Epoch', '0.0'],
        ['steps-per-second', 'Steps/s', '–'],
        ['images-per-second', 'Rows/s', '–'],
      ],
      buttons: [{ id: 'train', text: 'Start' }, reset('Start over with new weights')],
    },
  },
  {
    ...chapter('mixtures'),
    drop: 'Drop a table with two columns',
    name: 'Mixtures',
    title: 'latentgpu: mixtures and EM, step by step',
    about: 'Watch expectation maximisation raise a bound until it touches the log-likelihood.',
    bar: {
      heading: 'Mixtures and EM',
      motto: 'A bound that is raised until it touches the log-likelihood',
      buttons: [
        START,
        { id: 'half', text: 'E step', isStep: true },
        reset('Begin anew from other starts'),
      ],
    },
  },
  {
    ...chapter('estimators'),
    name: 'Estimators',
    title: 'latentgpu: estimators of gradients, side by side',
    about: 'Histograms, variance and signal-to-noise of gradient estimators, measured in this tab.',
    bar: {
      heading: 'Estimators',
      motto: 'One gradient, drawn again and again, each in its own way',
      buttons: [START, reset('Forget everything and measure anew')],
    },
  },
  {
    ...chapter('flows'),
    name: 'Flows',
    title: 'latentgpu: a normalizing flow, layer by layer',
    about: 'A density in the plane, learned live: from noise to data along the layers of a flow.',
    bar: {
      heading: 'Flows',
      motto: 'Noise, bent layer by layer until it is the data',
      figures: [STEP, ['nats', 'Nats', '–']],
      buttons: [START, reset('Begin anew as the identity')],
    },
  },
  {
    ...chapter('collapse'),
    name: 'Collapse',
    title: 'latentgpu: posterior collapse and its cures',
    about: 'Watch the units of a code die beside a strong decoder, and bring them back.',
    bar: {
      heading: 'Collapse',
      motto: 'A decoder that knows too much, and a code that falls silent',
      figures: [STEP, ['active', 'Active', '–']],
      buttons: [START, reset('Begin anew, every unit at a nat')],
    },
  },
  {
    file: 'bench.html',
    script: './bench/main.ts',
    style: './bench.css',
    activity: 'ready',
    drop: 'Drop the JSON or the page of an earlier run',
    name: 'Bench',
    title: 'latentgpu: the roofline of this adapter',
    about:
      'Measure what your GPU does at best, and what share of that compute kernels and training steps reach, in this tab.',
    bar: {
      heading: 'Bench',
      motto: 'What this adapter does at best, and what kernels make of it',
      segments: 'length',
      progress: { id: 'done', label: 'Share of the measuring that is done' },
      buttons: [{ id: 'measure', text: 'Measure', isReady: true }],
    },
  },
];
