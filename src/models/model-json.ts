// `model.json`: what a model is.
import { LatentGpuError } from '../errors.ts';
import { formatJson, isObject, parseJson } from '../formats/json.ts';
import { type Given, settle } from '../schema/index.ts';
import {
  isFlowConfig,
  type LatentConfig,
  MODEL_KEYS,
  type ModelConfig,
  modelConfig,
} from './config.ts';
import { type DataDescription, traitValues } from './data-description.ts';
import { FAMILIES, type Family, isFlowFamily } from './families.ts';

export const MODEL_FILE = 'model.json';

const FORMAT = 1;
/** Keys that the `model.json` of a latent-variable model must have; the others have defaults. */
const REQUIRED = [
  'encoder.hidden',
  'encoder.activation',
  'latent',
  'decoder.hidden',
  'decoder.activation',
  'likelihood.kind',
];
/** Keys beside those of the model. `version` is the library's. */
const PLAIN = ['format', 'family', 'data', 'version'];

/** @param version of the library that writes it */
export function modelJson(config: ModelConfig, version?: string): string {
  return formatJson({
    format: FORMAT,
    ...(isFlowConfig(config) ? config : latentKeys(config)),
    ...(version !== undefined && { version }),
  });
}

function latentKeys(config: LatentConfig) {
  const { family, data, encoder, latent, decoder, likelihood, objective, init } = config;
  const { posterior, posteriorFlow, prior, priorFlow } = config;
  return {
    family,
    data,
    encoder,
    latent,
    decoder,
    likelihood,
    ...(posterior && { posterior, posteriorFlow }),
    ...(prior && { prior, priorFlow }),
    ...(objective && { objective: objectiveKeys(objective) }),
    init,
  };
}

/** The family tells the kind. */
function objectiveKeys({ kind: _, ...rest }: NonNullable<LatentConfig['objective']>) {
  return rest;
}

/**
 * Reads `model.json`.
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
  if (root.format !== FORMAT) {
    throw bad(`format is ${JSON.stringify(root.format)}; this version reads format ${FORMAT}`);
  }
  if (!FAMILIES.includes(root.family as Family)) {
    const what = root.family === undefined ? 'missing' : JSON.stringify(root.family);
    throw bad(`'family' is ${what}; it must be one of ${FAMILIES.join(', ')}`);
  }
  const { given, extra } = collect(root, name);
  const family = root.family as Family;
  const missing = isFlowFamily(family) ? undefined : REQUIRED.find((key) => !given.has(key));
  if (missing) throw bad(`'${missing}' is missing`);
  const data = readData(root.data, extra, bad);
  const values = settle(MODEL_KEYS, given, { family, ...traitValues(data) }, extra);
  return { config: modelConfig(family, data, values), extra };
}

function readData(
  data: unknown,
  extra: string[],
  bad: (why: string) => LatentGpuError,
): DataDescription {
  const { shape, name, standardized, columns, ...others } = isObject(data) ? data : {};
  if (shape === undefined) throw bad("'data.shape' is missing");
  const whole = (n: unknown) => Number.isSafeInteger(n) && Number(n) >= 1;
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 3 || !shape.every(whole)) {
    throw bad(
      `data.shape is ${JSON.stringify(shape)}; it must be [height, width], ` +
        '[height, width, channels] or [features]',
    );
  }
  if (standardized !== undefined && typeof standardized !== 'boolean') {
    throw bad(`data.standardized is ${JSON.stringify(standardized)}; it must be true or false`);
  }
  const isList = Array.isArray(columns) && columns.every((entry) => typeof entry === 'string');
  const features = (shape as number[]).reduce((a, b) => a * b, 1);
  if (columns !== undefined && !(isList && shape.length === 1 && columns.length === features)) {
    throw bad(`data.columns must be ${features} texts, one a feature of plain vectors`);
  }
  extra.push(...Object.keys(others).map((key) => `data.${key}`));
  return {
    shape,
    ...(typeof name === 'string' && { name }),
    ...(standardized && { standardized }),
    ...(columns !== undefined && { columns }),
  };
}

/** Splits the file's leaves into known keys and others. */
function collect(root: Record<string, unknown>, source: string) {
  const given = new Map<string, Given>();
  const extra: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (Object.hasOwn(MODEL_KEYS, path)) given.set(path, { value, source });
    else if (isObject(value) && Object.keys(MODEL_KEYS).some((key) => key.startsWith(`${path}.`))) {
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`);
    } else extra.push(path);
  };
  for (const [key, value] of Object.entries(root)) if (!PLAIN.includes(key)) visit(value, key);
  return { given, extra };
}
