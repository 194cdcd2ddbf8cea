// ONNX graphs, built a node at a time. A value is known by its name, which is that of its node.
import { LatentGpuError } from '../../errors.ts';
import {
  ATTRIBUTE,
  type AttributeProto,
  ELEMENT,
  encodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './proto.ts';

/** The pair that ONNX 1.10 brought in 2021: every runtime since reads it. */
const IR_VERSION = 8;
const OPSET = 15;

/** What protocol buffers can hold, less a mebibyte for all that is not tensors. */
const MAX_TENSOR_BYTES = 2 ** 31 - 2 ** 20;

/** A number of rows that is left open, or a fixed extent. */
export type Extent = number | string;

/** Whole numbers stand for `int` and `ints` attributes; a `float` is marked as one. */
export type AttributeValue =
  | number
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: TensorData };

export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface ModelInfo {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
}

function tensorProto({ shape, data }: TensorData, name?: string): TensorProto {
  return {
    ...(name !== undefined && { name }),
    dims: [...shape],
    data_type: data instanceof Float32Array ? ELEMENT.float : ELEMENT.int64,
    // Every platform that runs WebGPU is little-endian, as ONNX is.
    raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function attributeProto(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, type: ATTRIBUTE.int, i: value };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if ('tensor' in value) return { name, type: ATTRIBUTE.tensor, t: tensorProto(value.tensor) };
  return { name, type: ATTRIBUTE.ints, ints: [...value] };
}

function valueInfo(
  name: string,
  shape: readonly Extent[],
  description: string,
  type: 'float' | 'int64' = 'float',
): ValueInfoProto {
  const dim = shape.map((extent) =>
    typeof extent === 'number' ? { dim_value: extent } : { dim_param: extent },
  );
  return {
    name,
    doc_string: description,
    type: { tensor_type: { elem_type: ELEMENT[type], shape: { dim } } },
  };
}

/** A graph under construction, of float32 tensors and of integers that count and point. Names must be unique; the caller sees to that. */
export class OnnxGraph {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly inputs: ValueInfoProto[] = [];
  private readonly outputs: ValueInfoProto[] = [];
  private bytes = 0;

  /** A value that is fed. */
  input(
    name: string,
    shape: readonly Extent[],
    description: string,
    type?: 'float' | 'int64',
  ): string {
    this.inputs.push(valueInfo(name, shape, description, type));
    return name;
  }

  /** Declares a value, by its name, to be a result. */
  output(name: string, shape: readonly Extent[], description: string): void {
    this.outputs.push(valueInfo(name, shape, description));
  }

  /**
   * A tensor that the file holds.
   *
   * @throws LatentGpuError `limit-exceeded` if the file would outgrow what protocol buffers can hold
   */
  tensor(name: string, shape: readonly number[], data: TensorData['data']): string {
    this.bytes += data.byteLength;
    if (this.bytes > MAX_TENSOR_BYTES) {
      throw new LatentGpuError(
        'limit-exceeded',
        'the weights exceed the 2 GiB that an ONNX file can hold; export a part with --part encoder or --part decoder, or a smaller model',
      );
    }
    this.initializers.push(tensorProto({ shape, data }, name));
    return name;
  }

  /** A node with one result, which has its name. */
  node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.nodeOf([name], op, inputs, attributes);
    return name;
  }

  /** A node with several results, by their names. */
  nodeOf(
    outputs: readonly string[],
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): void {
    this.nodes.push({
      name: outputs.join('+'),
      op_type: op,
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
    });
  }

  /** The bytes of a `.onnx` file. */
  encode({ name, version, description, metadata }: ModelInfo): Uint8Array {
    return encodeModel({
      ir_version: IR_VERSION,
      producer_name: 'latentgpu',
      producer_version: version,
      doc_string: description,
      graph: {
        name,
        doc_string: description,
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
      },
      opset_import: [{ domain: '', version: OPSET }],
      metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }
}
