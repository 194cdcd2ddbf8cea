// TensorFlow.js: eager operations within `tidy`, variables and an optimizer for training.
import * as tf from '@tensorflow/tfjs-core';
import {
  type Backend,
  type Engine,
  type FlowPart,
  type OpenSampler,
  type Peer,
  type Results,
  samplingTask,
  type Task,
} from '../engine.ts';
import {
  ADAM,
  CHAIN,
  CHECKED_STEPS,
  CONVOLUTION,
  chainInput,
  convolutionInputs,
  DENSITY,
  densityInputs,
  FLOW,
  factors,
  flowLayers,
  flowRows,
  IMAGE_NET,
  imageBatch,
  imageLayers,
  type Layer,
  MIXTURE,
  mixtureInputs,
  mixtureOffsets,
  RECURRENT,
  recurrentBatch,
  recurrentLayers,
  VAE,
  vaeBatch,
  vaeLayers,
  vaeNoise,
} from '../inputs.ts';
import { version } from '../node_modules/@tensorflow/tfjs-core/package.json';

async function openBackend(backend: Backend): Promise<string | undefined> {
  if (backend === 'webgpu') {
    await import('@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs has no webgpu here');
    await tf.ready();
    return undefined;
  }
  const { wasm, paths } = await import('./assets/tfjs-wasm.ts');
  wasm.setWasmPaths(paths);
  // Half of the cores by default.
  wasm.setThreadsCount(navigator.hardwareConcurrency);
  if (!(await tf.setBackend('wasm'))) throw new Error('tfjs has no wasm here');
  await tf.ready();
  return `${wasm.getThreadsCount()} of ${navigator.hardwareConcurrency} threads`;
}

/** Weight and bias of each layer, one after another. */
const tensorsOf = (layers: readonly Layer[]): tf.Tensor2D[] =>
  layers.flatMap(({ weight, bias, from, to }) => [
    tf.tensor2d(weight, [from, to]),
    tf.tensor2d(bias, [1, to]),
  ]);

function mlp(x: tf.Tensor2D, parameters: readonly tf.Tensor[]): tf.Tensor2D {
  let h = x;
  for (let i = 0; i < parameters.length; i += 2) {
    h = tf.add(tf.matMul(h, parameters[i] as tf.Tensor2D), parameters[i + 1] as tf.Tensor);
    if (i + 2 < parameters.length) h = tf.relu(h);
  }
  return h;
}

const columns = (x: tf.Tensor2D, i: 0 | 1, width: number) =>
  tf.slice(x, [0, i * width], [-1, width]);

/** What a page bundles to draw from a trained decoder. */
export const sampler: OpenSampler = async (backend, { layers }) => {
  await openBackend(backend);
  const parameters = tensorsOf(layers);
  const images = async (z: () => tf.Tensor2D) => {
    const result = tf.tidy(() => tf.sigmoid(mlp(z(), parameters)));
    const values = (await result.data()) as Float32Array;
    result.dispose();
    return values;
  };
  return {
    sample: (count) => images(() => tf.randomNormal([count, VAE.latent]) as tf.Tensor2D),
    decode: (z) => images(() => tf.tensor2d(z, [z.length / VAE.latent, VAE.latent])),
    dispose: () => tf.dispose(parameters),
  };
};

function replayed(name: string, f: () => tf.Tensor, inputs: tf.Tensor[]): Task {
  const run = async (times: number) => {
    let last = tf.tidy(f);
    for (let i = 1; i < times; i++) {
      last.dispose();
      last = tf.tidy(f);
    }
    const values = (await last.data()) as Float32Array;
    last.dispose();
    return values;
  };
  return {
    run,
    check: async () => ({ [name]: await run(1) }),
    dispose: () => tf.dispose(inputs),
  };
}

const LOG_2PI = Math.log(2 * Math.PI);
/** Σ log N(x; 0, 1) over the last axis. */
const standardNormal = (x: tf.Tensor) => tf.sum(tf.mul(tf.add(tf.square(x), LOG_2PI), -0.5), -1);

function vaeLoss(
  parameters: readonly tf.Tensor[],
  x: tf.Tensor2D,
  noise: tf.Tensor2D,
  samples: number,
): tf.Scalar {
  const { latent, features } = VAE;
  const batch = x.shape[0];
  const out = mlp(x, parameters.slice(0, 4));
  const [mean, logStd] = [columns(out, 0, latent), columns(out, 1, latent)];
  const density = (logits: tf.Tensor, data: tf.Tensor) =>
    tf.sum(tf.sub(tf.mul(data, logits), tf.softplus(logits)), -1);
  if (samples === 1) {
    const z = tf.add(mean, tf.mul(tf.exp(logStd), noise)) as tf.Tensor2D;
    const logLikelihood = density(mlp(z, parameters.slice(4)), x);
    const half = tf.mul(tf.sub(tf.add(tf.square(mean), tf.exp(tf.mul(logStd, 2))), 1), 0.5);
    const kl = tf.sum(tf.sub(half, logStd), -1);
    return tf.mean(tf.sub(kl, logLikelihood));
  }
  const eps = tf.reshape(noise, [batch, samples, latent]);
  const wide = (y: tf.Tensor) => tf.reshape(y, [batch, 1, latent]);
  const z = tf.add(wide(mean), tf.mul(tf.exp(wide(logStd)), eps));
  const flat = mlp(tf.reshape(z, [batch * samples, latent]), parameters.slice(4));
  const logits = tf.reshape(flat, [batch, samples, features]);
  const logLikelihood = density(logits, tf.reshape(x, [batch, 1, features]));
  const logPosterior = tf.sub(standardNormal(eps), tf.reshape(tf.sum(logStd, -1), [batch, 1]));
  const logWeights = tf.sub(tf.add(logLikelihood, standardNormal(z)), logPosterior);
  return tf.neg(tf.mean(tf.sub(tf.logSumExp(logWeights, -1), Math.log(samples))));
}

/** Variables in training; `loss` is a graph over them. */
class Trainer {
  readonly variables: tf.Variable[];
  private readonly optimizer: tf.Optimizer;

  /** @param start where the variables begin; owned */
  constructor(start: readonly tf.Tensor[]) {
    this.variables = start.map((tensor) => {
      const made = tf.variable(tensor);
      tensor.dispose();
      return made;
    });
    const { rate, beta1, beta2, epsilon } = ADAM;
    this.optimizer = tf.train.adam(rate, beta1, beta2, epsilon);
  }

  async run(times: number, loss: (variables: readonly tf.Tensor[]) => tf.Scalar) {
    const step = () =>
      tf.tidy(() => {
        return this.optimizer.minimize(
          () => loss(this.variables),
          true,
          this.variables,
        ) as tf.Scalar;
      });
    let last = step();
    for (let i = 1; i < times; i++) {
      last.dispose();
      last = step();
    }
    const values = (await last.data()) as Float32Array;
    last.dispose();
    return values;
  }

  async parameters(): Promise<Float32Array> {
    const parts: number[] = [];
    for (const each of this.variables) for (const v of await each.data()) parts.push(v);
    return Float32Array.from(parts);
  }

  dispose(): void {
    tf.dispose(this.variables);
    this.optimizer.dispose();
  }
}

/** The first steps, for the reference. */
async function firstSteps(
  start: readonly tf.Tensor[],
  losses: readonly ((variables: readonly tf.Tensor[]) => tf.Scalar)[],
): Promise<Results> {
  const checked = new Trainer(start);
  const values: number[] = [];
  for (const loss of losses) values.push((await checked.run(1, loss))[0] as number);
  const parameters = await checked.parameters();
  checked.dispose();
  return { losses: Float32Array.from(values), parameters };
}

function training(batch: number, samples: number): Task {
  const { encoder, decoder } = vaeLayers();
  const layers = [...encoder, ...decoder];
  const trainer = new Trainer(tensorsOf(layers));
  const x = tf.tensor2d(vaeBatch(batch), [batch, VAE.features]);
  const shape: [number, number] = [batch * samples, VAE.latent];
  return {
    run: (times) =>
      trainer.run(times, (p) => vaeLoss(p, x, tf.randomNormal(shape) as tf.Tensor2D, samples)),
    check: () =>
      firstSteps(
        tensorsOf(layers),
        vaeNoise(batch, samples).map(
          (noise) => (p) => vaeLoss(p, x, tf.tensor2d(noise, shape), samples),
        ),
      ),
    dispose: () => {
      trainer.dispose();
      x.dispose();
    },
  };
}

/** Log-scale and shift for the part that moves. */
function affine(kept: tf.Tensor2D, net: readonly tf.Tensor[]): [tf.Tensor2D, tf.Tensor2D] {
  const { bound, features } = FLOW;
  const out = mlp(kept, net);
  const h = columns(out, 1, features / 2);
  return [tf.mul(tf.tanh(tf.div(h, bound)), bound), columns(out, 0, features / 2)];
}

const PER_NET = 6;

function flowDensity(parameters: readonly tf.Tensor[], rows: tf.Tensor2D): tf.Tensor {
  const width = FLOW.features / 2;
  let x = rows;
  let logDet: tf.Tensor | undefined;
  for (let i = FLOW.couplings - 1; i >= 0; i--) {
    const flip = i % 2 === 1;
    const [kept, moves] = [columns(x, flip ? 1 : 0, width), columns(x, flip ? 0 : 1, width)];
    const [s, shift] = affine(kept, parameters.slice(i * PER_NET, (i + 1) * PER_NET));
    const moved = tf.mul(tf.sub(moves, shift), tf.exp(tf.neg(s))) as tf.Tensor2D;
    x = tf.concat(flip ? [moved, kept] : [kept, moved], 1);
    const slope = tf.sum(s, -1);
    logDet = logDet ? tf.add(logDet, slope) : slope;
  }
  return tf.sub(standardNormal(x), logDet as tf.Tensor);
}

function flowSampling(parameters: readonly tf.Tensor[], rows: tf.Tensor2D): tf.Tensor {
  const width = FLOW.features / 2;
  let z = rows;
  for (let i = 0; i < FLOW.couplings; i++) {
    const flip = i % 2 === 1;
    const [kept, moves] = [columns(z, flip ? 1 : 0, width), columns(z, flip ? 0 : 1, width)];
    const [s, shift] = affine(kept, parameters.slice(i * PER_NET, (i + 1) * PER_NET));
    const moved = tf.add(tf.mul(moves, tf.exp(s)), shift) as tf.Tensor2D;
    z = tf.concat(flip ? [moved, kept] : [kept, moved], 1);
  }
  return z;
}

function flow(part: FlowPart): Task {
  const layers = flowLayers().flat();
  const rows = tf.tensor2d(flowRows(), [FLOW.batch, FLOW.features]);
  if (part !== 'training') {
    const parameters = tensorsOf(layers);
    const [name, f] =
      part === 'density' ? (['logProb', flowDensity] as const) : (['x', flowSampling] as const);
    return replayed(name, () => f(parameters, rows), [rows, ...parameters]);
  }
  const trainer = new Trainer(tensorsOf(layers));
  const loss = (p: readonly tf.Tensor[]) => tf.neg(tf.mean(flowDensity(p, rows))) as tf.Scalar;
  return {
    run: (times) => trainer.run(times, loss),
    check: () => firstSteps(tensorsOf(layers), Array(CHECKED_STEPS).fill(loss)),
    dispose: () => {
      trainer.dispose();
      rows.dispose();
    },
  };
}

function density(): Task {
  const { batch, samples, latent } = DENSITY;
  const values = densityInputs();
  const z = tf.tensor3d(values.z, [batch, samples, latent]);
  const mean = tf.tensor3d(values.mean, [batch, 1, latent]);
  const logStd = tf.tensor3d(values.logStd, [batch, 1, latent]);
  const f = () => {
    const u = tf.div(tf.sub(z, mean), tf.exp(logStd));
    const each = tf.sub(tf.mul(tf.add(tf.square(u), LOG_2PI), -0.5), logStd);
    return tf.logSumExp(tf.sum(each, -1), -1);
  };
  return replayed('y', f, [z, mean, logStd]);
}

function mixture(): Task {
  const { rows, features: d, components: k } = MIXTURE;
  const values = mixtureInputs();
  const x = tf.tensor3d(values.x, [1, rows, d]);
  const offsets = tf.tensor2d(mixtureOffsets(values.logWeights, values.factor), [k, 1]);
  const mean = tf.tensor3d(values.mean, [k, 1, d]);
  const factor = tf.tensor3d(values.factor, [k, d, d]);
  const f = () => {
    const y = tf.matMul(tf.sub(x, mean) as tf.Tensor3D, factor, false, true);
    const joint = tf.add(tf.mul(tf.sum(tf.square(y), -1), -0.5), offsets);
    // Softmax is along the last axis.
    const r = tf.exp(tf.sub(joint, tf.logSumExp(joint, 0, true)));
    const weighed = tf.mul(y, tf.expandDims(r, -1)) as tf.Tensor3D;
    const second = tf.matMul(weighed, y, true, false);
    const first = tf.sum(weighed, 1);
    return tf.concat([
      tf.sum(r, 1),
      tf.reshape(first, [-1]),
      tf.reshape(second, [-1]),
    ] as tf.Tensor1D[]);
  };
  return replayed('sums', f, [x, offsets, mean, factor]);
}

/** Of windows of 3 × 3, maps last, in the kernel that adds the bias and activates. */
const layerOf = (
  h: tf.Tensor4D,
  [weight, bias]: readonly [tf.Tensor, tf.Tensor],
  activation: 'relu' | 'linear',
): tf.Tensor4D => {
  const [, to] = weight.shape as [number, number];
  const filter = tf.reshape(weight, [3, 3, h.shape[3], to]) as tf.Tensor4D;
  return tf.fused.conv2d({ x: h, filter, strides: 1, pad: 'same', bias, activation });
};

/** With biases of one axis, which is what the kernel of the WebAssembly backend looks for. */
const windowTensors = (layers: readonly Layer[]) =>
  layers.flatMap(({ weight, bias, from, to }) => [
    tf.tensor2d(weight, [from, to]),
    tf.tensor1d(bias),
  ]);

function convolution(): Task {
  const { batch, extent, from } = CONVOLUTION;
  const { x, layer } = convolutionInputs();
  const images = tf.tensor4d(x, [batch, extent, extent, from]);
  const [weight, bias] = windowTensors([layer]) as [tf.Tensor, tf.Tensor];
  const y = () => layerOf(images, [weight, bias], 'relu');
  const task = replayed('sums', () => tf.sum(y(), [0, 1, 2]), [images, weight, bias]);
  return {
    ...task,
    async check() {
      const first = tf.tidy(() => tf.slice(y(), [0, 0, 0, 0], [1, -1, -1, -1]));
      const values = (await first.data()) as Float32Array;
      first.dispose();
      return { ...(await task.check()), y: values };
    },
  };
}

function images(): Task {
  const { batch, extent } = IMAGE_NET;
  const layers = imageLayers();
  const x = tf.tensor4d(imageBatch(), [batch, extent, extent, 1]);
  const loss = (p: readonly tf.Tensor[]) => {
    let h = x;
    for (let i = 0; i < p.length; i += 2) {
      const pair = [p[i] as tf.Tensor, p[i + 1] as tf.Tensor] as const;
      h = layerOf(h, pair, i + 2 < p.length ? 'relu' : 'linear');
    }
    const each = tf.sub(tf.mul(x, h), tf.softplus(h));
    return tf.mul(tf.mean(each), -(extent ** 2)) as tf.Scalar;
  };
  const trainer = new Trainer(windowTensors(layers));
  return {
    run: (times) => trainer.run(times, loss),
    check: () => firstSteps(windowTensors(layers), Array(CHECKED_STEPS).fill(loss)),
    dispose: () => {
      trainer.dispose();
      x.dispose();
    },
  };
}

/** Steps by a cell written out: the core has no gated units. What is said of inputs is one product of all steps. */
function recurrent(): Task {
  const { batch, steps, hidden } = RECURRENT;
  const layers = recurrentLayers();
  const x = tf.tensor2d(recurrentBatch(), [steps * batch, 1]);
  const loss = (p: readonly tf.Tensor[]) => {
    const [w, b, u, c, v, d] = p as tf.Tensor2D[] as [
      ...[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
      ...[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
    ];
    const before = tf.concat([tf.zeros([batch, 1]), tf.slice(x, [0, 0], [(steps - 1) * batch, 1])]);
    const given = tf.split(tf.add(tf.matMul(before as tf.Tensor2D, w), b), steps);
    let h = tf.zeros([batch, hidden]) as tf.Tensor2D;
    const states = given.map((each) => {
      const [inR, inZ, inN] = tf.split(each, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const told = tf.add(tf.matMul(h, u), c);
      const [toldR, toldZ, toldN] = tf.split(told, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const r = tf.sigmoid(tf.add(inR, toldR));
      const z = tf.sigmoid(tf.add(inZ, toldZ));
      const n = tf.tanh(tf.add(inN, tf.mul(r, toldN)));
      h = tf.add(n, tf.mul(z, tf.sub(h, n))) as tf.Tensor2D;
      return h;
    });
    const made = tf.add(tf.matMul(tf.concat(states), v), d);
    return tf.mean(tf.square(tf.sub(made, x))) as tf.Scalar;
  };
  const trainer = new Trainer(tensorsOf(layers));
  return {
    run: (times) => trainer.run(times, loss),
    check: () => firstSteps(tensorsOf(layers), Array(CHECKED_STEPS).fill(loss)),
    dispose: () => {
      trainer.dispose();
      x.dispose();
    },
  };
}

function chain(): Task {
  const x = tf.tensor1d(chainInput());
  const f = () => {
    let y: tf.Tensor = x;
    for (let i = 0; i < CHAIN.length / 2; i++) y = tf.add(tf.mul(y, 0.5), x);
    return y;
  };
  return replayed('y', f, [x]);
}

export const peer: Peer = {
  name: 'tfjs',
  version,
  backends: ['webgpu', 'wasm'],
  async open(backend): Promise<Engine> {
    // Not with the import of the core, so that a bundle that only draws does without.
    await import('@tensorflow/tfjs-core/dist/register_all_gradients');
    const note = await openBackend(backend);
    return {
      ...(note && { note }),
      product: async (m, k, n) => {
        const { a, b } = factors(m, k, n);
        const [x, y] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])];
        return replayed('product', () => tf.matMul(x, y), [x, y]);
      },
      training: async (batch, samples) => training(batch, samples),
      sampling: (count) => samplingTask(sampler, backend, count),
      flow: async (part) => flow(part),
      density: async () => density(),
      mixture: async () => mixture(),
      convolution: async () => convolution(),
      images: async () => images(),
      recurrent: async () => recurrent(),
      chain: async () => chain(),
    };
  },
};
