// jax-js: every piece of work is one jitted function. Arrays are owned: what is used again is `.ref`.
import {
  blockUntilReady,
  defaultDevice,
  init,
  type Array as JaxArray,
  jit,
  lax,
  nn,
  numpy as np,
  random,
  valueAndGrad,
} from '@jax-js/jax';
import {
  type Backend,
  type Engine,
  type FlowPart,
  type OpenSampler,
  type Peer,
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
  TAPS,
  turned,
  VAE,
  vaeBatch,
  vaeLayers,
  vaeNoise,
  weightOf,
  windowsOf,
} from '../inputs.ts';
import { version } from '../node_modules/@jax-js/jax/package.json';

/** Weight and bias of each layer, one after another. */
type Parameters = JaxArray[];

const arrayOf = (values: Float32Array<ArrayBuffer>, shape: number[]) => np.array(values, { shape });
const parametersOf = (layers: readonly Layer[]): Parameters =>
  layers.flatMap(({ weight, bias, from, to }) => [
    arrayOf(weight, [from, to]),
    arrayOf(bias, [to]),
  ]);

/** Consumes x, not the parameters. */
function mlp(x: JaxArray, parameters: Parameters): JaxArray {
  let h = x;
  for (let i = 0; i < parameters.length; i += 2) {
    const [weight, bias] = [parameters[i] as JaxArray, parameters[i + 1] as JaxArray];
    h = np.matmul(h, weight.ref).add(bias.ref);
    if (i + 2 < parameters.length) h = nn.relu(h);
  }
  return h;
}

/** Kernels that the chain of operations takes. */
const PIECES = 2;

const dispose = (arrays: readonly JaxArray[]) => {
  for (const array of arrays) array.dispose();
};

const half = (x: JaxArray, i: 0 | 1, width: number) =>
  x.slice([], i === 0 ? [0, width] : [width, 2 * width]);

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

function taskOf(name: string, once: () => JaxArray, end: () => void): Task {
  const run = async (times: number) => {
    // Work whose result nobody waits for is never done: all results are kept until they are there.
    const results = Array.from({ length: times }, once);
    await blockUntilReady(results);
    const last = results.pop() as JaxArray;
    dispose(results);
    return (await last.data()) as Float32Array;
  };
  return { run, check: async () => ({ [name]: await run(1) }), dispose: end };
}

/** A function of inputs that stay on the device. */
function replayed(name: string, f: (...inputs: JaxArray[]) => JaxArray, inputs: JaxArray[]): Task {
  const jitted = jit(f);
  return taskOf(
    name,
    () => jitted(...inputs.map((x) => x.ref)),
    () => {
      dispose(inputs);
      jitted.dispose();
    },
  );
}

const squared = (x: JaxArray) => np.square(x);
const LOG_2PI = Math.log(2 * Math.PI);

/** Σ log N(x; 0, 1) over the last axis. */
const standardNormal = (x: JaxArray) => squared(x).add(LOG_2PI).mul(-0.5).sum(-1);

function vaeLoss(parameters: Parameters, x: JaxArray, noise: JaxArray, samples: number): JaxArray {
  const { latent } = VAE;
  const batch = x.shape[0] as number;
  const out = mlp(x.ref, parameters.slice(0, 4));
  const mean = half(out.ref, 0, latent);
  const logStd = half(out, 1, latent);
  if (samples === 1) {
    const z = mean.ref.add(np.exp(logStd.ref).mul(noise));
    const logits = mlp(z, parameters.slice(4));
    const logLikelihood = x.mul(logits.ref).sub(nn.softplus(logits)).sum(-1);
    const kl = squared(mean)
      .add(np.exp(logStd.ref.mul(2)))
      .sub(1)
      .mul(0.5)
      .sub(logStd)
      .sum(-1);
    dispose(parameters);
    return kl.sub(logLikelihood).mean();
  }
  const eps = noise.reshape([batch, samples, latent]);
  const wide = (y: JaxArray) => y.reshape([batch, 1, latent]);
  const z = wide(mean).add(np.exp(wide(logStd.ref)).mul(eps.ref));
  const logits = mlp(z.ref.reshape([batch * samples, latent]), parameters.slice(4)).reshape([
    batch,
    samples,
    VAE.features,
  ]);
  const logLikelihood = x
    .reshape([batch, 1, VAE.features])
    .mul(logits.ref)
    .sub(nn.softplus(logits))
    .sum(-1);
  const logPosterior = standardNormal(eps).sub(logStd.sum(-1).reshape([batch, 1]));
  const logWeights = logLikelihood.add(standardNormal(z)).sub(logPosterior);
  dispose(parameters);
  return nn.logsumexp(logWeights, -1).sub(Math.log(samples)).mean().mul(-1);
}

type State = { parameters: Parameters; m: Parameters; v: Parameters; count: JaxArray };

/** One step of Adam (Kingma and Ba 2015); consumes the state. */
function adam({ parameters, m, v, count }: State, gradients: Parameters): State {
  const { rate, beta1, beta2, epsilon } = ADAM;
  const next = count.add(1);
  const c1 = np
    .exp(next.ref.mul(Math.log(beta1)))
    .mul(-1)
    .add(1);
  const c2 = np
    .exp(next.ref.mul(Math.log(beta2)))
    .mul(-1)
    .add(1);
  const newM = m.map((x, i) => x.mul(beta1).add((gradients[i] as JaxArray).ref.mul(1 - beta1)));
  const newV = v.map((x, i) => x.mul(beta2).add(squared(gradients[i] as JaxArray).mul(1 - beta2)));
  const updated = parameters.map((p, i) => {
    const mean = (newM[i] as JaxArray).ref.div(c1.ref);
    const deviation = np.sqrt((newV[i] as JaxArray).ref.div(c2.ref)).add(epsilon);
    return p.sub(mean.mul(rate).div(deviation));
  });
  dispose([c1, c2]);
  return { parameters: updated, m: newM, v: newV, count: next };
}

/** Owns the parameters. */
const startOf = (parameters: Parameters): State => ({
  parameters,
  m: parameters.map((p) => np.zerosLike(p.ref)),
  v: parameters.map((p) => np.zerosLike(p.ref)),
  count: np.array(0),
});

const disposeState = ({ parameters, m, v, count }: State) =>
  dispose([...parameters, ...m, ...v, count]);

async function joined(arrays: readonly JaxArray[]): Promise<Float32Array> {
  const parts: number[] = [];
  for (const array of arrays) for (const v of await array.ref.data()) parts.push(v);
  return Float32Array.from(parts);
}

/** Steps are queued; only the last one's loss is waited for. */
async function steps(times: number, next: () => JaxArray): Promise<Float32Array> {
  let loss = next();
  for (let i = 1; i < times; i++) {
    // Submits what is pending, without waiting for it.
    void blockUntilReady(loss);
    loss.dispose();
    loss = next();
  }
  return (await loss.data()) as Float32Array;
}

function training(batch: number, samples: number): Task {
  const { encoder, decoder } = vaeLayers();
  const layers = [...encoder, ...decoder];
  const x = arrayOf(vaeBatch(batch), [batch, VAE.features]);
  const shape = [batch * samples, VAE.latent];
  const gradients = valueAndGrad((p: Parameters, data: JaxArray, noise: JaxArray) =>
    vaeLoss(p, data, noise, samples),
  );
  const update = (state: State, data: JaxArray, noise: JaxArray): [JaxArray, State] => {
    const [loss, g] = gradients(
      state.parameters.map((p) => p.ref),
      data,
      noise,
    );
    return [loss, adam(state, g as Parameters)];
  };
  const step = jit((state: State, data: JaxArray, key: JaxArray): [JaxArray, State, JaxArray] => {
    const keys = random.split(key);
    const [own, next] = [keys.ref.slice(0), keys.slice(1)];
    const [loss, after] = update(state, data, random.normal(own, shape));
    return [loss, after, next];
  });
  let state = startOf(parametersOf(layers));
  let key = random.key(1);
  return {
    run: (times) =>
      steps(times, () => {
        const [loss, after, next] = step(state, x.ref, key);
        state = after;
        key = next;
        return loss;
      }),
    async check() {
      const given = jit(update);
      let checked = startOf(parametersOf(layers));
      const losses: number[] = [];
      for (const noise of vaeNoise(batch, samples)) {
        const [loss, after] = given(checked, x.ref, arrayOf(noise, shape));
        checked = after;
        losses.push((await loss.data())[0] as number);
      }
      const parameters = await joined(checked.parameters);
      disposeState(checked);
      given.dispose();
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => {
      disposeState(state);
      dispose([x, key]);
      step.dispose();
    },
  };
}

/** Log-scale and shift for the part that moves; consumes the part that stays. */
function affine(kept: JaxArray, net: Parameters): [JaxArray, JaxArray] {
  const { bound, features } = FLOW;
  const out = mlp(kept, net);
  const shift = half(out.ref, 0, features / 2);
  return [np.tanh(half(out, 1, features / 2).div(bound)).mul(bound), shift];
}

const PER_NET = 6;
const netOf = (parameters: Parameters, i: number) =>
  parameters.slice(i * PER_NET, (i + 1) * PER_NET);

function flowDensity(parameters: Parameters, rows: JaxArray): JaxArray {
  const width = FLOW.features / 2;
  let x = rows;
  let logDet: JaxArray | undefined;
  for (let i = FLOW.couplings - 1; i >= 0; i--) {
    const flip = i % 2 === 1;
    const kept = half(x.ref, flip ? 1 : 0, width);
    const moves = half(x, flip ? 0 : 1, width);
    const [s, shift] = affine(kept.ref, netOf(parameters, i));
    const moved = moves.sub(shift).mul(np.exp(s.ref.mul(-1)));
    x = np.concatenate(flip ? [moved, kept] : [kept, moved], -1);
    const slope = s.sum(-1);
    logDet = logDet ? logDet.add(slope) : slope;
  }
  dispose(parameters);
  return standardNormal(x).sub(logDet as JaxArray);
}

function flowSampling(parameters: Parameters, rows: JaxArray): JaxArray {
  const width = FLOW.features / 2;
  let z = rows;
  for (let i = 0; i < FLOW.couplings; i++) {
    const flip = i % 2 === 1;
    const kept = half(z.ref, flip ? 1 : 0, width);
    const moves = half(z, flip ? 0 : 1, width);
    const [s, shift] = affine(kept.ref, netOf(parameters, i));
    const moved = moves.mul(np.exp(s)).add(shift);
    z = np.concatenate(flip ? [moved, kept] : [kept, moved], -1);
  }
  dispose(parameters);
  return z;
}

function flow(part: FlowPart): Task {
  const layers = flowLayers().flat();
  const rows = arrayOf(flowRows(), [FLOW.batch, FLOW.features]);
  if (part !== 'training') {
    const [name, f] =
      part === 'density' ? (['logProb', flowDensity] as const) : (['x', flowSampling] as const);
    return replayed(name, (x, ...p) => f(p, x as JaxArray), [rows, ...parametersOf(layers)]);
  }
  const loss = (p: Parameters, x: JaxArray) => flowDensity(p, x).mean().mul(-1);
  return learning(() => startOf(parametersOf(layers)), loss, rows, joined);
}

/** Steps on a batch that stays, of a loss without noise; the loss consumes both. */
function learning(
  start: () => State,
  loss: (parameters: Parameters, x: JaxArray) => JaxArray,
  x: JaxArray,
  read: (parameters: Parameters) => Promise<Float32Array>,
): Task {
  const gradients = valueAndGrad(loss);
  const step = jit((state: State, data: JaxArray): [JaxArray, State] => {
    const [value, g] = gradients(
      state.parameters.map((p) => p.ref),
      data,
    );
    return [value, adam(state, g as Parameters)];
  });
  let state = start();
  return {
    run: (times) =>
      steps(times, () => {
        const [value, after] = step(state, x.ref);
        state = after;
        return value;
      }),
    async check() {
      let checked = start();
      const losses: number[] = [];
      for (let i = 0; i < CHECKED_STEPS; i++) {
        const [value, after] = step(checked, x.ref);
        checked = after;
        losses.push((await value.data())[0] as number);
      }
      const parameters = await read(checked.parameters);
      disposeState(checked);
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => {
      disposeState(state);
      x.dispose();
      step.dispose();
    },
  };
}

function density(): Task {
  const { batch, samples, latent } = DENSITY;
  const values = densityInputs();
  return replayed(
    'y',
    (z, mean, logStd) => {
      const s = logStd as JaxArray;
      const u = (z as JaxArray).sub(mean as JaxArray).div(np.exp(s.ref));
      const logDensity = squared(u).add(LOG_2PI).mul(-0.5).sub(s).sum(-1);
      return nn.logsumexp(logDensity, -1);
    },
    [
      arrayOf(values.z, [batch, samples, latent]),
      arrayOf(values.mean, [batch, 1, latent]),
      arrayOf(values.logStd, [batch, 1, latent]),
    ],
  );
}

function mixture(): Task {
  const { rows, features: d, components: k } = MIXTURE;
  const { x, logWeights, mean, factor } = mixtureInputs();
  return replayed(
    'sums',
    (data, offsets, mu, p) => {
      const centred = (data as JaxArray).reshape([1, rows, d]).sub(mu as JaxArray);
      const y = np.matmul(centred, np.swapaxes(p as JaxArray, -1, -2));
      const joint = squared(y.ref)
        .sum(-1)
        .mul(-0.5)
        .add(offsets as JaxArray);
      const r = nn.softmax(joint, 0);
      const weighed = y.ref.mul(r.ref.reshape([k, rows, 1]));
      const second = np.matmul(np.swapaxes(weighed.ref, -1, -2), y);
      return np.concatenate([
        r.sum(1),
        weighed.sum(1).reshape([k * d]),
        second.reshape([k * d * d]),
      ]);
    },
    [
      arrayOf(x, [rows, d]),
      arrayOf(mixtureOffsets(logWeights, factor), [k, 1]),
      arrayOf(mean, [k, 1, d]),
      arrayOf(factor, [k, d, d]),
    ],
  );
}

/** Windows [to, maps, 3, 3] and biases, of images with maps first. */
const windowParameters = (layers: readonly Layer[]): Parameters =>
  layers.flatMap((layer) => [
    arrayOf(windowsOf(layer), [layer.to, layer.from / TAPS, 3, 3]),
    arrayOf(layer.bias, [1, layer.to, 1, 1]),
  ]);

/** Consumes all it is given. */
const convolved = (x: JaxArray, weight: JaxArray, bias: JaxArray) =>
  lax.conv(x, weight, [1, 1], 'SAME').add(bias);

function convolution(): Task {
  const { batch, extent, from, to } = CONVOLUTION;
  const pixels = extent ** 2;
  const { x, layer } = convolutionInputs();
  const images = arrayOf(turned(x, batch, pixels, from), [batch, from, extent, extent]);
  const inputs = [images, ...windowParameters([layer])];
  const layerOf = (...given: JaxArray[]) =>
    nn.relu(convolved(...(given as [JaxArray, JaxArray, JaxArray])));
  const task = replayed('sums', (...given) => layerOf(...given).sum([0, 2, 3]), inputs);
  return {
    ...task,
    async check() {
      const jitted = jit(layerOf);
      const y = jitted(...inputs.map((each) => each.ref)).slice(0);
      const values = (await y.data()) as Float32Array;
      jitted.dispose();
      return { ...(await task.check()), y: turned(values, 1, to, pixels) };
    },
  };
}

function images(): Task {
  const { batch, extent } = IMAGE_NET;
  const layers = imageLayers();
  const x = arrayOf(imageBatch(), [batch, 1, extent, extent]);
  const loss = (parameters: Parameters, data: JaxArray) => {
    let h = data.ref;
    for (let i = 0; i < parameters.length; i += 2) {
      h = convolved(h, parameters[i] as JaxArray, parameters[i + 1] as JaxArray);
      if (i + 2 < parameters.length) h = nn.relu(h);
    }
    return data
      .mul(h.ref)
      .sub(nn.softplus(h))
      .mean()
      .mul(-(extent ** 2));
  };
  const read = async (parameters: Parameters) => {
    const parts: number[] = [];
    for (const [i, layer] of layers.entries()) {
      const [weight, bias] = parameters.slice(2 * i, 2 * i + 2) as [JaxArray, JaxArray];
      for (const v of weightOf(layer, await weight.ref.data())) parts.push(v);
      for (const v of await bias.ref.data()) parts.push(v);
    }
    return Float32Array.from(parts);
  };
  return learning(() => startOf(windowParameters(layers)), loss, x, read);
}

/**
 * Jitted in pieces: a hundred multiplications and additions in one kernel nest deeper than Chrome
 * compiles.
 */
function chain(backend: Backend): Task {
  const pieces = backend === 'webgpu' ? PIECES : 1;
  const piece = (y: JaxArray, x: JaxArray) => {
    let next = y;
    for (let i = 0; i < CHAIN.length / 2 / pieces; i++) next = next.mul(0.5).add(x.ref);
    x.dispose();
    return next;
  };
  const jitted = jit(piece);
  const x = arrayOf(chainInput(), [CHAIN.size]);
  return taskOf(
    'y',
    () => {
      let y = x.ref;
      for (let i = 0; i < pieces; i++) y = jitted(y, x.ref);
      return y;
    },
    () => {
      x.dispose();
      jitted.dispose();
    },
  );
}

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
      chain: async () => chain(backend),
    };
  },
};
