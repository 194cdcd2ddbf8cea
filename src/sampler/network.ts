// What a model folder says, reduced to what drawing from it needs: the decoder's layers.
import { type Category, isCategories, placesOf } from '../categories.ts';
import { LatentGpuError } from '../errors.ts';
import type { Take } from './folder.ts';

/** Of those in shaders/sampler.wgsl. */
const ACTIVATIONS = [
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
/** Of a code's variables, and of what an image is drawn from. */
const KINDS = ['normal', 'bernoulli', 'categorical'];
/** What is played by a program, which `export` writes. */
export const PROGRAM = 'program.json';

/** y = f(x Wᵀ + b). */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs] */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  /** One of {@link ACTIVATIONS}; what makes means of the last layer's numbers, too, where one function does. */
  readonly activation: string;
}

/** A decoder, and what codes and images are drawn from. */
export interface Network {
  readonly family: string;
  /** Numbers of a data point, D. */
  readonly features: number;
  /** M */
  readonly latent: number;
  /** What codes are made of, and how many numbers side by side are one variable: a class's, or one. */
  readonly code: 'normal' | 'bernoulli' | 'categorical';
  readonly classes: number;
  /** Of a discrete code's prior. */
  readonly logits: Float32Array;
  readonly layers: readonly Layer[];
  /** Multiplications for an image. */
  readonly work: number;
  readonly kind: 'bernoulli' | 'normal' | 'categorical';
  /** Features that are no words, which the decoder's outputs begin with; the words' logits follow. */
  readonly places: readonly number[];
  /** Of columns of words their features. */
  readonly words: readonly (readonly number[])[];
  /** Deviation of a normal likelihood. */
  readonly sigma: 'fixed' | 'shared' | 'pixel';
  readonly std: number;
  /** Decoder outputs for each feature: 2 with a deviation for each pixel, a categorical's levels. */
  readonly perFeature: number;
  /** What undoes the standardisation of the data, x · std + mean. */
  readonly original: { readonly mean: Float32Array; readonly std: Float32Array } | undefined;
}

const whole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0;
/** How many numbers a shape holds. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const wholes = (value: unknown): value is number[] => Array.isArray(value) && value.every(whole);

/** What `model.json` says first, whatever the model. */
export interface Named {
  readonly family: string;
  /** Extents of one data point, e.g. `[28, 28]`. */
  readonly shape: readonly number[];
  /** The file beside it that says how it is drawn from, where that is more than a decoder of full layers. */
  readonly program: string | undefined;
  /** Columns of words of a table. */
  readonly categories: readonly Category[];
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
  const { shape, categories = [] } = json.data ?? {};
  const check = checkOf(name);
  check(typeof family === 'string', 'family', family, 'a name');
  check(wholes(shape) && shape.length > 0, 'data.shape', shape, 'a list of whole numbers');
  check([undefined, PROGRAM].includes(program), 'program', program, `"${PROGRAM}"`);
  const features = sizeOf(shape);
  check(isCategories(categories, features), 'data.categories', '…', 'columns of words');
  return { family, shape, program, categories, json };
}

/**
 * A decoder of full layers.
 *
 * @param name what to call the file in errors
 * @returns what makes it of its weights
 * @throws LatentGpuError `bad-format` for any other model
 */
export function networkOf(
  { family, shape, categories, json }: Named,
  name: string,
): (take: Take) => Network {
  const check = checkOf(name);
  const { kind: code = 'normal', groups, classes } = json.code ?? {};
  const isCategorical = code === 'categorical';
  const latent = isCategorical ? groups * classes : json.latent;
  const decoder = json.decoder ?? {};
  const { kind: net = 'mlp', activation: own = 'relu' } = decoder;
  const hidden = net === 'linear' ? [] : decoder.hidden;
  const { kind, sigma = 'shared', std = 1, levels = 256 } = json.likelihood ?? {};
  const among = (list: readonly string[], key: string, value: unknown, others = '') =>
    check(list.includes(value as string), key, value, `one of ${list.join(', ')}${others}`);
  among(FAMILIES, 'family', family, OTHERS);
  among(KINDS, 'code.kind', code);
  if (isCategorical) {
    check(whole(groups), 'code.groups', groups, 'a whole number');
    check(whole(classes) && classes > 1, 'code.classes', classes, 'a whole number above 1');
  }
  check(whole(latent), 'latent', latent, 'a whole number');
  among(['mlp', 'linear'], 'decoder.kind', net, OTHERS);
  check(wholes(hidden), 'decoder.hidden', hidden, 'a list of whole numbers');
  among(ACTIVATIONS, 'decoder.activation', own);
  for (const [key, value] of [
    ['norm', 'none'],
    ['receptive', null],
  ] as const) {
    const found = decoder[key] ?? value;
    check(found === value, `decoder.${key}`, found, value + OTHERS);
  }
  among(categories.length ? KINDS.slice(0, 2) : KINDS, 'likelihood.kind', kind, OTHERS);
  const priors = code === 'normal' ? ['normal'] : ['uniform', 'learned'];
  const prior = json.prior?.kind ?? json.prior ?? priors[0];
  among(priors, 'prior', prior, OTHERS);
  among(['fixed', 'shared', 'pixel'], 'likelihood.sigma', sigma);
  check(Number.isFinite(std) && std > 0, 'likelihood.std', std, 'a number above 0');
  check(whole(levels) && levels > 1, 'likelihood.levels', levels, 'a whole number above 1');
  const isNormal = kind === 'normal';
  // Of words it is made of their logits apart.
  const isSigmoid = kind === 'bernoulli' && !categories.length;
  const perFeature = kind === 'categorical' ? levels : isNormal && sigma === 'pixel' ? 2 : 1;
  const features = sizeOf(shape);
  const words = categories.map(placesOf);
  const isWord = new Set(words.flat());
  const places = [...Array(features).keys()].filter((i) => !isWord.has(i));
  return (take) => {
    let inputs = latent;
    let work = 0;
    const layers = [...hidden, places.length * perFeature + isWord.size].map(
      (outputs, i): Layer => {
        const layer = {
          inputs,
          outputs,
          weight: take(`decoder.${i}.weight`, [outputs, inputs]),
          bias: take(`decoder.${i}.bias`, [outputs]),
          activation: i < hidden.length ? own : isSigmoid ? 'sigmoid' : 'identity',
        };
        work += inputs * outputs;
        inputs = outputs;
        return layer;
      },
    );
    return {
      family,
      features,
      latent,
      code,
      classes: isCategorical ? classes : 1,
      logits: prior === 'learned' ? take('prior.logits', [latent]) : new Float32Array(latent),
      layers,
      work,
      kind,
      places,
      words,
      sigma,
      std:
        isNormal && sigma === 'shared'
          ? Math.exp(take('likelihood.logStd', [1])[0] as number)
          : std,
      perFeature,
      original: json.data.standardized && {
        mean: take('standardize.mean', [features]),
        std: take('standardize.std', [features]),
      },
    };
  };
}
