// A model as ONNX files: a file for each thing that it can do, as ONNX Runtime and others run them.
import { LatentGpuError } from '../../errors.ts';
import type { Variable } from '../../graph/variable.ts';
import type { Model } from '../../models/index.ts';
import { rowsFor } from '../graphs.ts';
import { Lowering } from './lowering.ts';
import { PartBuilder } from './parts.ts';
import type { OnnxPart, OnnxSource, OnnxValue } from './source.ts';
import { TABLE } from './table.ts';

export interface OnnxFile {
  readonly bytes: Uint8Array;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/**
 * What a model has, the part that stands for it first.
 *
 * ```ts
 * const model = buildModel(settledConfig({ family: 'vae', data: { shape: [4] } }));
 * onnxParts(model) // ["autoencoder", "encoder", "decoder"]
 * ```
 */
export function onnxParts({ can }: Pick<Model, 'can'>): OnnxPart[] {
  const encodes = can.code !== undefined && can.trainingRows === undefined;
  const decodes = can.decode !== undefined;
  return [
    ...(encodes && decodes && !can.bijection ? (['autoencoder'] as const) : []),
    ...(can.logWeights?.exact ? (['density'] as const) : []),
    ...(encodes ? (['encoder'] as const) : []),
    ...(decodes ? (['decoder'] as const) : []),
    ...(can.predict ? (['predictor'] as const) : []),
  ];
}

/**
 * The bytes of an ONNX file (IR 8, opset 15) that computes a part of a model in float32. Data are
 * [batch, ...shape] in data units: a standardised model standardises what it is fed, and gives data
 * units back. Codes are [batch, M], log-densities [batch] in nats.
 *
 * ```ts
 * const source = await readModelFolder('runs/vae');
 * const { bytes } = onnxFile(source, 'decoder', '1.0.0');
 * await writeFileAtomic('decoder.onnx', bytes);
 * ```
 *
 * @param version of this library, for the file's metadata
 * @throws LatentGpuError `bad-input` for a part that the model has not, or that ONNX has no nodes for;
 *   `limit-exceeded` beyond the 2 GiB of a protocol buffer
 */
export function onnxFile(source: OnnxSource, part: OnnxPart, version: string): OnnxFile {
  const { model } = source;
  const there = onnxParts(model);
  if (!there.includes(part)) {
    const rest = there.length > 0 ? `; it has ${there.join(', ')}` : '';
    throw new LatentGpuError('bad-input', `it has no ${part}${rest}`);
  }
  const names = new Map<Variable, string>();
  for (const list of [model.namedParameters(), model.namedBuffers()]) {
    for (const [name, variable] of list) names.set(variable, name);
  }
  const values = new Map([...source.weights, ...(source.buffers ?? [])]);
  const rows = rowsFor(names.keys(), model.features);
  const to = new Lowering({ table: TABLE, rows, values, names });
  const { inputs, outputs } = new PartBuilder(source, to, rows).build(part);
  const { family, data } = source.config;
  const { code, describes } = model.can;
  const bytes = to.graph.encode({
    name: part,
    version,
    description: `${part} of a latentgpu model: ${told(inputs)} -> ${told(outputs)}`,
    metadata: {
      latentgpu_version: version,
      part,
      family,
      data_shape: JSON.stringify(data.shape),
      data_standardized: String(data.standardized === true),
      ...(code && { latent: String(code.size) }),
      ...(describes && { likelihood: JSON.stringify(describes) }),
    },
  });
  return { bytes, inputs, outputs };
}

const told = (values: readonly OnnxValue[]) =>
  values.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
