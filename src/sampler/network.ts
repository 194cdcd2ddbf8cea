// What a model folder says, reduced to what drawing from it needs: the decoder's layers.
import { LatentGpuError } from '../errors.ts';

/** In the order of the cases in shaders/sampler.wgsl. */
export const ACTIVATIONS = [
  'identity',
  'relu',
  'tanh',
  'sigmoid',
  'softplus',
  'gelu',
  'silu',
  'leakyRelu',
];

const FAMILIES = ['vae', 'iwae', 'ae'];
/** What is played by a program, which `export` writes. */
export const PROGRAM = 'program.json';

/** y = f(x Wᵀ + b). */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  /** Index into {@link ACTIVATIONS}. */
  readonly activation: number;
}

/** What `model.json` says. */
export interface Description {
  readonly family: string;
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** Their product, D. */
  readonly features: number;
  /** M */
  readonly latent: number;
  /** What codes are made of, and how many numbers side by side are one variable: a class's, or one. */
  readonly code: 'normal' | 'bernoulli' | 'categorical';
  readonly classes: number;
  /** Whether the prior of a discrete code has logits of its own. */
  readonly learnsPrior: boolean;
  /** Features of the codes, the hidden layers and the decoder's output. */
  readonly widths: readonly number[];
  readonly activation: number;
  readonly kind: 'bernoulli' | 'normal' | 'categorical';
  /** Deviation of a normal likelihood. */
  readonly sigma: 'fixed' | 'shared' | 'pixel';
  readonly std: number;
  /** Decoder outputs for each feature: 2 with a deviation for each pixel, a categorical's levels. */
  readonly perFeature: number;
  readonly standardized: boolean;
}

export interface Network extends Description {
  readonly layers: readonly Layer[];
  /** Of a discrete code's prior. */
  readonly logits: Float32Array;
  /** Multiplications for an image. */
  readonly work: number;
  /** What undoes the standardisation of the data, x · std + mean. */
  readonly original: { readonly mean: Float32Array; readonly std: Float32Array } | undefined;
}

const whole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
const wholes = (value: unknown): value is number[] => Array.isArray(value) && value.every(whole);

/** What `model.json` says first, whatever the model. */
export interface Named {
  readonly family: string;
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** The file beside it that says how it is drawn from, where that is more than a decoder of full layers. */
  readonly program: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: every part that is used is checked
  readonly json: any;
}

/** What to do with a model that is more than a decoder of full layers. */
const OTHERS = '; for others: latentgpu export DIR --to web';

type Check = (valid: boolean, key: string, value: unknown, allowed: string) => void;

const badFormat = (name: string, why: string) =>
  new LatentGpuError('bad-format', `${name}: ${why}`);

const checkOf =
  (name: string): Check =>
  (valid, key, value, allowed) => {
    if (!valid) throw badFormat(name, `${key} is ${JSON.stringify(value)}; it must be ${allowed}`);
  };

/**
 * Reads `model.json`.
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format`
 */
export function readNamed(text: string, name: string): Named {
  // biome-ignore lint/suspicious/noExplicitAny: every part that is used is checked
  let json: any;
  try {
    json = JSON.parse(text);
  } catch {
    throw badFormat(name, 'not JSON, so this is no model folder');
  }
  if (![1, 2].includes(json?.format)) {
    throw badFormat(
      name,
      `format is ${JSON.stringify(json?.format)}; this version reads model folders of formats 1 and 2`,
    );
  }
  const { family, program } = json;
  const { shape } = json.data ?? {};
  const check = checkOf(name);
  check(typeof family === 'string', 'family', family, 'a name');
  check(wholes(shape) && shape.length > 0, 'data.shape', shape, 'a list of whole numbers');
  check([undefined, PROGRAM].includes(program), 'program', program, `"${PROGRAM}"`);
  return { family, shape, program, json };
}

/**
 * What a decoder of full layers is made of.
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` for any other model
 */
export function describe({ family, shape, json }: Named, name: string): Description {
  const check = checkOf(name);
  const { kind: code = 'normal', groups, classes } = json.code ?? {};
  const isCategorical = code === 'categorical';
  const latent = isCategorical ? groups * classes : json.latent;
  const { standardized = false } = json.data;
  const { kind: net = 'mlp', activation = 'relu' } = json.decoder ?? {};
  const hidden = net === 'linear' ? [] : json.decoder?.hidden;
  const { kind, sigma = 'shared', std = 1, levels = 256 } = json.likelihood ?? {};
  const among = (list: readonly string[], key: string, value: unknown, others = '') =>
    check(list.includes(value as string), key, value, `one of ${list.join(', ')}${others}`);
  among(FAMILIES, 'family', family, OTHERS);
  among(['normal', 'bernoulli', 'categorical'], 'code.kind', code);
  if (isCategorical) {
    check(whole(groups), 'code.groups', groups, 'a whole number');
    check(whole(classes) && classes > 1, 'code.classes', classes, 'a whole number above 1');
  }
  check(whole(latent), 'latent', latent, 'a whole number');
  among(['mlp', 'linear'], 'decoder.kind', net, OTHERS);
  check(wholes(hidden), 'decoder.hidden', hidden, 'a list of whole numbers');
  among(ACTIVATIONS, 'decoder.activation', activation);
  const norm = json.decoder?.norm ?? 'none';
  check(norm === 'none', 'decoder.norm', norm, 'none: a program plays it');
  const receptive = json.decoder?.receptive ?? null;
  check(receptive === null, 'decoder.receptive', receptive, `null${OTHERS}`);
  among(['bernoulli', 'normal', 'categorical'], 'likelihood.kind', kind);
  const priors = code === 'normal' ? ['normal'] : ['uniform', 'learned'];
  const prior = json.prior?.kind ?? json.prior ?? priors[0];
  among(priors, 'prior', prior, OTHERS);
  among(['fixed', 'shared', 'pixel'], 'likelihood.sigma', sigma);
  check(Number.isFinite(std) && std > 0, 'likelihood.std', std, 'a number above 0');
  check(whole(levels) && levels > 1, 'likelihood.levels', levels, 'a whole number above 1');
  const isPixel = kind === 'normal' && sigma === 'pixel';
  const perFeature = kind === 'categorical' ? levels : isPixel ? 2 : 1;
  const features = shape.reduce((a, b) => a * b);
  return {
    family,
    shape,
    features,
    latent,
    code,
    classes: isCategorical ? classes : 1,
    learnsPrior: prior === 'learned',
    widths: [latent, ...hidden, features * perFeature],
    activation: ACTIVATIONS.indexOf(activation),
    kind,
    sigma,
    std,
    perFeature,
    standardized,
  };
}

/**
 * Puts a description and its weights together.
 *
 * @param take gives a tensor by its name, checked against its shape
 */
export function assemble(
  description: Description,
  take: (name: string, shape: readonly number[]) => Float32Array,
): Network {
  const { widths, activation, features, kind, sigma, latent, learnsPrior } = description;
  const last = widths.length - 2;
  return {
    ...description,
    logits: learnsPrior ? take('prior.logits', [latent]) : new Float32Array(latent),
    work: widths.slice(1).reduce((sum, outputs, i) => sum + outputs * (widths[i] as number), 0),
    std:
      kind === 'normal' && sigma === 'shared'
        ? Math.exp(take('likelihood.logStd', [1])[0] as number)
        : description.std,
    layers: widths.slice(1).map((outputs, i) => {
      const inputs = widths[i] as number;
      return {
        inputs,
        outputs,
        weight: take(`decoder.${i}.weight`, [outputs, inputs]),
        bias: take(`decoder.${i}.bias`, [outputs]),
        activation: i < last ? activation : 0,
      };
    }),
    original: description.standardized
      ? { mean: take('standardize.mean', [features]), std: take('standardize.std', [features]) }
      : undefined,
  };
}
