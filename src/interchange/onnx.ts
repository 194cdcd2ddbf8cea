// A model as ONNX: the encoder, the decoder, or both in a row, as ONNX Runtime and others run them.
import type { Standardization } from '../data/standardize.ts';
import type { AttributeValue, Extent } from '../formats/onnx/graph.ts';
import { OnnxGraph } from '../formats/onnx/graph.ts';
import type { Variable } from '../graph/variable.ts';
import type { Autoencoder, CodedConfig, ModelConfig, Vae } from '../models/index.ts';
import type { MLP } from '../nn/index.ts';
import { activate, softplus } from './onnx-activations.ts';

/**
 * - `encoder`: x → mean, and logStd unless the model is an autoencoder
 * - `decoder`: z → x, and what else the likelihood has
 * - `autoencoder`: x → mean, logStd and what the decoder makes of the mean, as `reconstruction`
 */
export type OnnxPart = 'encoder' | 'decoder' | 'autoencoder';

/** A model with its numbers, as a model folder holds it. */
export interface OnnxSource {
  readonly config: ModelConfig & CodedConfig;
  readonly model: Vae | Autoencoder;
  readonly weights: ReadonlyMap<Variable, Float32Array>;
  readonly standardization: Standardization | undefined;
}

export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly Extent[];
}

export interface OnnxFile {
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** Rows are as many as are fed. */
const BATCH = 'batch';
/** In the shape that a Reshape is given: the input's extent at that place. */
const SAME = 0;
/** The smallest deviation that a decoder gives: `src/models/likelihoods.ts`. */
const MIN_STD = 1e-3;

/**
 * The bytes of an ONNX file (IR 8, opset 15) that computes a part of a model in float32. Data are
 * [batch, ...shape] in data units: a standardised model standardises what it is fed, and gives data
 * units back. Codes are [batch, latent].
 *
 * @param version of this library, for the file's metadata
 * @throws LatentGpuError `limit-exceeded` beyond the 2 GiB of a protocol buffer
 */
export function onnxFile(source: OnnxSource, part: OnnxPart, version: string): OnnxFile {
  return new PartBuilder(source).build(part, version);
}

class PartBuilder {
  private readonly graph = new OnnxGraph();
  private readonly source: OnnxSource;
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];
  private readonly shape: readonly number[];

  constructor(source: OnnxSource) {
    this.source = source;
    this.shape = source.config.data.shape;
  }

  build(part: OnnxPart, version: string): OnnxFile {
    const { family, data, latent, likelihood } = this.source.config;
    if (part === 'decoder') {
      this.decoder(this.input('z', [BATCH, latent], 'codes'), 'x');
    } else {
      const what = data.standardized ? 'data, in their own units' : 'data, in [0, 1]';
      const mean = this.encoder(this.input('x', [BATCH, ...this.shape], what));
      if (part === 'autoencoder') this.decoder(mean, 'reconstruction');
    }
    const { inputs, outputs } = this;
    const bytes = this.graph.encode({
      name: part,
      version,
      description: `${part} of a latentgpu model: ${names(inputs)} -> ${names(outputs)}`,
      metadata: {
        latentgpu_version: version,
        part,
        family,
        data_shape: JSON.stringify(data.shape),
        data_standardized: String(data.standardized === true),
        latent: String(latent),
        likelihood: JSON.stringify(likelihood),
      },
    });
    return { bytes, inputs, outputs };
  }

  private encoder(x: string): string {
    const { config, standardization } = this.source;
    let h = this.shape.length > 1 ? this.node('x.flat', 'Flatten', [x], { axis: 1 }) : x;
    if (standardization) {
      const mean = this.rows('standardize.mean', standardization.mean);
      const std = this.rows('standardize.std', standardization.std);
      h = this.node('x.standardized', 'Div', [this.node('x.centred', 'Sub', [h, mean]), std]);
    }
    const code: Extent[] = [BATCH, config.latent];
    if (config.family === 'ae') {
      const codes = this.node('mean', 'Identity', [this.net('encoder', h)]);
      return this.output(codes, code, 'codes');
    }
    const halves = this.integers('encoder.halves', [config.latent, config.latent]);
    const both = this.net('encoder', h);
    this.graph.nodeOf(['mean', 'logStd'], 'Split', [both, halves], { axis: 1 });
    this.output('mean', code, 'mean of q(z | x)');
    this.output('logStd', code, 'log of the standard deviation of q(z | x)');
    return 'mean';
  }

  /** @param result the name of the mean of p(x | z) */
  private decoder(z: string, result: string): void {
    const { kind } = this.source.config.likelihood;
    const flat = this.net('decoder', z);
    if (kind === 'bernoulli') this.bernoulli(flat, result);
    else if (kind === 'categorical') this.categorical(flat, result);
    else this.normal(flat, result);
  }

  private bernoulli(flat: string, result: string): void {
    const logits = this.shaped('logits', flat);
    this.node(result, 'Sigmoid', [logits]);
    this.output(result, [BATCH, ...this.shape], 'probability of 1: the mean of p(x | z)');
    this.output(logits, [BATCH, ...this.shape], 'log-odds of 1');
  }

  private categorical(flat: string, result: string): void {
    const { features, likelihood } = this.source.model;
    const levels = likelihood.outputsPerFeature;
    const units = Float32Array.from({ length: levels }, (_, i) => i / (levels - 1));
    const shape = this.integers('decoder.levels.shape', [SAME, features, levels]);
    const rows = this.node('decoder.levels', 'Reshape', [flat, shape]);
    const odds = this.node('decoder.softmax', 'Softmax', [rows], { axis: -1 });
    const values = this.rows('decoder.levels.values', units);
    this.shaped(result, this.node('decoder.mean', 'MatMul', [odds, values]));
    this.output(result, [BATCH, ...this.shape], 'the mean of p(x | z)');
    const open = this.integers('logits.shape', [SAME, ...this.shape, levels]);
    const logits = this.node('logits', 'Reshape', [flat, open]);
    this.output(
      logits,
      [BATCH, ...this.shape, levels],
      'of grey level i, which stands for i / (levels - 1)',
    );
  }

  private normal(flat: string, result: string): void {
    const { config, model, standardization } = this.source;
    const { features } = model;
    let mean = flat;
    let std: string;
    if (config.likelihood.kind === 'normal' && config.likelihood.sigma === 'pixel') {
      const halves = this.integers('decoder.halves', [features, features]);
      this.graph.nodeOf(['decoder.mean', 'decoder.raw'], 'Split', [flat, halves], { axis: 1 });
      mean = 'decoder.mean';
      const least = this.rows('decoder.std.least', Float32Array.of(MIN_STD));
      const above = softplus(this.graph, 'decoder.std', 'decoder.raw');
      std = this.node('decoder.std', 'Add', [above, least]);
    } else {
      // The same for every feature: as many of it as there are means.
      const value = Float32Array.of(this.sharedStd());
      const extents = this.node('decoder.extents', 'Shape', [mean]);
      std = this.node('decoder.std', 'ConstantOfShape', [extents], {
        value: { tensor: { shape: [1], data: value } },
      });
    }
    if (standardization) {
      const scale = this.rows('destandardize.std', standardization.std);
      const shift = this.rows('destandardize.mean', standardization.mean);
      const scaled = this.node('decoder.mean.scaled', 'Mul', [mean, scale]);
      mean = this.node('decoder.mean.original', 'Add', [scaled, shift]);
      std = this.node('decoder.std.original', 'Mul', [std, scale]);
    }
    this.shaped(result, mean);
    this.output(result, [BATCH, ...this.shape], 'the mean of p(x | z)');
    this.output(this.shaped('std', std), [BATCH, ...this.shape], 'standard deviation of p(x | z)');
  }

  /** The deviation of a normal likelihood that is the same for every feature. */
  private sharedStd(): number {
    const { config, model, weights } = this.source;
    if (config.likelihood.kind === 'normal' && config.likelihood.sigma === 'fixed') {
      return config.likelihood.std ?? 1;
    }
    const own = model.namedParameters().find(([name]) => name === 'likelihood.logStd');
    return Math.exp(weights.get(own?.[1] as Variable)?.[0] as number);
  }

  /** A fully connected net over rows. */
  private net(name: 'encoder' | 'decoder', x: string): string {
    const mlp = this.source.model[name] as MLP;
    const last = mlp.layers.length - 1;
    return mlp.layers.reduce((h, { weight, bias }, i) => {
      const layer = `${name}.${i}`;
      const parameters = [weight, ...(bias ? [bias] : [])].map((variable, at) => {
        const data = this.source.weights.get(variable) as Float32Array;
        return this.graph.tensor(`${layer}.${at === 0 ? 'weight' : 'bias'}`, variable.shape, data);
      });
      const y = this.node(layer, 'Gemm', [h, ...parameters], { transB: 1 });
      return activate(this.graph, i === last ? mlp.output : mlp.activation, y);
    }, x);
  }

  /** Rows [batch, D] as data points [batch, ...shape]. */
  private shaped(name: string, flat: string): string {
    const shape = this.integers(`${name}.shape`, [SAME, ...this.shape]);
    return this.node(name, 'Reshape', [flat, shape]);
  }

  private node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string {
    return this.graph.node(name, op, inputs, attributes);
  }

  private rows(name: string, values: Float32Array | Float64Array): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    return this.graph.tensor(name, [data.length], data);
  }

  private integers(name: string, values: readonly number[]): string {
    return this.graph.tensor(name, [values.length], BigInt64Array.from(values.map(BigInt)));
  }

  private input(name: string, shape: Extent[], description: string): string {
    this.inputs.push({ name, shape });
    return this.graph.input(name, shape, description);
  }

  private output(name: string, shape: Extent[], description: string): string {
    this.outputs.push({ name, shape });
    this.graph.output(name, shape, description);
    return name;
  }
}

const names = (values: readonly OnnxValue[]) =>
  values.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
