// The families that the page trains: what each asks of the library's keys.
import { LatentGpuError, type ModelConfig } from '../src/index.ts';
import type { Settings } from './protocol.ts';

export interface Recipe {
  /** In the library's table of families. */
  readonly family: string;
  /** What it has beside what all of them have: `key=value`. */
  readonly keys: (settings: Settings) => readonly string[];
  /** Whether β weighs its divergence. */
  readonly hasBeta: boolean;
  /** Which of the settings that only some families have are its own. */
  readonly own: readonly ('samples' | 'target' | 'components')[];
}

const none = () => [];
const prior = (kind: string, components: number) => [
  `prior.kind=${kind}`,
  `prior.components=${components}`,
];

export const RECIPES = {
  vae: { family: 'vae', keys: none, hasBeta: true, own: [] },
  iwae: {
    family: 'iwae',
    keys: ({ samples }) => [`objective.samples=${samples}`],
    hasBeta: false,
    own: ['samples'],
  },
  constraint: {
    family: 'vae',
    keys: ({ target }) => ['objective.constraint=kl', `objective.target=${target}`],
    hasBeta: false,
    own: ['target'],
  },
  vamp: {
    family: 'vae',
    keys: ({ components }) => prior('vamp', components),
    hasBeta: true,
    own: ['components'],
  },
  vade: {
    family: 'vade',
    // Linkage looks at all pairs of rows, for longer than somebody waits at a page.
    keys: ({ components }) => [`components=${components}`, 'pretrain.epochs=1', 'start.kind=em'],
    hasBeta: false,
    own: ['components'],
  },
  cvae: { family: 'cvae', keys: none, hasBeta: true, own: [] },
  conv: { family: 'vae', keys: none, hasBeta: true, own: [] },
} as const satisfies Readonly<Record<string, Recipe>>;

export type RecipeName = keyof typeof RECIPES;

export const isRecipe = (name: string): name is RecipeName => Object.hasOwn(RECIPES, name);

export const recipeOf = (name: string): Recipe => RECIPES[isRecipe(name) ? name : 'vae'];

/** Channels of two convolutions in place of a hidden layer. */
function channelsOf(hidden: string): [number, number] {
  const width = Number.parseInt(hidden, 10);
  const of = (part: number) => 4 * Math.max(1, Math.round(width / part / 4));
  return [of(16), of(8)];
}

/** `key=value` of everything that the settings say of a model and its training, but live numbers. */
export function keysOf(settings: Settings): string[] {
  const { family, latent, hidden, batch, seed } = settings;
  const [few, many] = channelsOf(hidden);
  const widths = hidden.replaceAll(' ', '').split(',');
  const nets =
    family === 'conv'
      ? [
          'encoder.kind=conv',
          `encoder.channels=${few},${many}`,
          'decoder.kind=conv',
          `decoder.channels=${many},${few}`,
        ]
      : [`encoder.hidden=${widths.join()}`, `decoder.hidden=${[...widths].reverse().join()}`];
  return [
    `latent=${latent}`,
    ...nets,
    `batch=${batch}`,
    `seed=${seed}`,
    ...recipeOf(family).keys(settings),
  ];
}

/** What a saved model is, as far as this page looks into it. */
interface Saved extends ModelConfig {
  readonly latent: number;
  readonly encoder: { readonly kind?: string; readonly hidden?: readonly number[] };
  readonly components?: number;
  readonly prior?: { readonly kind: string; readonly components?: number };
  readonly posterior?: { readonly kind: string };
  readonly objective?: {
    readonly beta?: number;
    readonly samples?: number;
    readonly constraint?: string;
    readonly target?: number;
  };
}

function recipeOfSaved({ family, encoder, prior, objective }: Saved): RecipeName {
  if (family !== 'vae') return family as RecipeName;
  if (prior?.kind === 'vamp') return 'vamp';
  if ((objective?.constraint ?? 'none') === 'kl') return 'constraint';
  return encoder.kind === 'conv' ? 'conv' : 'vae';
}

const TRAINED = ['vae', 'iwae', 'vade', 'cvae'];

/**
 * What the page's settings become when a saved model is opened.
 *
 * @throws LatentGpuError `bad-input` for a model that this page cannot show
 */
export function settingsOfSaved(config: ModelConfig, settings: Settings): Settings {
  const saved = config as Saved;
  const refuse = (why: string) => {
    throw new LatentGpuError('bad-input', why);
  };
  if (!TRAINED.includes(saved.family)) {
    refuse(
      `this page trains models of family ${TRAINED.slice(0, -1).join(', ')} or ${TRAINED.at(-1)}, and the saved one is of family ${saved.family}`,
    );
  }
  const kinds = [saved.posterior?.kind ?? 'normal', saved.prior?.kind ?? 'normal'];
  if (kinds[0] !== 'normal' || !['normal', 'vamp'].includes(kinds[1] as string)) {
    refuse(
      'this page trains models with a normal posterior and a normal or VampPrior, and the saved one has others; train it on in the terminal',
    );
  }
  const { beta, samples, target } = saved.objective ?? {};
  const components = saved.components ?? saved.prior?.components;
  return {
    ...settings,
    family: recipeOfSaved(saved),
    latent: saved.latent,
    ...(saved.encoder.hidden && { hidden: saved.encoder.hidden.join(', ') }),
    ...(beta !== undefined && { beta }),
    ...(samples !== undefined && { samples }),
    ...(target !== undefined && { target }),
    ...(components !== undefined && { components }),
  };
}
