// The decoder without WebGPU. Four rows at a time through all layers, so that each weight that is fetched
// serves four rows.
import { gelu, sigmoid, silu, softplus } from '../ops/reference/special.ts';
import type { Backend } from './backend.ts';
import { ACTIVATIONS, type Network } from './network.ts';
import { multiplications, placeOf, ROWS } from './product.ts';

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

/** The first `outputs` features of a layer for four rows, of its products. */
function activated(
  products: Float32Array,
  bias: Float32Array,
  outputs: number,
  f: (x: number) => number,
): Float32Array {
  const y = new Float32Array(ROWS * outputs);
  for (let r = 0, at = 0; r < ROWS; r++) {
    for (let n = 0; n < outputs; n++) y[at++] = f(products[placeOf(r, n)]! + bias[n]!);
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
  const multiply = multiplications(layers);
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
          const outputs = isLast && !raw ? features * means : layer.outputs;
          x = activated(multiply[i]!(x, outputs), layer.bias, outputs, f);
        });
        if (!raw && means > 1) x = levelMeans(x, means);
        await sink(x, x.length / ROWS, first, Math.min(ROWS, count - first));
      }
    },
    destroy() {},
  };
}
