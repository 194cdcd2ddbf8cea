// jax-js: every piece of work is one jitted function.
import {
  defaultDevice,
  init,
  type Array as JaxArray,
  jit,
  nn,
  numpy as np,
  random,
} from '@jax-js/jax';
import { type Engine, type OpenSampler, type Peer, samplingTask } from '../engine.ts';
import { factors, VAE } from '../inputs.ts';
import { version } from '../node_modules/@jax-js/jax/package.json';
import { arrayOf, dispose, mlp, type Parameters, parametersOf } from './jax-js/arrays.ts';
import { chain } from './jax-js/chain.ts';
import { convolution, images } from './jax-js/convolution.ts';
import { flow } from './jax-js/flow.ts';
import { recurrent } from './jax-js/recurrent.ts';
import { density, mixture } from './jax-js/sums.ts';
import { replayed } from './jax-js/task.ts';
import { training } from './jax-js/vae.ts';

/** What a page bundles to draw from a trained decoder. */
export const sampler: OpenSampler = async (backend, { layers }) => {
  await init(backend);
  defaultDevice(backend);
  const parameters = parametersOf(layers);
  const images = (z: JaxArray, p: Parameters) => {
    const result = nn.sigmoid(mlp(z, p));
    dispose(p);
    return result;
  };
  const decode = jit(images);
  const draw = jit(
    (count: number, key: JaxArray, p: Parameters) =>
      images(random.normal(key, [count, VAE.latent]), p),
    { staticArgnums: [0] },
  );
  const own = () => parameters.map((p) => p.ref);
  return {
    sample: async (count, seed) =>
      (await draw(count, random.key(seed), own()).data()) as Float32Array,
    decode: async (z) =>
      (await decode(arrayOf(z, [z.length / VAE.latent, VAE.latent]), own()).data()) as Float32Array,
    dispose: () => {
      dispose(parameters);
      decode.dispose();
      draw.dispose();
    },
  };
};

export const peer: Peer = {
  name: 'jax-js',
  version,
  backends: ['webgpu', 'wasm'],
  async open(backend): Promise<Engine> {
    const devices = await init(backend);
    if (!devices.includes(backend)) throw new Error(`jax-js has no ${backend} here`);
    defaultDevice(backend);
    return {
      product: async (m, k, n) => {
        const { a, b } = factors(m, k, n);
        return replayed('product', (x, y) => np.matmul(x as JaxArray, y as JaxArray), [
          arrayOf(a, [m, k]),
          arrayOf(b, [k, n]),
        ]);
      },
      training: async (batch, samples) => training(batch, samples),
      sampling: (count) => samplingTask(sampler, backend, count),
      flow: async (part) => flow(part),
      density: async () => density(),
      mixture: async () => mixture(),
      convolution: async () => convolution(),
      images: async () => images(),
      recurrent: async () => recurrent(),
      chain: async () => chain(backend),
    };
  },
};
