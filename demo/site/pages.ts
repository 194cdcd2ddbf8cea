// The site's pages, in the order in which they are read.

export interface SitePage {
  readonly file: string;
  /** In the navigation. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** What is at the top; without, the page has it itself. */
  readonly bar?: Bar;
}

export interface Bar {
  readonly heading: string;
  readonly motto: string;
  /** Numbers that run along, by their ids. */
  readonly figures?: readonly (readonly [id: string, name: string, first: string])[];
  /** The first of them is what begins. */
  readonly buttons: readonly Button[];
}

interface Button {
  readonly id: string;
  readonly text: string;
  readonly title?: string;
  /** Whether it waits until there is something to be done by steps. */
  readonly isStep?: boolean;
}

const START: Button = { id: 'start', text: 'Start' };
const STEP = ['step', 'Step', '0'] as const;

export const PAGES: readonly SitePage[] = [
  {
    file: 'index.html',
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
      buttons: [
        { id: 'train', text: 'Start' },
        { id: 'reset', text: 'Reset', title: 'Start over with new weights' },
      ],
    },
  },
  {
    file: 'mixtures.html',
    name: 'Mixtures',
    title: 'latentgpu: mixtures and EM, step by step',
    about: 'Watch expectation maximisation raise a bound until it touches the log-likelihood.',
    bar: {
      heading: 'Mixtures and EM',
      motto: 'A bound that is raised until it touches the log-likelihood',
      buttons: [
        START,
        { id: 'half', text: 'E step', isStep: true },
        { id: 'reset', text: 'Reset', title: 'Begin anew from other starts' },
      ],
    },
  },
  {
    file: 'estimators.html',
    name: 'Estimators',
    title: 'latentgpu: estimators of gradients, side by side',
    about: 'Histograms, variance and signal-to-noise of gradient estimators, measured in this tab.',
    bar: {
      heading: 'Estimators',
      motto: 'One gradient, drawn again and again, each in its own way',
      buttons: [START, { id: 'reset', text: 'Reset', title: 'Forget everything and measure anew' }],
    },
  },
  {
    file: 'flows.html',
    name: 'Flows',
    title: 'latentgpu: a normalizing flow, layer by layer',
    about: 'A density in the plane, learned live: from noise to data along the layers of a flow.',
    bar: {
      heading: 'Flows',
      motto: 'Noise, bent layer by layer until it is the data',
      figures: [STEP, ['nats', 'Nats', '–']],
      buttons: [START, { id: 'reset', text: 'Reset', title: 'Begin anew as the identity' }],
    },
  },
  {
    file: 'collapse.html',
    name: 'Collapse',
    title: 'latentgpu: posterior collapse and its cures',
    about: 'Watch the units of a code die beside a strong decoder, and bring them back.',
    bar: {
      heading: 'Collapse',
      motto: 'A decoder that knows too much, and a code that falls silent',
      figures: [STEP, ['active', 'Active', '–']],
      buttons: [START, { id: 'reset', text: 'Reset', title: 'Begin anew, every unit alive' }],
    },
  },
  {
    file: 'bench.html',
    name: 'Bench',
    title: 'latentgpu: the roofline of this adapter',
    about:
      'Measure what your GPU does at best, and what share of that compute kernels and training steps reach, in this tab.',
  },
];
