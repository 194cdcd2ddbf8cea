// latentgpu itself, by its public interface.
import { version } from '../../../package.json';
import {
  type Device,
  distributions,
  flows,
  input,
  nn,
  openDevice,
  ops,
  optim,
  Runtime,
  type Tensor,
  Vae,
  type Variable,
  variable,
} from '../../../src/index.ts';
import { mixtureSums } from '../../../src/models/index.ts';
import { type Engine, type FlowPart, type Peer, samplingTask, type Task } from '../engine.ts';
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
  RECURRENT,
  recurrentBatch,
  recurrentLayers,
  turned,
  VAE,
  vaeBatch,
  vaeLayers,
  vaeNoise,
  weightOf,
  windowsOf,
} from '../inputs.ts';
import { sampler } from './latentgpu/sampler.ts';

export { sampler };

const constantOf = (name: string, shape: number[], values: ArrayLike<number>): Variable =>
  variable(name, shape, { init: () => values });

/** Plans with a result each, that are replayed. */
function replayed(device: Device, name: string, result: Tensor): Promise<Task> {
  return taskOf(device, { [name]: result }, name);
}

async function taskOf(
  device: Device,
  outputs: Record<string, Tensor>,
  name: string,
): Promise<Task> {
  const runtime = new Runtime(device);
  const plan = await runtime.compile({ outputs });
  const run = async (times: number) => {
    await plan.run(times);
    return (await plan.read(name)) as Float32Array;
  };
  return {
    run,
    check: async () => ({ [name]: await run(1) }),
    dispose: () => runtime.destroy(),
  };
}

/** PyTorch's layout, which is the library's: [to, from]. */
function transposed(values: ArrayLike<number>, rows: number, cols: number): Float32Array {
  return Float32Array.from({ length: rows * cols }, (_, i) => {
    return values[(i % rows) * cols + Math.floor(i / rows)] as number;
  });
}

type Nets = readonly (readonly [nn.MLP, readonly Layer[]])[];

function fillAll(runtime: Runtime, nets: Nets): void {
  for (const [mlp, layers] of nets) fill(runtime, mlp, layers);
}

function fill(runtime: Runtime, mlp: nn.MLP, layers: readonly Layer[]): void {
  layers.forEach(({ weight, bias, from, to }, i) => {
    const layer = mlp.layers[i] as nn.Linear;
    runtime.write(layer.weight, transposed(weight, from, to));
    runtime.write(layer.bias as Variable, bias);
  });
}

async function parametersOf(runtime: Runtime, mlps: readonly nn.MLP[]): Promise<Float32Array> {
  const parts: number[] = [];
  for (const { weight, bias } of mlps.flatMap(({ layers }) => layers)) {
    const [to, from] = weight.shape as [number, number];
    const values = await runtime.read(weight);
    for (const v of transposed(values, to, from)) parts.push(v);
    for (const v of await runtime.read(bias as Variable)) parts.push(v);
  }
  return Float32Array.from(parts);
}

/** A step of Adam as a plan, from the parameters that the reference starts from. */
async function trainer(
  device: Device,
  module: nn.Module,
  loss: Tensor,
  start: (runtime: Runtime) => void,
) {
  const { rate, beta1, beta2, epsilon } = ADAM;
  const runtime = new Runtime(device, { seed: 1 });
  const optimizer = optim.adam({ lr: rate, betas: [beta1, beta2], eps: epsilon });
  const { effects } = optim.minimize(loss, module.parameters(), { optimizer });
  const plan = await runtime.beginCompiling({ outputs: { loss }, effects });
  // While the compiler works.
  start(runtime);
  return {
    runtime,
    run: async (times: number) => {
      await plan.run(times);
      return (await plan.read('loss')) as Float32Array;
    },
  };
}

const net = { hidden: [VAE.hidden], activation: 'relu' as const };

/** Encoder and decoder, which are full layers. */
const netsOf = ({ encoder, decoder }: Vae) => [encoder, decoder] as [nn.MLP, nn.MLP];

/** The mean of minus the bound, with this noise [B · K, M]. */
function vaeLoss(model: Vae, x: Tensor, samples: number, noise: Tensor): Tensor {
  const numbers = netsOf(model)[0].call(x);
  const halves = ops.split(numbers, [VAE.latent, VAE.latent]) as [Tensor, Tensor];
  const posterior = new distributions.Normal(...halves);
  const [batch, latent] = posterior.mean.shape as [number, number];
  const prior = new distributions.StandardNormal([batch, latent]);
  if (samples === 1) {
    const z = ops.reparameterize(posterior.mean, posterior.logStd, noise);
    const kl = distributions.klDivergence(posterior, prior);
    return ops.mean(ops.sub(kl, model.decode(z).logProb(x)));
  }
  const q = new distributions.Normal(
    ops.reshape(posterior.mean, [batch, 1, latent]),
    ops.reshape(posterior.logStd, [batch, 1, latent]),
  );
  const z = ops.reparameterize(q.mean, q.logStd, ops.reshape(noise, [batch, samples, latent]));
  const divergence = ops.sub(q.logProb(z), prior.logProb(z));
  const logLikelihood = model.decode(z).logProb(ops.unsqueeze(x, 1));
  return ops.neg(ops.mean(ops.logMeanExp(ops.sub(logLikelihood, divergence), 1)));
}

async function training(device: Device, batch: number, samples: number): Promise<Task> {
  const { encoder, decoder } = vaeLayers();
  const make = async (noise: Tensor) => {
    const model = new Vae({
      shape: [28, 28],
      encoder: net,
      latent: VAE.latent,
      decoder: net,
      likelihood: { kind: 'bernoulli' },
      objective: { bound: 'elbo', samples: 1, kl: 'analytic', beta: 1 },
      init: 'torch',
    });
    const x = constantOf('x', [batch, VAE.features], vaeBatch(batch));
    const loss = vaeLoss(model, x, samples, noise);
    const [e, d] = netsOf(model);
    const nets = [
      [e, encoder],
      [d, decoder],
    ] as const;
    const start = (runtime: Runtime) => fillAll(runtime, nets);
    return { model, ...(await trainer(device, model, loss, start)) };
  };
  const shape = [batch * samples, VAE.latent];
  const { runtime, run } = await make(ops.randomNormal(shape));
  return {
    run,
    async check() {
      const noise = input('noise', shape);
      const checked = await make(noise);
      const losses: number[] = [];
      for (const values of vaeNoise(batch, samples)) {
        checked.runtime.write(noise, values);
        losses.push((await checked.run(1))[0] as number);
      }
      const parameters = await parametersOf(checked.runtime, netsOf(checked.model));
      checked.runtime.destroy();
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => runtime.destroy(),
  };
}

function flowModel(): { flow: flows.Flow; nets: [nn.MLP, readonly Layer[]][] } {
  const { features, hidden } = FLOW;
  const nets: [nn.MLP, readonly Layer[]][] = [];
  const couplings = flowLayers().map(
    (layers, i) =>
      new flows.Coupling({
        shape: [features],
        transformer: flows.affine('soft'),
        flip: i % 2 === 1,
        net: ([from], [to]) => {
          const mlp = new nn.MLP([from as number, hidden, hidden, to as number], 'relu');
          nets.push([mlp, layers]);
          return mlp;
        },
      }),
  );
  return { flow: new flows.Flow(new flows.Chain(couplings)), nets };
}

async function flow(device: Device, part: FlowPart): Promise<Task> {
  const make = async () => {
    const { flow: model, nets } = flowModel();
    const x = constantOf('rows', [FLOW.batch, FLOW.features], flowRows());
    if (part === 'training') {
      const loss = flows.negativeLogLikelihood(model, x);
      const start = (runtime: Runtime) => fillAll(runtime, nets);
      return { nets, name: 'loss', ...(await trainer(device, model, loss, start)) };
    }
    const runtime = new Runtime(device);
    const [name, result] =
      part === 'density'
        ? (['logProb', model.logProb(x)] as const)
        : (['x', model.bijection.forward(x).value] as const);
    const plan = await runtime.compile({ outputs: { [name]: result } });
    fillAll(runtime, nets);
    const run = async (times: number) => {
      await plan.run(times);
      return (await plan.read(name)) as Float32Array;
    };
    return { nets, name, runtime, run };
  };
  const made = await make();
  return {
    run: made.run,
    async check() {
      if (part !== 'training') return { [made.name]: await made.run(1) };
      const { runtime, nets, run } = await make();
      const losses: number[] = [];
      for (let i = 0; i < CHECKED_STEPS; i++) losses.push((await run(1))[0] as number);
      const parameters = await parametersOf(
        runtime,
        nets.map(([mlp]) => mlp),
      );
      runtime.destroy();
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => made.runtime.destroy(),
  };
}

function density(device: Device): Promise<Task> {
  const { batch, samples, latent } = DENSITY;
  const values = densityInputs();
  const q = new distributions.Normal(
    constantOf('mean', [batch, 1, latent], values.mean),
    constantOf('logStd', [batch, 1, latent], values.logStd),
  );
  const z = constantOf('z', [batch, samples, latent], values.z);
  return replayed(device, 'y', ops.logSumExp(q.logProb(z), 1));
}

function mixture(device: Device): Promise<Task> {
  const { rows, features: d, components: k } = MIXTURE;
  const values = mixtureInputs();
  // Factors are kept with the logarithm of their diagonal.
  const factor = values.factor.map((v, i) => (Math.floor(i / d) % d === i % d ? Math.log(v) : v));
  const sums = mixtureSums('full', constantOf('x', [rows, d], values.x), {
    logWeights: constantOf('logWeights', [1, k], values.logWeights),
    mean: constantOf('mean', [1, k, d], values.mean),
    factor: constantOf('factor', [1, k, d, d], factor),
  });
  const flat = [sums.weight, sums.first, sums.second].map((each) => ops.reshape(each, [-1]));
  return replayed(device, 'sums', ops.concat(flat, 0));
}

/** Layers of windows, maps last. */
class ImageNet extends nn.Module {
  readonly layers: nn.Conv2d[];
  private readonly told: readonly Layer[];

  constructor(maps: readonly number[], told: readonly Layer[]) {
    super();
    this.layers = maps.slice(1).map((to, i) => new nn.Conv2d(maps[i] as number, to));
    this.told = told;
  }

  call(x: Tensor, last: 'relu' | 'identity' = 'identity'): Tensor {
    return this.layers.reduce(
      (h, layer, i) => layer.call(h, i === this.layers.length - 1 ? last : 'relu'),
      x,
    );
  }

  fill(runtime: Runtime): void {
    this.told.forEach((told, i) => {
      const { weight, bias } = this.layers[i] as nn.Conv2d;
      runtime.write(weight, windowsOf(told));
      runtime.write(bias as Variable, told.bias);
    });
  }

  async read(runtime: Runtime): Promise<Float32Array> {
    const parts: number[] = [];
    for (const [i, { weight, bias }] of this.layers.entries()) {
      for (const v of weightOf(this.told[i] as Layer, await runtime.read(weight))) parts.push(v);
      for (const v of await runtime.read(bias as Variable)) parts.push(v);
    }
    return Float32Array.from(parts);
  }
}

async function convolution(device: Device): Promise<Task> {
  const { batch, extent, from, to } = CONVOLUTION;
  const { x, layer } = convolutionInputs();
  const model = new ImageNet([from, to], [layer]);
  const y = model.call(constantOf('x', [batch, extent, extent, from], x), 'relu');
  const sums = ops.sum(y, [0, 1, 2]);
  const runtime = new Runtime(device);
  const plan = await runtime.compile({ outputs: { sums } });
  const checked = await runtime.compile({ outputs: { sums, y: ops.slice(y, 0, 0, 1) } });
  model.fill(runtime);
  return {
    run: async (times) => {
      await plan.run(times);
      return (await plan.read('sums')) as Float32Array;
    },
    check: async () => {
      await checked.run();
      const read = async (name: 'sums' | 'y') => (await checked.read(name)) as Float32Array;
      return { sums: await read('sums'), y: await read('y') };
    },
    dispose: () => runtime.destroy(),
  };
}

async function images(device: Device): Promise<Task> {
  const { batch, extent, maps } = IMAGE_NET;
  const make = async () => {
    const model = new ImageNet(maps, imageLayers());
    const x = constantOf('x', [batch, extent, extent, 1], imageBatch());
    const each = new distributions.Bernoulli(ops.reshape(model.call(x), [batch, extent ** 2]));
    const loss = ops.neg(ops.mean(each.logProb(ops.reshape(x, [batch, extent ** 2]))));
    const start = (runtime: Runtime) => model.fill(runtime);
    return { model, ...(await trainer(device, model, loss, start)) };
  };
  return learnt(make);
}

/** Units, and the layer that tells the next step. */
class SeriesNet extends nn.Module {
  readonly units = new nn.GRU(1, [RECURRENT.hidden]);
  readonly last = new nn.Linear(RECURRENT.hidden, 1);

  /** Weights [to, from] and biases, in the order of {@link recurrentLayers}. */
  get pairs(): readonly (readonly [Variable, Variable])[] {
    const [layer] = this.units.layers as [nn.Recurrent['layers'][number]];
    return [
      [layer.weightIh, layer.biasIh],
      [layer.weightHh, layer.biasHh],
      [this.last.weight, this.last.bias as Variable],
    ];
  }

  fill(runtime: Runtime): void {
    recurrentLayers().forEach(({ weight, bias, from, to }, i) => {
      const [own, shift] = this.pairs[i] as readonly [Variable, Variable];
      runtime.write(own, transposed(weight, from, to));
      runtime.write(shift, bias);
    });
  }

  async read(runtime: Runtime): Promise<Float32Array> {
    const parts: number[] = [];
    for (const [weight, bias] of this.pairs) {
      const [to, from] = weight.shape as [number, number];
      for (const v of transposed(await runtime.read(weight), to, from)) parts.push(v);
      for (const v of await runtime.read(bias)) parts.push(v);
    }
    return Float32Array.from(parts);
  }
}

async function recurrent(device: Device): Promise<Task> {
  const { batch, steps } = RECURRENT;
  const series = turned(recurrentBatch(), 1, steps, batch);
  const make = async () => {
    const model = new SeriesNet();
    const x = constantOf('x', [batch, steps, 1], series);
    const told = model.last.call(model.units.call(nn.delayed(x)));
    const loss = ops.mean(ops.square(ops.sub(told, x)));
    const start = (runtime: Runtime) => model.fill(runtime);
    return { model, ...(await trainer(device, model, loss, start)) };
  };
  return learnt(make);
}

/** Steps of a net that stays, whose first are held against the reference. */
async function learnt(
  make: () => Promise<{
    readonly model: { read(runtime: Runtime): Promise<Float32Array> };
    readonly runtime: Runtime;
    run(times: number): Promise<Float32Array>;
  }>,
): Promise<Task> {
  const { runtime, run } = await make();
  return {
    run,
    async check() {
      const checked = await make();
      const losses: number[] = [];
      for (let i = 0; i < CHECKED_STEPS; i++) losses.push((await checked.run(1))[0] as number);
      const parameters = await checked.model.read(checked.runtime);
      checked.runtime.destroy();
      return { losses: Float32Array.from(losses), parameters };
    },
    dispose: () => runtime.destroy(),
  };
}

function chain(device: Device): Promise<Task> {
  const x = constantOf('x', [CHAIN.size], chainInput());
  let y: Tensor = x;
  for (let i = 0; i < CHAIN.length / 2; i++) y = ops.add(ops.mul(y, 0.5), x);
  return replayed(device, 'y', y);
}

const alone = 'draws from trained models without WebGPU, and does nothing else';

/** The small runtime where a page has no WebGPU. */
const fallback: Engine = {
  note: '1 thread',
  product: alone,
  training: alone,
  sampling: (count) => samplingTask(sampler, 'wasm', count),
  flow: alone,
  density: alone,
  mixture: alone,
  convolution: alone,
  images: alone,
  recurrent: alone,
  chain: alone,
};

export const peer: Peer = {
  name: 'latentgpu',
  version,
  backends: ['webgpu', 'wasm'],
  async open(backend): Promise<Engine> {
    if (backend === 'wasm') return fallback;
    const device = await openDevice();
    return {
      product(m, k, n) {
        const { a, b } = factors(m, k, n);
        const c = ops.matmul(constantOf('a', [m, k], a), constantOf('b', [k, n], b));
        return replayed(device, 'product', c);
      },
      training: (batch, samples) => training(device, batch, samples),
      sampling: (count) => samplingTask(sampler, 'webgpu', count),
      flow: (part) => flow(device, part),
      density: () => density(device),
      mixture: () => mixture(device),
      convolution: () => convolution(device),
      images: () => images(device),
      recurrent: () => recurrent(device),
      chain: () => chain(device),
    };
  },
};
