// `weights.safetensors`: a model's parameters, under the names and in the layout that PyTorch's state_dict
// would give them, and its buffers.
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import { notFinite } from '../formats/finite.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { isTorchFile, readTorchFile } from '../formats/torch-file.ts';
import type { Variable } from '../graph/variable.ts';
import type { Module } from '../nn/index.ts';
import { checkBuffer } from './buffers.ts';
import { MODEL_FILE } from './model-json.ts';
import type { WeightValues } from './values.ts';

export const WEIGHTS_FILE = 'weights.safetensors';

/** The buffers of a standardised model, beside its parameters. */
const STANDARDIZE = { mean: 'standardize.mean', std: 'standardize.std' } as const;

/**
 * The bytes of `weights.safetensors`, a function of the parameters and the buffers alone.
 *
 * @example const bytes = writeWeights(unpackParameters(model, await trainer.keptParameters()));
 */
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

/** Who asks for tensors, and what else is said of a file that lacks one. */
interface Asker {
  readonly name: string;
  also(tensors: Tensors): string;
}

const folder: Asker = { name: MODEL_FILE, also: () => '' };

/** A module of a program's own, whose names may be others than a file's. */
const program: Asker = {
  name: 'the model',
  also(tensors) {
    const names = [...tensors.keys()];
    const more = names.length > 6 ? ', …' : '';
    return names.length > 0 ? `; beside, the file has ${names.slice(0, 6).join(', ')}${more}` : '';
  },
};

/** A file that is read for somebody. */
interface Source {
  readonly tensors: Tensors;
  /** What the file is called. */
  readonly name: string;
  readonly asker: Asker;
}

/** Takes a tensor out of a file's, checked. */
function takeTensor(
  { tensors, name, asker }: Source,
  path: string,
  shape: readonly number[],
  dtype: 'f32' | 'u32' = 'f32',
): WeightValues {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: tensor '${path}' ${why}`);
  const stored = tensors.get(path);
  const wanted = `[${shape.join(', ')}]`;
  if (!stored)
    throw bad(`is missing; ${asker.name} asks for it with shape ${wanted}${asker.also(tensors)}`);
  tensors.delete(path);
  if (stored.shape.join() !== shape.join()) {
    throw bad(`has shape [${stored.shape.join(', ')}]; ${asker.name} asks for ${wanted}`);
  }
  if (dtype === 'u32') {
    if (stored.data instanceof Uint32Array) return stored.data;
    throw bad(`is of type ${stored.dtype}; save it as uint32`);
  }
  if (!(stored.data instanceof Float32Array)) {
    throw bad(`is of type ${stored.dtype}; save it as float32`);
  }
  const wrong = notFinite(stored);
  if (wrong) throw new LatentGpuError('bad-data', `${name}: tensor '${path}' ${wrong}`);
  return stored.data;
}

function takeStandardization(source: Source, features: number): Standardization {
  const { tensors, name } = source;
  const take = (path: string) => takeTensor(source, path, [features]) as Float32Array;
  // Means are kept in float64 where the data need it.
  const doubles = tensors.get(STANDARDIZE.mean)?.doubles;
  const [single, std] = [take(STANDARDIZE.mean), take(STANDARDIZE.std)];
  const mean = doubles ?? single;
  const wrong = std.findIndex((value) => !(value > 0));
  if (wrong >= 0) {
    throw new LatentGpuError(
      'bad-data',
      `${name}: tensor '${STANDARDIZE.std}' holds ${std[wrong]} at element ${wrong}; a deviation must be above 0`,
    );
  }
  return { mean, std };
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
 * Reads `weights.safetensors` for a model, or for any module: every parameter by its name and shape, of any
 * float type. A `state_dict` that PyTorch saved is such a file where its names are the module's, by
 * `safetensors.torch.save_file` or by `torch.save`, whose pickle is read as data.
 *
 * ```ts
 * const { values, buffers } = readWeights(model, bytes);
 * giveWeights(runtime, values);
 * giveWeights(runtime, buffers);
 * ```
 *
 * @param standardized whether the file must hold a standardisation: `data.standardized` of its model
 * @throws LatentGpuError `bad-format` naming the first tensor that is missing or does not fit,
 *   `bad-data` for one that is not finite, or for a deviation that is not above 0
 */
export function readWeights(
  model: Module & { readonly features?: number },
  bytes: Uint8Array,
  name = WEIGHTS_FILE,
  standardized = false,
): StoredWeights {
  const file = isTorchFile(bytes) ? readTorchFile(bytes, name) : readSafetensors(bytes, name);
  const { tensors } = file;
  const source = { tensors, name, asker: 'can' in model ? folder : program };
  const values = new Map<Variable, Float32Array>();
  for (const [path, parameter] of model.namedParameters()) {
    values.set(parameter, takeTensor(source, path, parameter.shape) as Float32Array);
  }
  const buffers = new Map<Variable, WeightValues>();
  for (const [path, held] of model.namedBuffers()) {
    const dtype = held.dtype === 'u32' ? 'u32' : 'f32';
    const data = takeTensor(source, path, held.shape, dtype);
    checkBuffer(path, data, name);
    buffers.set(held, data);
  }
  const standardization = standardized
    ? takeStandardization(source, model.features ?? 0)
    : undefined;
  return { values, buffers, standardization, extra: [...tensors.keys()] };
}
