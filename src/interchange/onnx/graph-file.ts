// A graph of one's own as an ONNX file.
import { LatentGpuError } from '../../errors.ts';
import type { Shape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { input, type Variable } from '../../graph/variable.ts';
import type { Module } from '../../nn/index.ts';
import { rowsFor } from '../graphs.ts';
import type { OnnxFile } from './file.ts';
import { BATCH, Lowering } from './lowering.ts';
import type { OnnxValue } from './source.ts';
import { TABLE } from './table.ts';

export interface OnnxGraphOptions<Name extends string = string> {
  /** Whose parameters and buffers the graph has, under their names. */
  readonly model: Module;
  /** Their values: of `unpackParameters`, `unpackBuffers`, `readWeights`. */
  readonly weights: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Extents of a row of each input, `{ x: [784] }`; of whole numbers, `{ words: { shape: [12], dtype: 'u32' } }`. */
  readonly inputs: Readonly<
    Record<Name, Shape | { readonly shape: Shape; readonly dtype: 'f32' | 'u32' }>
  >;
  /** What is made of inputs [rows, ...shape], as many rows as there are. */
  readonly outputs: (inputs: Readonly<Record<Name, Tensor>>) => Readonly<Record<string, Tensor>>;
  /** For the file's metadata: of the model, say. */
  readonly version?: string;
}

/**
 * The bytes of an ONNX file (IR 8, opset 15) of any graph, in float32, with its number of rows left open. Layers that
 * learn are as in evaluation.
 *
 * ```ts
 * const net = new nn.MLP([784, 100, 10], 'relu');
 * const weights = unpackParameters(net, await trainer.keptParameters());
 * const outputs = ({ x }: { x: Tensor }) => ({ probabilities: ops.softmax(net.call(x)) });
 * const { bytes } = onnxGraph({ model: net, weights, inputs: { x: [784] }, outputs });
 * ```
 *
 * @throws LatentGpuError `bad-input` for a parameter without values, or what ONNX has no nodes for
 */
export function onnxGraph<Name extends string>(options: OnnxGraphOptions<Name>): OnnxFile {
  const { model, weights, version = '' } = options;
  const held = [...model.namedParameters(), ...model.namedBuffers()];
  const lacking = held.find(([, variable]) => !weights.has(variable));
  if (lacking) {
    throw new LatentGpuError('bad-input', `weights lack ${lacking[1]}; give values of all it has`);
  }
  const names = new Map(held.map(([name, variable]) => [variable, name]));
  const given = Object.entries(options.inputs) as [Name, OnnxGraphOptions['inputs'][string]][];
  const rowsOf = given.map(([name, of]) => {
    const { shape, dtype } = 'shape' in of ? of : { shape: of as Shape, dtype: 'f32' as const };
    return { name, shape, dtype };
  });
  const rows = rowsFor(names.keys(), ...rowsOf.flatMap(({ shape }) => [...shape]));
  const fed = rowsOf.map(({ name, shape, dtype }) => input(name, [rows, ...shape], dtype));
  const made = options.outputs(
    Object.fromEntries(fed.map((each) => [each.name, each])) as unknown as Record<Name, Tensor>,
  );
  const to = new Lowering({ table: TABLE, rows, values: weights, names });
  to.reserve([...rowsOf.map(({ name }) => name), ...Object.keys(made)]);
  const inputs = rowsOf.map(({ name, shape, dtype }, i): OnnxValue => {
    const own = [BATCH, ...shape];
    to.bind(fed[i] as Tensor, to.input(name, own, name, dtype === 'u32' ? 'int64' : 'float'));
    return { name, shape: own };
  });
  const values = to.values(Object.values(made));
  const outputs = Object.entries(made).map(([name, of], i): OnnxValue => {
    to.node('Identity', [values[i] as string], undefined, name);
    const shape = to.declared(of.shape);
    to.graph.output(name, shape, name);
    return { name, shape };
  });
  const bytes = to.graph.encode({
    name: 'graph',
    version,
    description: 'a graph of latentgpu',
    metadata: { latentgpu_part: 'graph' },
  });
  return { bytes, inputs, outputs };
}
