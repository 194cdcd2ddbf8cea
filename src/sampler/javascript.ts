// The decoder in plain JavaScript, for visitors without WebGPU. Four rows at a time through all layers,
// so that each weight that is fetched serves four rows; sums in float64.
import { gelu, sigmoid, silu, softplus } from '../ops/reference/special.ts';
import type { Backend } from './backend.ts';
import { ACTIVATIONS, type Layer, type Network } from './network.ts';

/** Rows that one pass over the weights serves. */
export const ROWS = 4;

/** In the order of ACTIVATIONS. */
const functions: readonly ((x: number) => number)[] = [
  (x) => x,
  (x) => Math.max(x, 0),
  Math.tanh,
  sigmoid,
  softplus,
  gelu,
  silu,
  (x) => (x > 0 ? x : 0.01 * x),
];

/** The first `outputs` features of a layer for four rows. */
function dense(
  { inputs, weight, bias }: Layer,
  outputs: number,
  f: (x: number) => number,
  x: Float32Array,
): Float32Array {
  const y = new Float32Array(ROWS * outputs);
  for (let n = 0; n < outputs; n += 2) {
    // Two features at once; the last of an odd number is computed twice.
    const m = Math.min(n + 1, outputs - 1);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let e = 0;
    let g = 0;
    let h = 0;
    let i = 0;
    for (let k = 0, p = n * inputs, q = m * inputs; k < inputs; k++) {
      const v = weight[p + k]!;
      const w = weight[q + k]!;
      const x0 = x[k]!;
      const x1 = x[inputs + k]!;
      const x2 = x[2 * inputs + k]!;
      const x3 = x[3 * inputs + k]!;
      a += v * x0;
      b += v * x1;
      c += v * x2;
      d += v * x3;
      e += w * x0;
      g += w * x1;
      h += w * x2;
      i += w * x3;
    }
    y[m] = f(e + bias[m]!);
    y[outputs + m] = f(g + bias[m]!);
    y[2 * outputs + m] = f(h + bias[m]!);
    y[3 * outputs + m] = f(i + bias[m]!);
    y[n] = f(a + bias[n]!);
    y[outputs + n] = f(b + bias[n]!);
    y[2 * outputs + n] = f(c + bias[n]!);
    y[3 * outputs + n] = f(d + bias[n]!);
  }
  return y;
}

/** Σ level · probability / (L - 1) of each feature. */
function levelMeans(logits: Float32Array, levels: number): Float32Array {
  return Float32Array.from({ length: logits.length / levels }, (_, i) => {
    const own = logits.subarray(i * levels, (i + 1) * levels);
    const top = own.reduce((a, b) => Math.max(a, b));
    let total = 0;
    let weighted = 0;
    own.forEach((logit, level) => {
      const e = Math.exp(logit - top);
      total += e;
      weighted += e * level;
    });
    return weighted / total / (levels - 1);
  });
}

export function openJavaScript(network: Network): Backend {
  const { layers, latent, features, perFeature, kind } = network;
  return {
    name: 'javascript',
    adapter: 'JavaScript',
    async decode(codes, count, raw, sink) {
      const means = kind === 'categorical' ? perFeature : 1;
      for (let first = 0; first < count; first += ROWS) {
        let x: Float32Array = new Float32Array(ROWS * latent);
        x.set(codes.subarray(first * latent, (first + ROWS) * latent));
        layers.forEach((layer, i) => {
          const isLast = i === layers.length - 1;
          const f =
            functions[
              isLast && kind === 'bernoulli' ? ACTIVATIONS.indexOf('sigmoid') : layer.activation
            ]!;
          x = dense(layer, isLast && !raw ? features * means : layer.outputs, f, x);
        });
        if (!raw && means > 1) x = levelMeans(x, means);
        await sink(x, x.length / ROWS, first, Math.min(ROWS, count - first));
      }
    },
    destroy() {},
  };
}
