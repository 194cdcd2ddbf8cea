// The decoder without WebGPU. Four rows at a time through all layers, so that each weight that is fetched
// serves four rows.
import { silu, softplus } from '../ops/reference/special.ts';
import type { Backend } from './backend.ts';
import { gelu } from './gelu.ts';
import type { Network } from './network.ts';
import { multiplications, ROWS } from './product.ts';

/** Of those that products do not do themselves. */
const functions: Readonly<Record<string, (x: number) => number>> = {
  tanh: Math.tanh,
  softplus,
  gelu,
  silu,
  leakyRelu: (x) => (x > 0 ? x : 0.01 * x),
};

/** Σ level · probability / (L - 1) of each feature. */
function levelMeans(logits: Float32Array, levels: number): Float32Array {
  return Float32Array.from({ length: logits.length / levels }, (_, i) => {
    const own = logits.subarray(i * levels, (i + 1) * levels);
    const top = Math.max(...own);
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
      const steps = layers.map(({ outputs, activation: name }, i) => {
        const width = i === layers.length - 1 && !raw ? features * means : outputs;
        return { width, y: new Float32Array(ROWS * width), name, f: functions[name] };
      });
      for (let first = 0; first < count; first += ROWS) {
        const rows = Math.min(ROWS, count - first);
        let x = codes.subarray(first * latent, (first + rows) * latent);
        steps.forEach(({ width, y: whole, name, f }, i) => {
          const y = whole.subarray(0, rows * width);
          multiply[i]!(x, y, name);
          if (f) for (let at = 0; at < y.length; at++) y[at] = f(y[at]!);
          x = y;
        });
        if (!raw && means > 1) x = levelMeans(x, means);
        await sink(x, x.length / rows, first, rows);
      }
    },
    destroy() {},
  };
}
