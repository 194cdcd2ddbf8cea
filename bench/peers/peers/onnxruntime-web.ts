// ONNX Runtime: sessions over fixed graphs. It runs models and does not train them.
import type * as Ort from 'onnxruntime-web';
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
  CHAIN,
  CONVOLUTION,
  chainInput,
  convolutionInputs,
  DENSITY,
  densityInputs,
  FLOW,
  factors,
  flowRows,
  normals,
  turned,
  VAE,
} from '../inputs.ts';
import { version } from '../node_modules/onnxruntime-web/package.json';

type Shape = readonly number[];
type Inputs = Readonly<Record<string, readonly [values: Float32Array, shape: Shape]>>;

async function runtime(backend: Backend): Promise<typeof Ort> {
  if (backend === 'webgpu') return (await import('./assets/ort-webgpu.ts')).ort;
  return (await import('./assets/ort-wasm.ts')).ort;
}

const open = (ort: typeof Ort, backend: Backend, model: Uint8Array, onGpu: boolean) =>
  ort.InferenceSession.create(model, {
    executionProviders: [backend],
    graphOptimizationLevel: 'all',
    // Results that nobody asks for stay where they are.
    ...(onGpu && { preferredOutputLocation: 'gpu-buffer' as const }),
  });

/** What a page bundles to draw from a trained decoder. */
export const sampler: OpenSampler = async (backend, { onnx }) => {
  const ort = await runtime(backend);
  const model = new Uint8Array(await (await fetch(onnx)).arrayBuffer());
  const session = await open(ort, backend, model, false);
  const decode = async (z: Float32Array) => {
    const fed = new ort.Tensor('float32', z, [z.length / VAE.latent, VAE.latent]);
    const { images } = await session.run({ z: fed });
    return (await (images as Ort.Tensor).getData()) as Float32Array;
  };
  return {
    // Codes come from the host: the runtime draws none on a GPU.
    sample: (count, seed) => decode(normals(`${seed}`, count * VAE.latent)),
    decode,
    dispose: () => session.release(),
  };
};

/** A session whose inputs stay on the device; only the last result is fetched. */
async function replayed(
  ort: typeof Ort,
  backend: Backend,
  name: string,
  model: Uint8Array,
  inputs: Inputs,
): Promise<Task> {
  const session = await open(ort, backend, model, backend === 'webgpu');
  const held: GPUBuffer[] = [];
  const feed = async ([values, shape]: Inputs[string]): Promise<Ort.Tensor> => {
    if (backend === 'wasm') return new ort.Tensor('float32', values, shape);
    const device = (await ort.env.webgpu.device) as GPUDevice;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size: Math.ceil(values.byteLength / 16) * 16, usage });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    held.push(buffer);
    return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape });
  };
  const feeds: Record<string, Ort.Tensor> = {};
  for (const [key, value] of Object.entries(inputs)) feeds[key] = await feed(value);
  const once = async () => (await session.run(feeds))[name] as Ort.Tensor;
  const run = async (times: number) => {
    let last = await once();
    for (let i = 1; i < times; i++) {
      last.dispose();
      last = await once();
    }
    const values = (await last.getData()) as Float32Array;
    last.dispose();
    return values;
  };
  return {
    run,
    check: async () => ({ [name]: await run(1) }),
    dispose: async () => {
      await session.release();
      for (const buffer of held) buffer.destroy();
    },
  };
}

const untrained = 'runs models and does not train them';

async function flow(ort: typeof Ort, backend: Backend, part: FlowPart): Promise<Task | string> {
  if (part === 'training') return untrained;
  const { flowModel } = await import('../onnx/models.ts');
  const rows = [flowRows(), [FLOW.batch, FLOW.features]] as const;
  const name = part === 'density' ? 'logProb' : 'x';
  return await replayed(ort, backend, name, flowModel(part), { rows });
}

async function convolution(ort: typeof Ort, backend: Backend): Promise<Task> {
  const { convolutionModel } = await import('../onnx/models.ts');
  const { batch, extent, from, to } = CONVOLUTION;
  const pixels = extent ** 2;
  const values = turned(convolutionInputs().x, batch, pixels, from);
  const inputs = { x: [values, [batch, from, extent, extent]] } as const;
  const task = await replayed(ort, backend, 'sums', convolutionModel('sums'), inputs);
  return {
    ...task,
    async check() {
      const whole = await replayed(ort, backend, 'y', convolutionModel('y'), inputs);
      const { y } = await whole.check();
      await whole.dispose();
      const first = (y as Float32Array).subarray(0, to * pixels);
      return { ...(await task.check()), y: turned(first, 1, to, pixels) };
    },
  };
}

export const peer: Peer = {
  name: 'onnxruntime-web',
  version,
  backends: ['webgpu', 'wasm'],
  async open(backend): Promise<Engine> {
    const ort = await runtime(backend);
    const models = () => import('../onnx/models.ts');
    return {
      ...(backend === 'wasm' && { note: `${ort.env.wasm.numThreads} threads` }),
      product: async (m, k, n) => {
        const { a, b } = factors(m, k, n);
        const inputs: Inputs = { a: [a, [m, k]], b: [b, [k, n]] };
        const model = (await models()).productModel(m, k, n);
        return await replayed(ort, backend, 'product', model, inputs);
      },
      training: untrained,
      sampling: (count) => samplingTask(sampler, backend, count),
      flow: (part) => flow(ort, backend, part),
      density: async () => {
        const { batch, samples, latent } = DENSITY;
        const { z, mean, logStd } = densityInputs();
        const inputs: Inputs = {
          z: [z, [batch, samples, latent]],
          mean: [mean, [batch, 1, latent]],
          logStd: [logStd, [batch, 1, latent]],
        };
        return await replayed(ort, backend, 'y', (await models()).densityModel(), inputs);
      },
      mixture: untrained,
      convolution: async () => convolution(ort, backend),
      images: untrained,
      recurrent: untrained,
      chain: async () => {
        const inputs: Inputs = { x: [chainInput(), [CHAIN.size]] };
        return await replayed(ort, backend, 'y', (await models()).chainModel(), inputs);
      },
    };
  },
};
