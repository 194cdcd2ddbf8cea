// `model.json`: what a model is.
import { CATEGORIES_RULE, type Category, isCategories } from '../categories.ts';
import { LatentGpuError } from '../errors.ts';
import { formatJson, isObject, parseJson } from '../formats/json.ts';
import { type Given, knownKey, type Schema, settle, spelled } from '../schema/index.ts';
import { modelConfig } from './config.ts';
import { type DataDescription, traitValues } from './data-description.ts';
import { familyNames, familyOf, findFamily } from './families.ts';
import type { ModelConfig } from './family.ts';
import { fromFormat1 } from './migrate.ts';

export const MODEL_FILE = 'model.json';

const FORMAT = 2;
/** Formats that are read. */
const KNOWN: readonly unknown[] = [1, FORMAT];
/** Keys beside those of the family. `version` is the library's. */
const PLAIN = ['format', 'family', 'data', 'version'];

/**
 * What `model.json` says of a model.
 *
 * ```ts
 * const config = settledConfig({ family: 'vae', data: { shape: [4] }, latent: 2 });
 * JSON.parse(modelJson(config)).latent // 2
 * ```
 *
 * @param version of the library that writes it
 */
export function modelJson({ family, data, ...keys }: ModelConfig, version?: string): string {
  return formatJson({
    format: FORMAT,
    family,
    data,
    ...keys,
    ...(version !== undefined && { version }),
  });
}

/**
 * Reads `model.json`.
 *
 * ```ts
 * const text = modelJson(settledConfig({ family: 'vae', data: { shape: [4] } }));
 * readModelJson(text).config.family // "vae"
 * ```
 *
 * @param name what to call the file in errors
 * @returns the model's configuration, and the keys that have no meaning in it, by their dotted names
 * @throws LatentGpuError `bad-format` if it is no such file or lacks a key, `bad-config` for a value
 *   that is not allowed
 */
export function readModelJson(
  text: string,
  name = MODEL_FILE,
): { config: ModelConfig; extra: string[] } {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const root = parseJson(text, name);
  if (!isObject(root)) throw bad('not a JSON object');
  if (root.format === undefined) throw bad(`'format' is missing; it must be ${FORMAT}`);
  if (!KNOWN.includes(root.format)) {
    throw bad(
      `format is ${JSON.stringify(root.format)}; this version reads formats ${KNOWN.join(' and ')}`,
    );
  }
  const found = findFamily(root.family);
  if (!found) {
    const what = root.family === undefined ? 'missing' : JSON.stringify(root.family);
    throw bad(
      `'family' is ${what}; it must be one of ${familyNames().join(', ')}, or one of your own (defineFamily)`,
    );
  }
  const keys = root.format === 1 ? fromFormat1(root) : root;
  const { given, extra } = collect(keys, found.keys, name);
  const data = readData(root.data, extra, bad);
  const values = settle(found.keys, given, { family: found.name, ...traitValues(data) }, extra);
  // Of keys that do not apply here, none is missed.
  const missing = (found.required ?? []).find((key) => values.has(key) && !given.has(key));
  if (missing) throw bad(`'${missing}' is missing`);
  return { config: modelConfig(found.name, data, values), extra };
}

/**
 * A configuration that is given as an object, with everything that it leaves out: standardised data are described by
 * normals unless it says otherwise.
 *
 * @throws LatentGpuError `bad-config` for a value that is not allowed
 * @example settledConfig({ family: 'vae', data: { shape: [4] }, latent: 2 }).latent // 2
 */
export function settledConfig(config: ModelConfig): ModelConfig {
  const { keys } = familyOf(config.family);
  const { given, extra } = collect(config, keys, 'the configuration');
  const [stray] = extra;
  if (stray !== undefined) knownKey(keys, stray, 'the configuration');
  const isContinuous = config.data.standardized === true;
  const fixed = { family: config.family, ...traitValues({ ...config.data, isContinuous }) };
  return modelConfig(config.family, config.data, settle(keys, given, fixed, []));
}

function readData(
  data: unknown,
  extra: string[],
  bad: (why: string) => LatentGpuError,
): DataDescription {
  const { shape, name, standardized, columns, categories, classNames, sequence, ...others } =
    isObject(data) ? data : {};
  if (shape === undefined) throw bad("'data.shape' is missing");
  const whole = (n: unknown) => Number.isSafeInteger(n) && Number(n) >= 1;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 3 || !shape.every(whole)) {
    throw bad(
      `data.shape is ${JSON.stringify(shape)}; it must be [height, width], ` +
        '[height, width, channels] or [features]; of sequences [steps] or [steps, channels]',
    );
  }
  if (standardized !== undefined && typeof standardized !== 'boolean') {
    throw bad(`data.standardized is ${JSON.stringify(standardized)}; it must be true or false`);
  }
  const isTexts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string');
  const features = (shape as number[]).reduce((a, b) => a * b, 1);
  const isHeaded = isTexts(columns) && shape.length === 1 && columns.length === features;
  if (columns !== undefined && !isHeaded) {
    throw bad(`data.columns must be ${features} texts, one a feature of plain vectors`);
  }
  if (categories !== undefined && !(shape.length === 1 && isCategories(categories, features))) {
    throw bad(`data.categories ${CATEGORIES_RULE}`);
  }
  if (classNames !== undefined && !(isTexts(classNames) && classNames.length > 0)) {
    throw bad(`data.classNames is ${JSON.stringify(classNames)}; it must be the classes' names`);
  }
  const { rate, channels } = isObject(sequence) ? sequence : {};
  const isNamed = isTexts(channels) && channels.length === shape[1];
  const isSequence =
    isObject(sequence) &&
    (rate === undefined || whole(rate)) &&
    (channels === undefined || isNamed) &&
    shape.length < 3;
  if (sequence !== undefined && !isSequence) {
    throw bad(
      `data.sequence is ${JSON.stringify(sequence)}; it must be {} or {"rate": 8000}, with a text a channel under "channels" if they have names, of data points [steps] or [steps, channels]`,
    );
  }
  extra.push(...Object.keys(others).map((key) => `data.${key}`));
  return {
    shape,
    ...(typeof name === 'string' && { name }),
    ...(standardized && { standardized }),
    ...(columns !== undefined && { columns: columns as string[] }),
    ...(categories !== undefined && { categories: categories as Category[] }),
    ...(classNames !== undefined && { classNames }),
    ...(isSequence && {
      sequence: {
        ...(rate !== undefined && { rate: rate as number }),
        ...(isNamed && { channels }),
      },
    }),
  };
}

/** Splits the file's leaves into known keys and others. */
function collect(root: Readonly<Record<string, unknown>>, schema: Schema, source: string) {
  const given = new Map<string, Given>();
  const extra: string[] = [];
  const visit = (value: unknown, path: string) => {
    const own = typeof value === 'string' ? spelled(schema, path) : path;
    if (value === undefined) return;
    if (Object.hasOwn(schema, own)) given.set(own, { value, source });
    else if (isObject(value) && Object.keys(schema).some((key) => key.startsWith(`${path}.`))) {
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    } else extra.push(path);
  };
  for (const [key, value] of Object.entries(root)) if (!PLAIN.includes(key)) visit(value, key);
  return { given, extra };
}
