// The messages of ONNX's protocol buffers, as far as a graph of float32 tensors needs them.
// Names and numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import protobuf from 'protobufjs/light.js';

type Field = readonly [name: string, type: string, id: number];

const many = (...[name, type, id]: Field) => [name, { rule: 'repeated', type, id }] as const;
const one = (...[name, type, id]: Field) => [name, { type, id }] as const;
// proto2, as ONNX has it: an attribute that is 0 is written, and lists of numbers are not packed.
const message = (...fields: (readonly [string, protobuf.IField])[]) => ({
  edition: 'proto2',
  fields: Object.fromEntries(fields),
});

const descriptor = {
  nested: {
    ModelProto: message(
      one('ir_version', 'int64', 1),
      one('producer_name', 'string', 2),
      one('producer_version', 'string', 3),
      one('doc_string', 'string', 6),
      one('graph', 'GraphProto', 7),
      many('opset_import', 'OperatorSetIdProto', 8),
      many('metadata_props', 'StringStringEntryProto', 14),
    ),
    OperatorSetIdProto: message(one('domain', 'string', 1), one('version', 'int64', 2)),
    StringStringEntryProto: message(one('key', 'string', 1), one('value', 'string', 2)),
    GraphProto: message(
      many('node', 'NodeProto', 1),
      one('name', 'string', 2),
      many('initializer', 'TensorProto', 5),
      one('doc_string', 'string', 10),
      many('input', 'ValueInfoProto', 11),
      many('output', 'ValueInfoProto', 12),
    ),
    NodeProto: message(
      many('input', 'string', 1),
      many('output', 'string', 2),
      one('name', 'string', 3),
      one('op_type', 'string', 4),
      many('attribute', 'AttributeProto', 5),
    ),
    AttributeProto: message(
      one('name', 'string', 1),
      one('f', 'float', 2),
      one('i', 'int64', 3),
      one('t', 'TensorProto', 5),
      many('ints', 'int64', 8),
      one('type', 'int32', 20),
    ),
    TensorProto: message(
      many('dims', 'int64', 1),
      one('data_type', 'int32', 2),
      one('name', 'string', 8),
      one('raw_data', 'bytes', 9),
    ),
    ValueInfoProto: message(
      one('name', 'string', 1),
      one('type', 'TypeProto', 2),
      one('doc_string', 'string', 3),
    ),
    TypeProto: {
      ...message(one('tensor_type', 'Tensor', 1)),
      nested: {
        Tensor: message(one('elem_type', 'int32', 1), one('shape', 'TensorShapeProto', 2)),
      },
    },
    TensorShapeProto: {
      ...message(many('dim', 'Dimension', 1)),
      nested: {
        Dimension: message(one('dim_value', 'int64', 1), one('dim_param', 'string', 2)),
      },
    },
  },
};

const modelProto = protobuf.Root.fromJSON(descriptor).lookupType('ModelProto');

/** `AttributeProto.AttributeType`. */
export const ATTRIBUTE = { float: 1, int: 2, tensor: 4, ints: 7 } as const;

/** `TensorProto.DataType`. */
export const ELEMENT = { float: 1, int64: 7 } as const;

export interface TensorProto {
  name?: string;
  dims: number[];
  data_type: number;
  /** Little-endian. */
  raw_data: Uint8Array;
}

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: number;
  t?: TensorProto;
  ints?: number[];
}

export interface NodeProto {
  name: string;
  op_type: string;
  input: string[];
  output: string[];
  attribute: AttributeProto[];
}

export interface ValueInfoProto {
  name: string;
  doc_string: string;
  type: {
    tensor_type: {
      elem_type: number;
      shape: { dim: ({ dim_value: number } | { dim_param: string })[] };
    };
  };
}

export interface ModelProto {
  ir_version: number;
  producer_name: string;
  producer_version: string;
  doc_string: string;
  graph: {
    name: string;
    doc_string: string;
    node: NodeProto[];
    initializer: TensorProto[];
    input: ValueInfoProto[];
    output: ValueInfoProto[];
  };
  opset_import: { domain: string; version: number }[];
  metadata_props: { key: string; value: string }[];
}

export function encodeModel(model: ModelProto): Uint8Array {
  // Node's writer yields a Buffer, whose methods are not those of a byte array.
  const { buffer, byteOffset, byteLength } = modelProto.encode(model).finish();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Reads what {@link encodeModel} writes. @throws Error if the bytes are no such message */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const options = { longs: Number, arrays: true };
  const model = modelProto.toObject(modelProto.decode(bytes), options) as ModelProto;
  for (const attribute of model.graph.node.flatMap((node) => node.attribute)) {
    // A list that an attribute does not have is read as an empty one.
    if (attribute.ints?.length === 0) delete attribute.ints;
  }
  return model;
}
