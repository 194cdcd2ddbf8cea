// The site's pages, in the order in which they are read.

export interface SitePage {
  readonly file: string;
  /** In the navigation. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
}

export const PAGES: readonly SitePage[] = [
  {
    file: 'index.html',
    name: 'Train',
    title: 'latentgpu: a VAE that trains in this tab',
    about:
      'Train a variational autoencoder on your own GPU, in this tab, and walk through its latent space.',
  },
  {
    file: 'mixtures.html',
    name: 'Mixtures',
    title: 'latentgpu: mixtures and EM, step by step',
    about: 'Watch expectation maximisation raise a bound until it touches the log-likelihood.',
  },
  {
    file: 'estimators.html',
    name: 'Estimators',
    title: 'latentgpu: estimators of gradients, side by side',
    about: 'Histograms, variance and signal-to-noise of gradient estimators, measured in this tab.',
  },
  {
    file: 'flows.html',
    name: 'Flows',
    title: 'latentgpu: a normalizing flow, layer by layer',
    about: 'A density in the plane, learned live: from noise to data along the layers of a flow.',
  },
  {
    file: 'collapse.html',
    name: 'Collapse',
    title: 'latentgpu: posterior collapse and its cures',
    about: 'Watch the units of a code die beside a strong decoder, and bring them back.',
  },
  {
    file: 'bench.html',
    name: 'Bench',
    title: 'latentgpu: the roofline of this adapter',
    about:
      'Measure what your GPU does at best, and what share of that compute kernels and training steps reach, in this tab.',
  },
];
