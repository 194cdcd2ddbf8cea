// Activations in ONNX's operators of opset 15. One that has none of its own is composed.
import type { OnnxGraph } from '../formats/onnx/graph.ts';
import type { Activation } from '../ops/index.ts';

type Compose = (graph: OnnxGraph, name: string, x: string) => string;

/** log(1 + eˣ) as max(x, 0) + log(1 + e^-|x|), which no runtime can overflow. */
export const softplus: Compose = (graph, name, x) => {
  const one = constant(graph, `${name}.one`, 1);
  const size = graph.node(`${name}.abs`, 'Abs', [x]);
  const small = graph.node(`${name}.exp`, 'Exp', [graph.node(`${name}.neg`, 'Neg', [size])]);
  const rest = graph.node(`${name}.log`, 'Log', [graph.node(`${name}.add`, 'Add', [small, one])]);
  return graph.node(`${name}.softplus`, 'Add', [graph.node(`${name}.relu`, 'Relu', [x]), rest]);
};

/** x Φ(x) with the error function: the Gelu operator came with opset 20. */
const gelu: Compose = (graph, name, x) => {
  const root = constant(graph, `${name}.rootHalf`, Math.SQRT1_2);
  const one = constant(graph, `${name}.one`, 1);
  const half = constant(graph, `${name}.half`, 0.5);
  const erf = graph.node(`${name}.erf`, 'Erf', [graph.node(`${name}.scaled`, 'Mul', [x, root])]);
  const twice = graph.node(`${name}.add`, 'Add', [erf, one]);
  const whole = graph.node(`${name}.product`, 'Mul', [x, twice]);
  return graph.node(`${name}.gelu`, 'Mul', [whole, half]);
};

const silu: Compose = (graph, name, x) =>
  graph.node(`${name}.silu`, 'Mul', [x, graph.node(`${name}.sigmoid`, 'Sigmoid', [x])]);

const operator =
  (op: string): Compose =>
  (graph, name, x) =>
    graph.node(`${name}.${op.toLowerCase()}`, op, [x]);

const COMPOSED: Readonly<Record<Activation, Compose>> = {
  identity: (_graph, _name, x) => x,
  relu: operator('Relu'),
  tanh: operator('Tanh'),
  sigmoid: operator('Sigmoid'),
  softplus,
  gelu,
  silu,
  leakyRelu: (graph, name, x) =>
    graph.node(`${name}.leakyrelu`, 'LeakyRelu', [x], { alpha: { float: 0.01 } }),
};

/** Applies an activation to the value `x`; nodes are named after it. */
export function activate(graph: OnnxGraph, activation: Activation, x: string): string {
  return COMPOSED[activation](graph, x, x);
}

function constant(graph: OnnxGraph, name: string, value: number): string {
  return graph.tensor(name, [1], Float32Array.of(value));
}
