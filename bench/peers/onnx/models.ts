// The work of the rows as ONNX graphs, for engines that run nothing else.
import { OnnxGraph } from '../../../src/formats/onnx/graph.ts';
import {
  CHAIN,
  CONVOLUTION,
  convolutionInputs,
  DENSITY,
  FLOW,
  flowLayers,
  type Layer,
  VAE,
  windowsOf,
} from '../inputs.ts';

const info = (name: string) => ({ name, version: '1', description: name, metadata: {} });
const whole = (...values: number[]) => BigInt64Array.from(values.map(BigInt));

/** A graph of float32 values that names its nodes itself. */
class Builder {
  readonly graph = new OnnxGraph();
  private count = 0;

  node(op: string, inputs: string[], attributes: Parameters<OnnxGraph['node']>[3] = {}): string {
    return this.graph.node(`v${this.count++}`, op, inputs, attributes);
  }

  scalar(value: number): string {
    return this.graph.tensor(`c${this.count++}`, [], Float32Array.of(value));
  }

  integers(...values: number[]): string {
    return this.graph.tensor(`i${this.count++}`, [values.length], whole(...values));
  }

  mlp(x: string, layers: readonly Layer[]): string {
    return layers.reduce((h, { name, weight, bias, from, to }, i) => {
      const w = this.graph.tensor(`${name}.weight`, [from, to], weight);
      const b = this.graph.tensor(`${name}.bias`, [to], bias);
      const y = this.node('Gemm', [h, w, b]);
      return i === layers.length - 1 ? y : this.node('Relu', [y]);
    }, x);
  }

  halves(x: string, width: number): [string, string] {
    const names: [string, string] = [`v${this.count++}`, `v${this.count++}`];
    this.graph.nodeOf(names, 'Split', [x, this.integers(width, width)], { axis: 1 });
    return names;
  }

  finish(name: string, value: string, shape: readonly (number | string)[]): Uint8Array {
    this.graph.node(name, 'Identity', [value]);
    this.graph.output(name, shape, name);
    return this.graph.encode(info(name));
  }
}

export function productModel(m: number, k: number, n: number): Uint8Array {
  const b = new Builder();
  const inputs = [b.graph.input('a', [m, k], 'a'), b.graph.input('b', [k, n], 'b')];
  b.graph.node('product', 'MatMul', inputs);
  b.graph.output('product', [m, n], 'product');
  return b.graph.encode(info('product'));
}

export function decoderModel(decoder: readonly Layer[]): Uint8Array {
  const b = new Builder();
  const logits = b.mlp(b.graph.input('z', ['batch', VAE.latent], 'codes'), decoder);
  b.graph.node('images', 'Sigmoid', [logits]);
  b.graph.output('images', ['batch', VAE.features], 'images');
  return b.graph.encode(info('decoder'));
}

function affine(b: Builder, kept: string, layers: readonly Layer[]): { s: string; shift: string } {
  const bound = b.scalar(FLOW.bound);
  const [shift, h] = b.halves(b.mlp(kept, layers), FLOW.features / 2);
  return { s: b.node('Mul', [b.node('Tanh', [b.node('Div', [h, bound])]), bound]), shift };
}

const sumRows = (b: Builder, x: string) =>
  b.node('ReduceSum', [x, b.integers(-1)], { keepdims: 0 });

/** Σ -½ (x² + log 2π) over rows. */
const standardNormal = (b: Builder, x: string) =>
  sumRows(
    b,
    b.node('Mul', [
      b.node('Add', [b.node('Mul', [x, x]), b.scalar(Math.log(2 * Math.PI))]),
      b.scalar(-0.5),
    ]),
  );

export function flowModel(part: 'density' | 'sampling'): Uint8Array {
  const { features, batch } = FLOW;
  const nets = flowLayers().map((layers, i) => ({ layers, flip: i % 2 === 1 }));
  const b = new Builder();
  let x = b.graph.input('rows', [batch, features], 'rows');
  let logDet: string | undefined;
  for (const { layers, flip } of part === 'density' ? nets.reverse() : nets) {
    const parts = b.halves(x, features / 2);
    const [kept, moves] = flip ? [parts[1], parts[0]] : parts;
    const { s, shift } = affine(b, kept, layers);
    const moved =
      part === 'density'
        ? b.node('Mul', [b.node('Sub', [moves, shift]), b.node('Exp', [b.node('Neg', [s])])])
        : b.node('Add', [b.node('Mul', [moves, b.node('Exp', [s])]), shift]);
    x = b.node('Concat', flip ? [moved, kept] : [kept, moved], { axis: 1 });
    const slope = sumRows(b, s);
    logDet = logDet ? b.node('Add', [logDet, slope]) : slope;
  }
  if (part === 'sampling') return b.finish('x', x, [batch, features]);
  return b.finish('logProb', b.node('Sub', [standardNormal(b, x), logDet as string]), [batch]);
}

export function densityModel(): Uint8Array {
  const { batch, samples, latent } = DENSITY;
  const b = new Builder();
  const z = b.graph.input('z', [batch, samples, latent], 'z');
  const mean = b.graph.input('mean', [batch, 1, latent], 'mean');
  const logStd = b.graph.input('logStd', [batch, 1, latent], 'logStd');
  const u = b.node('Div', [b.node('Sub', [z, mean]), b.node('Exp', [logStd])]);
  const square = b.node('Mul', [u, u]);
  const shifted = b.node('Add', [square, b.scalar(Math.log(2 * Math.PI))]);
  const each = b.node('Sub', [b.node('Mul', [shifted, b.scalar(-0.5)]), logStd]);
  const rows = sumRows(b, each);
  const top = b.node('ReduceMax', [rows], { axes: [1], keepdims: 1 });
  const shares = b.node('Exp', [b.node('Sub', [rows, top])]);
  const total = b.node('ReduceSum', [shares, b.integers(1)], { keepdims: 1 });
  const y = b.node('Add', [b.node('Log', [total]), top]);
  return b.finish('y', b.node('Reshape', [y, b.integers(batch)]), [batch]);
}

/** Of images with maps first: the layer, or its sums over pixels. */
export function convolutionModel(result: 'y' | 'sums'): Uint8Array {
  const { batch, extent, from, to } = CONVOLUTION;
  const { layer } = convolutionInputs();
  const b = new Builder();
  const x = b.graph.input('x', [batch, from, extent, extent], 'x');
  const weight = b.graph.tensor('weight', [to, from, 3, 3], windowsOf(layer));
  const bias = b.graph.tensor('bias', [to], layer.bias);
  const y = b.node('Relu', [b.node('Conv', [x, weight, bias], { pads: [1, 1, 1, 1] })]);
  if (result === 'y') return b.finish('y', y, [batch, to, extent, extent]);
  const sums = b.node('ReduceSum', [y, b.integers(0, 2, 3)], { keepdims: 0 });
  return b.finish('sums', sums, [to]);
}

export function chainModel(): Uint8Array {
  const b = new Builder();
  const x = b.graph.input('x', [CHAIN.size], 'x');
  let y = x;
  for (let i = 0; i < CHAIN.length / 2; i++) {
    y = b.node('Add', [b.node('Mul', [y, b.scalar(0.5)]), x]);
  }
  return b.finish('y', y, [CHAIN.size]);
}
