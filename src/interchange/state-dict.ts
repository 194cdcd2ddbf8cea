// A PyTorch state_dict, saved as safetensors or by torch.save, as a model of this library.
import type { Standardization } from '../data/standardize.ts';
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';
import type { Variable } from '../graph/variable.ts';
import {
  buildModel,
  type CodedConfig,
  familyOf,
  type ModelConfig,
  modelConfig,
} from '../models/index.ts';
import { type Given, settle, type Value } from '../schema/index.ts';
import { readWeightsFile } from './foreign-weights.ts';
import { type Layers, type Mapped, makeLayers } from './layers.ts';
import { assign } from './mapping.ts';
import type { Layer } from './matrix.ts';
import type { Rule } from './rules.ts';

/** Families of an encoder and a decoder, which tensors of layers can make. */
export const IMPORTED: readonly string[] = ['vae', 'ae', 'iwae'];

type LayeredConfig = ModelConfig & CodedConfig;

/** What the tensors cannot tell, or what is known of the model already. */
export type Description =
  | { readonly config: LayeredConfig; readonly source: string }
  | {
      readonly config?: undefined;
      readonly family: string | undefined;
      /** Extents of a data point; by default a vector of the encoder's inputs. */
      readonly shape: readonly number[] | undefined;
      /** Keys of the model. */
      readonly given: ReadonlyMap<string, Given>;
    };

export interface ImportRequest {
  readonly bytes: Uint8Array;
  /** What to call the file in errors. */
  readonly file: string;
  /** Of an index of weights in several files, these by their names. */
  readonly beside?: ReadonlyMap<string, Uint8Array>;
  readonly rules: readonly Rule[];
  /** Every weight is [in, out]. */
  readonly transpose: boolean;
  readonly description: Description;
}

export interface Imported {
  readonly config: LayeredConfig;
  readonly values: ReadonlyMap<Variable, Float32Array>;
  /** Running statistics. */
  readonly buffers: ReadonlyMap<Variable, Float32Array>;
  readonly standardization: Standardization | undefined;
  /** What became of every tensor. */
  readonly mapped: readonly Mapped[];
  readonly dropped: readonly string[];
  /** What the state_dict is called in the checkpoint that holds it. */
  readonly within?: string;
  /** What was neither said nor to be seen in the tensors. */
  readonly assumed: readonly string[];
}

/**
 * Reads a state_dict as a model.
 *
 * ```ts
 * const description = { family: 'vae', shape: [28, 28], given: new Map() };
 * const request = { bytes, file: 'vae.safetensors', rules: [], transpose: false, description };
 * const { config, values } = importStateDict(request);
 * ```
 *
 * @throws LatentGpuError `bad-format` for tensors that are missing or do not fit together, `bad-config`
 *   for a mapping or a configuration that does not fit them, `bad-data` for numbers that are not finite
 */
export function importStateDict(request: ImportRequest): Imported {
  const { bytes, file, beside, rules, transpose, description } = request;
  const isPart = /-0*\d+-of-0*([2-9]|[1-9]\d+)\.safetensors$/.test(file) && rules.length === 0;
  if (isPart) {
    throw new LatentGpuError(
      'bad-format',
      `${file} is one of several files of a model; name their index beside them (${file.replace(/^.*[/\\]/, '').replace(/-\d+-of-\d+/, '')}.index.json), or join them: load each with safetensors.torch.load_file, and save all tensors with save_file`,
    );
  }
  const stored = readWeightsFile(bytes, file, beside);
  const { assigned, dropped, assumed: folded } = assign(stored, rules, file);
  const layers = makeLayers(assigned, transpose, file, [...stored.tensors.keys()]);
  checkChains(layers, file);
  const { config, assumed } = description.config
    ? { config: description.config, assumed: [] }
    : inferred(layers, description, file);
  const all = [...assumed, ...folded, ...layers.assumed];
  return {
    config,
    assumed: all,
    dropped,
    mapped: layers.mapped,
    ...(stored.within !== undefined && { within: stored.within }),
    ...placed(config, layers, request),
  };
}

/** Every net must be there, and each of its layers take what the one before gives. */
function checkChains(layers: Layers, file: string): void {
  const bad = (why: string) => new LatentGpuError('bad-format', `${file}: ${why}`);
  for (const net of ['encoder', 'decoder'] as const) {
    if (layers[net].length === 0) {
      throw bad(`no tensor becomes a layer of the ${net}; name them with --rename fc1=${net}.0`);
    }
    layers[net].forEach((layer, i) => {
      const before = layers[net][i - 1];
      if (!before || before.out === layer.in) return;
      throw bad(
        `${quote(layer.from)} takes ${layer.in} numbers and the layer before it, ${quote(before.from)}, gives ${before.out}; are they in order, and [out, in]?`,
      );
    });
  }
  const [gives, takes] = [(layers.encoder.at(-1) as Layer).out, (layers.decoder[0] as Layer).in];
  if (gives === takes || gives === 2 * takes) return;
  throw bad(
    `the decoder takes codes of ${takes} numbers, so the encoder must give ${2 * takes} (mean and log std) or, of an autoencoder, ${takes}; it gives ${gives}`,
  );
}

/** What the shapes tell, what was given, and defaults for the rest. */
function inferred(
  { encoder, decoder, norms, whole, isHeadAssumed }: Layers,
  { family: asked, shape: given, given: keys }: Exclude<Description, { config: LayeredConfig }>,
  file: string,
): { config: LayeredConfig; assumed: string[] } {
  const latent = (decoder[0] as Layer).in;
  const features = (encoder[0] as Layer).in;
  const outputs = (decoder.at(-1) as Layer).out;
  const isCode = (encoder.at(-1) as Layer).out === latent;
  const family = asked ?? (isCode ? 'ae' : 'vae');
  const shape = given ?? [features];
  if (shape.reduce((a, b) => a * b, 1) !== features) {
    throw new LatentGpuError(
      'shape-mismatch',
      `--shape ${shape.join()}: ${file} has an encoder of ${features} features`,
    );
  }
  const found: Record<string, Value> = {
    latent,
    'encoder.hidden': encoder.slice(0, -1).map(({ out }) => out),
    'decoder.hidden': decoder.slice(0, -1).map(({ out }) => out),
  };
  for (const net of ['encoder', 'decoder']) {
    const own = [...norms.keys()].filter((name) => name.startsWith(net));
    if (own.length === 0) continue;
    found[`${net}.norm`] = own.some((name) => name.endsWith('.running_mean')) ? 'batch' : 'layer';
  }
  if (whole.has('likelihood.logStd')) found['likelihood.kind'] = 'normal';
  const kind = keys.get('likelihood.kind')?.value ?? found['likelihood.kind'];
  if (kind === undefined && outputs !== features) {
    throw new LatentGpuError(
      'bad-config',
      `${file}: the decoder gives ${outputs} numbers for ${features} features; say what they are with --set likelihood.kind=categorical, or likelihood.kind=normal likelihood.sigma=pixel`,
    );
  }
  if (kind === 'categorical') found['likelihood.levels'] = outputs / features;
  if (kind === 'normal' && !whole.has('likelihood.logStd')) {
    found['likelihood.sigma'] = outputs === features ? 'fixed' : 'pixel';
  }
  const entries = Object.entries(found).map(
    ([key, value]) => [key, { value, source: file }] as const,
  );
  const values = settle(familyOf(family).keys, new Map([...entries, ...keys]), { family });
  // A net of one layer has no activation.
  const unseen = [
    ...(encoder.length > 1 ? ['encoder.activation'] : []),
    ...(decoder.length > 1 ? ['decoder.activation'] : []),
    'likelihood.kind',
    'likelihood.std',
  ];
  const assumed = unseen
    .filter((key) => values.has(key) && !keys.has(key) && !Object.hasOwn(found, key))
    .map((key) => `${key}=${values.get(key)}`);
  if (!given) assumed.unshift(`--shape ${features}`);
  if (family !== 'ae' && isHeadAssumed) {
    const rows = `rows ${latent} to ${2 * latent - 1} of encoder.${encoder.length - 1}`;
    assumed.push(`${rows} are log std (a log-variance goes to encoder.mean+logVar)`);
  }
  if (values.get('likelihood.sigma') === 'pixel') {
    assumed.push(
      `rows ${features} to ${outputs - 1} of the decoder give std = softplus(row) + 0.001`,
    );
  }
  if (kind === 'categorical') assumed.push('the decoder gives logits as [features, levels]');
  const standardized = whole.has('standardize.mean');
  const config = modelConfig(family, { shape, standardized }, values) as LayeredConfig;
  return { config, assumed };
}

/** Gives every parameter of the model its numbers. */
function placed(
  config: LayeredConfig,
  { encoder, decoder, norms, whole, mapped }: Layers,
  { file, description }: ImportRequest,
): Pick<Imported, 'values' | 'buffers' | 'standardization'> {
  const model = buildModel(config);
  const source = description.config ? description.source : 'the configuration';
  const found = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [net, layers] of Object.entries({ encoder, decoder })) {
    layers.forEach((layer, i) => {
      found.set(`${net}.${i}.weight`, { shape: [layer.out, layer.in], data: layer.weight });
      found.set(`${net}.${i}.bias`, { shape: [layer.out], data: layer.bias });
    });
  }
  for (const [name, data] of [...whole, ...norms]) found.set(name, { shape: [data.length], data });
  const bad = (why: string) => new LatentGpuError('bad-format', `${file}: ${why}`);
  const take = (name: string, shape: readonly number[]): Float32Array => {
    const wanted = `[${shape.join(', ')}]`;
    const one = found.get(name);
    if (!one) {
      const hint = name === 'likelihood.logStd' ? ' (likelihood.sigma=fixed does without one)' : '';
      throw bad(`no tensor becomes ${name}, which ${source} asks for as ${wanted}${hint}`);
    }
    found.delete(name);
    const own = `[${one.shape.join(', ')}]`;
    if (own === wanted) return one.data;
    const from = mapped.find(({ to }) => to === name)?.from;
    throw bad(`${quote(String(from))} becomes ${name} as ${own}; ${source} asks for ${wanted}`);
  };
  const values = new Map<Variable, Float32Array>();
  for (const [name, parameter] of model.namedParameters()) {
    values.set(parameter, take(name, parameter.shape));
  }
  const buffers = new Map<Variable, Float32Array>();
  for (const [name, buffer] of model.namedBuffers()) {
    if (found.has(name)) buffers.set(buffer, take(name, buffer.shape));
    else if (/\.norms\.\d+\.running_/.test(name)) take(name, buffer.shape);
  }
  const standardization = config.data.standardized
    ? {
        mean: take('standardize.mean', [model.features]),
        std: take('standardize.std', [model.features]),
      }
    : undefined;
  if (standardization?.std.some((value) => !(value > 0))) {
    throw new LatentGpuError('bad-data', `${file}: standardize.std must be above 0 everywhere`);
  }
  const extra = [...found.keys()][0];
  if (extra === undefined) return { values, buffers, standardization };
  const from = mapped.find(({ to }) => to === extra)?.from;
  throw bad(`${quote(String(from))} becomes ${extra}, for which ${source} has no place`);
}
