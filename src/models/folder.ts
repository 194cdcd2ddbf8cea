// A model as files: `model.json` says what it is, `weights.safetensors` holds its parameters under
// the names and in the layout that PyTorch's state_dict would give them.
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import { parseJson } from '../formats/json.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { keepAsHalf, type Variable } from '../graph/variable.ts';
import type { Runtime } from '../scheduler/index.ts';
import {
  isFlowConfig,
  type LatentConfig,
  MODEL_KEYS,
  type Model,
  type ModelConfig,
  modelConfig,
} from './config.ts';
import { type DataDescription, traitValues } from './data-description.ts';
import { FAMILIES, type Family, isFlowFamily } from './families.ts';
import { checkBuffer } from './flow/buffers.ts';
import { type Given, settle } from './schema.ts';

export const MODEL_FILE = 'model.json';
export const WEIGHTS_FILE = 'weights.safetensors';

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

/** JSON for files that people read: indented, with lists of numbers on one line. */
export function formatJson(content: unknown): string {
  const text = JSON.stringify(content, null, 2);
  return `${text.replace(/\[[\d\s.,e+-]*\]/g, (list) => list.replace(/\s+/g, ' ').replace(/\[ | \]/g, (b) => b.trim()))}\n`;
}

/** The family tells the kind. */
function objectiveKeys({ kind: _, ...rest }: NonNullable<LatentConfig['objective']>) {
  return rest;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
  const { shape, name, standardized, ...others } = isObject(data) ? data : {};
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
  extra.push(...Object.keys(others).map((key) => `data.${key}`));
  return {
    shape,
    ...(typeof name === 'string' && { name }),
    ...(standardized && { standardized }),
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

/** Parameters by name, out of the flat vector that a trainer keeps them in. */
export function unpackParameters(model: Model, flat: Float32Array): Map<Variable, Float32Array> {
  return new Map(
    model.parameters().map((parameter) => {
      const offset = parameter.parent?.offset as number;
      return [parameter, flat.subarray(offset, offset + parameter.size)];
    }),
  );
}

/** A tensor's values. */
export type WeightValues = Float32Array | Uint32Array;

/** What a model has beside its parameters, out of the tensors of a run's state. */
export function unpackBuffers(
  model: Model,
  tensors: ReadonlyMap<string, WeightValues>,
): Map<Variable, WeightValues> {
  return new Map(
    model
      .namedBuffers()
      .map(([path, held]) => [held, tensors.get(`buffer.${path}`) as WeightValues]),
  );
}

/** The buffers of a standardised model, beside its parameters. */
const STANDARDIZE = { mean: 'standardize.mean', std: 'standardize.std' } as const;

/** The bytes of `weights.safetensors`, a function of the parameters and the buffers alone. */
export function writeWeights(
  values: ReadonlyMap<Variable, Float32Array>,
  standardization?: Standardization,
  buffers: ReadonlyMap<Variable, WeightValues> = new Map(),
): Uint8Array {
  const scales = standardization
    ? (['mean', 'std'] as const).map((key) => {
        const data = standardization[key];
        return [STANDARDIZE[key], { shape: [data.length], data }] as const;
      })
    : [];
  return writeSafetensors([
    ...[...values, ...buffers].map(([{ name, shape }, data]) => [name, { shape, data }] as const),
    ...scales,
  ]);
}

type Tensors = ReturnType<typeof readSafetensors>['tensors'];

/** Takes a tensor out of a file's, checked. */
function takeTensor(
  tensors: Tensors,
  path: string,
  shape: readonly number[],
  name: string,
  dtype: 'f32' | 'u32' = 'f32',
): WeightValues {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: tensor '${path}' ${why}`);
  const stored = tensors.get(path);
  const wanted = `[${shape.join(', ')}]`;
  if (!stored) throw bad(`is missing; ${MODEL_FILE} asks for it with shape ${wanted}`);
  tensors.delete(path);
  if (stored.shape.join() !== shape.join()) {
    throw bad(`has shape [${stored.shape.join(', ')}]; ${MODEL_FILE} asks for ${wanted}`);
  }
  if (dtype === 'u32') {
    if (stored.data instanceof Uint32Array) return stored.data;
    throw bad(`is of type ${stored.dtype}; save it as uint32`);
  }
  if (!(stored.data instanceof Float32Array)) {
    throw bad(`is of type ${stored.dtype}; save it as float32`);
  }
  const wrong = stored.data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new LatentGpuError(
      'bad-data',
      `${name}: tensor '${path}' holds ${stored.data[wrong]} at element ${wrong}`,
    );
  }
  return stored.data;
}

export interface StoredWeights {
  readonly values: Map<Variable, Float32Array>;
  /** What belongs to the model and is not trained: orders, signs, statistics. */
  readonly buffers: Map<Variable, WeightValues>;
  /** Of a model whose `data.standardized` is true. */
  readonly standardization: Standardization | undefined;
  /** The tensors that the model does not have. */
  readonly extra: string[];
}

/**
 * Reads `weights.safetensors` for a model: every parameter by its name and shape, of any float type.
 *
 * @param standardized whether the file must hold a standardisation: `data.standardized` of its model
 * @throws LatentGpuError `bad-format` naming the first tensor that is missing or does not fit,
 *   `bad-data` for one that is not finite, or for a deviation that is not above 0
 */
export function readWeights(
  model: Model,
  bytes: Uint8Array,
  name = WEIGHTS_FILE,
  standardized = false,
): StoredWeights {
  const { tensors } = readSafetensors(bytes, name);
  const values = new Map<Variable, Float32Array>();
  for (const [path, parameter] of model.namedParameters()) {
    values.set(parameter, takeTensor(tensors, path, parameter.shape, name) as Float32Array);
  }
  const buffers = new Map<Variable, WeightValues>();
  for (const [path, held] of model.namedBuffers()) {
    const dtype = held.dtype === 'u32' ? 'u32' : 'f32';
    const data = takeTensor(tensors, path, held.shape, name, dtype);
    checkBuffer(path, data, name);
    buffers.set(held, data);
  }
  let standardization: Standardization | undefined;
  if (standardized) {
    const shape = [model.features];
    const mean = takeTensor(tensors, STANDARDIZE.mean, shape, name) as Float32Array;
    const std = takeTensor(tensors, STANDARDIZE.std, shape, name) as Float32Array;
    const wrong = std.findIndex((value) => !(value > 0));
    if (wrong >= 0) {
      throw new LatentGpuError(
        'bad-data',
        `${name}: tensor '${STANDARDIZE.std}' holds ${std[wrong]} at element ${wrong}; a deviation must be above 0`,
      );
    }
    standardization = { mean, std };
  }
  return { values, buffers, standardization, extra: [...tensors.keys()] };
}

/** How parameters are kept in memory; kernels compute in float32 either way. */
export type Precision = 'f32' | 'f16';

/**
 * Puts parameters, or buffers, into the memory of a device.
 *
 * @param precision `f16` rounds parameters to float16: half the memory, for inference alone. To be
 *   asked for before the model is used.
 * @throws LatentGpuError `bad-data` for a weight beyond float16's range, `bad-config` for a model that
 *   is in use or being trained
 */
export function giveWeights(
  runtime: Runtime,
  values: ReadonlyMap<Variable, WeightValues>,
  precision: Precision = 'f32',
): void {
  for (const [parameter, data] of values) {
    if (precision === 'f16' && parameter.role === 'parameter') keepAsHalf(parameter);
    runtime.write(parameter, data);
  }
}
