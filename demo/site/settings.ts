// The settings of the pages, from which their controls are written: lists to choose from, and numbers on a
// scale. A page finds them by their names (`SettingsStore`).

interface Shared {
  readonly name: string;
  readonly label: string;
  /** Default: the name, with hyphens. */
  readonly id?: string;
  /** Only of some families of the page: shown and hidden by it. */
  readonly isOwn?: boolean;
}

interface Choice extends Shared {
  /** Values, or values and what they are called. */
  readonly options: readonly (string | number | readonly [value: string | number, text: string])[];
}

interface Scale extends Shared {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The control says the power of this base. */
  readonly base?: number;
  /** Decimals that are shown; without, as many as there are. */
  readonly digits?: number;
}

export type Setting = Choice | Scale;

const MOONS = ['moons', 'Moons'] as const;
const CIRCLES = ['circles', 'Circles'] as const;
const PINWHEEL = ['pinwheel', 'Pinwheel'] as const;
const EIGHT = ['eight-gaussians', 'Eight Gaussians'] as const;
const BOARD = ['checkerboard', 'Checkerboard'] as const;
const SPIRALS = ['spirals', 'Spirals'] as const;
const ROLL = ['swiss-roll', 'Swiss roll'] as const;

const RATE: Scale = {
  name: 'rate',
  label: 'Learning rate',
  min: -4,
  max: -1.7,
  step: 0.05,
  base: 10,
  digits: 4,
};

/** By the names that pages' comments call them: `<!-- settings mixtures -->`. */
export const SETTINGS = {
  mixtures: [
    {
      name: 'data',
      label: 'Points',
      options: [PINWHEEL, MOONS, CIRCLES, EIGHT, ROLL, ['own', 'My points']],
    },
    { name: 'covariance', label: 'Covariance', options: ['full', 'tied', 'diagonal', 'spherical'] },
    {
      name: 'from',
      label: 'Starts from',
      options: [
        ['random', 'random rows'],
        ['kmeans', 'k-means'],
      ],
    },
    { name: 'regularize', label: 'Added to variances', options: [[0, 'nothing'], 0.001, 0.01] },
    {
      name: 'guess',
      label: 'Beside it, q is',
      options: [
        ['net', 'a net of x'],
        ['hard', 'one component'],
      ],
    },
    { name: 'components', label: 'Components', min: 1, max: 10, step: 1, digits: 0 },
    { name: 'count', label: 'How many points', min: 50, max: 1000, step: 50, digits: 0 },
    { name: 'pace', label: 'Half steps a second', min: 0, max: 5, step: 0.5, base: 2, digits: 0 },
  ],
  estimators: [
    {
      name: 'code',
      label: 'Code',
      options: [
        ['normal', 'a normal number'],
        ['classes', 'one of five classes'],
      ],
    },
    { name: 'samples', label: 'Draws K', options: [1, 4, 16, 64] },
    { name: 'off', label: 'How far q is off', min: 0, max: 1, step: 0.05, digits: 2 },
    {
      name: 'temperature',
      isOwn: true,
      label: 'Temperature of relaxed draws',
      min: -3.4,
      max: 1,
      step: 0.1,
      base: 2,
      digits: 2,
    },
    { ...RATE, label: 'Learning rate of the race', min: -3, max: -0.3, digits: 3 },
  ],
  flows: [
    {
      name: 'data',
      label: 'Data',
      options: [MOONS, CIRCLES, PINWHEEL, EIGHT, BOARD, SPIRALS, ROLL],
    },
    { name: 'transform', label: 'Couplings', options: ['affine', ['spline', 'splines']] },
    { name: 'depth', label: 'Layers', options: [2, 4, 6, 8, 12] },
    { name: 'width', label: 'Width of their nets', options: [16, 32, 64] },
    RATE,
    { name: 'temperature', label: 'Temperature of draws', min: 0, max: 1.5, step: 0.05, digits: 2 },
  ],
  cures: [
    { name: 'beta', label: 'β, weight of the divergence', min: 0, max: 4, step: 0.05, digits: 2 },
    {
      name: 'freeBits',
      id: 'free-bits',
      label: 'λ, free nats of a unit',
      min: 0,
      max: 2,
      step: 0.05,
      digits: 2,
    },
    RATE,
  ],
  collapse: [
    {
      name: 'receptive',
      label: 'Decoder',
      options: [
        [0, 'pixels apart'],
        [1, 'sees ±1 pixel'],
        [2, 'sees ±2 pixels'],
        [4, 'sees ±4 pixels'],
      ],
    },
    { name: 'latent', label: 'Units', options: [4, 8, 16] },
  ],
  rates: [
    { ...RATE, min: -4.3 },
    { name: 'beta', label: 'β, weight of KL', min: 0, max: 8, step: 0.1, digits: 1 },
  ],
  model: [
    {
      name: 'family',
      label: 'Family',
      options: [
        ['vae', 'VAE'],
        ['iwae', 'IWAE'],
        ['constraint', 'Constraint'],
        ['vamp', 'VampPrior'],
        ['vade', 'VaDE'],
        ['cvae', 'Conditional'],
        ['conv', 'Convolutions'],
      ],
    },
    { name: 'samples', id: 'draws', label: 'Draws K', options: [2, 5, 10, 20], isOwn: true },
    { name: 'target', label: 'KL at most, nats', options: [2, 5, 10, 15, 25], isOwn: true },
    { name: 'components', label: 'Components', options: [5, 10, 20, 50], isOwn: true },
    { name: 'latent', label: 'Latent size', options: [2, 3, 4, 8, 16, 32] },
    { name: 'hidden', label: 'Hidden units', options: [64, 128, 300, 512] },
    { name: 'batch', label: 'Batch', options: [32, 64, 100, 256] },
  ],
  data: [
    {
      name: 'data',
      label: 'Data',
      options: [
        ['digits', 'Digits'],
        MOONS,
        CIRCLES,
        PINWHEEL,
        EIGHT,
        BOARD,
        SPIRALS,
        ROLL,
        ['own', 'My files'],
      ],
    },
  ],
} as const satisfies Readonly<Record<string, readonly Setting[]>>;

const idOf = ({ id, name }: Shared) => id ?? name;
const given = (name: string, value: number | undefined) =>
  value === undefined ? '' : ` ${name}="${value}"`;

function choice(setting: Choice): string {
  const id = idOf(setting);
  const options = setting.options.map((option) =>
    typeof option === 'object'
      ? `<option value="${option[0]}">${option[1]}</option>`
      : `<option>${option}</option>`,
  );
  const own = setting.isOwn ? ` data-own="${setting.name}" hidden` : '';
  return `<div class="row"${own}>
              <label for="${id}">${setting.label}</label>
              <select id="${id}" name="${setting.name}">${options.join('')}</select>
            </div>`;
}

function scale(setting: Scale): string {
  const { name, label, min, max, step, base, digits } = setting;
  const id = idOf(setting);
  const how = `${given('data-base', base)}${given('data-digits', digits)}`;
  const own = setting.isOwn ? ` data-own="${name}" hidden` : '';
  return `<div class="field"${own}>
              <label for="${id}">${label}</label><output for="${id}" id="${id}-value" aria-live="off"></output>
              <input id="${id}" name="${name}" type="range" min="${min}" max="${max}" step="${step}"${how} />
            </div>`;
}

/** The controls of some settings, as HTML. */
export function controlsOf(settings: readonly Setting[]): string {
  return settings
    .map((setting) => ('options' in setting ? choice(setting) : scale(setting)))
    .join('\n            ');
}
