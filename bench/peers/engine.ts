// What an engine has to offer in order to be measured: a file in peers/ exports one `peer`.
import { codes, type Layer, vaeLayers } from './inputs.ts';

export type Backend = 'webgpu' | 'wasm';

/** Arrays that are held against the float64 reference, by name. */
export type Results = Readonly<Record<string, Float32Array>>;

/** A piece of work, ready to be repeated. */
export interface Task {
  /**
   * Does the work `times` times, as the engine's documentation recommends for speed, and resolves
   * with the last result once it is on the host: the time is that of finished work.
   */
  run(times: number): Promise<Float32Array>;
  /** The same program on the inputs of `inputs.ts`, for the reference. */
  check(): Promise<Results>;
  dispose(): void | Promise<void>;
}

/** log p(x), the sampling direction, or a training step. */
export type FlowPart = 'density' | 'sampling' | 'training';

/** Each method is a row of the table; an engine that cannot do one gives the reason instead. */
export interface Engine {
  /** What is worth knowing of the set-up: threads, say. */
  readonly note?: string;
  /** a [m, k] · b [k, n]; result `product`. */
  product: Offer<[m: number, k: number, n: number]>;
  /**
   * A step of Adam on a batch that stays on the device, with noise of the engine's own; the run's
   * result is the loss. One sample: the ELBO with the closed divergence; more: the importance-weighted
   * bound. Results of {@link Task.check}, with given noise: `losses` of the first steps, and
   * `parameters`, all layers end to end (weight [from, to], bias), encoder first.
   */
  training: Offer<[batch: number, samples: number]>;
  /** Images [count, 784] of codes that the engine draws; result `images`, of given codes. */
  sampling: Offer<[count: number]>;
  /** Results: `logProb` [256]; `x` [256, 64]; `losses` and `parameters`. */
  flow: Offer<[part: FlowPart]>;
  /** log Σ_k exp Σ_m log N(z; mean, std): result `y` [4096]. */
  density: Offer<[]>;
  /**
   * What a step of EM sums over all rows, with r = p(c | x) and y = P (x - μ) of each component: `sums`,
   * Σ r [K], Σ r y [K, D] and Σ r y yᵀ [K, D, D] end to end.
   */
  mixture: Offer<[]>;
  /**
   * ReLU of a convolution by windows of 3 × 3, zeros around: `sums` [64] over all pixels of all images;
   * when checked also `y`, the first image's with maps last.
   */
  convolution: Offer<[]>;
  /**
   * A step of Adam on a net of three such layers, ReLU between, whose result are logits of the images
   * themselves: the mean over images of minus their log-likelihood. Results as of {@link Engine.training}.
   */
  images: Offer<[]>;
  /**
   * A step of Adam on gated recurrent units and a full layer, which tell each number of series by those before it:
   * the mean square of what is left. Results as of {@link Engine.training}: the units' layer of inputs, that of
   * states, and the last one, gates in PyTorch's order.
   */
  recurrent: Offer<[]>;
  /** y ← y/2 + x, a hundred times; result `y`. */
  chain: Offer<[]>;
}

export type Offer<Args extends unknown[]> = ((...args: Args) => Promise<Task | string>) | string;

/** A trained VAE in every form that an engine may load. */
export interface Trained {
  /** Address of a model folder of this library. */
  readonly folder: string;
  /** Address of the decoder as ONNX: `z` to `images`. */
  readonly onnx: string;
  readonly layers: readonly Layer[];
}

export interface Sampler {
  /** Images [count, 784] of codes drawn from the prior. */
  sample(count: number, seed: number): Promise<Float32Array>;
  /** Images of given codes [count, 20]. */
  decode(z: Float32Array<ArrayBuffer>): Promise<Float32Array>;
  dispose(): void | Promise<void>;
}

/**
 * A peer's file may export one as `sampler`, next to `peer`: it is bundled by itself, and the bundle is
 * weighed.
 */
export type OpenSampler = (backend: Backend, trained: Trained) => Promise<Sampler>;

/** The task of the sampling rows, by the very sampler that is weighed. */
export async function samplingTask(
  open: OpenSampler,
  backend: Backend,
  count: number,
): Promise<Task> {
  const model = await open(backend, {
    folder: 'models/vae',
    onnx: 'models/decoder.onnx',
    layers: vaeLayers().decoder,
  });
  let seed = 0;
  return {
    async run(times) {
      let images: Float32Array = new Float32Array();
      for (let i = 0; i < times; i++) images = await model.sample(count, seed++);
      return images;
    },
    check: async () => ({ images: await model.decode(codes(count)) }),
    dispose: () => model.dispose(),
  };
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly backends: readonly Backend[];
  /** Called once in a page of its own. */
  open(backend: Backend): Promise<Engine>;
}
