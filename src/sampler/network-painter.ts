// Draws of a decoder of full layers.
import { seedWords } from '../random.ts';
import { FIRST_UNNAMED_STREAM, samplingStreams } from '../streams.ts';
import type { Backend, Sink } from './backend.ts';
import { coder, drawer } from './draw.ts';
import { openJavaScript } from './javascript.ts';
import type { Network } from './network.ts';
import { bad, Held, type OpenOptions } from './open.ts';
import { allocate, pacer } from './pace.ts';
import type { Abilities, CodesOptions, DecodeOptions, Painter, SampleOptions } from './painter.ts';
import { ROWS } from './product.ts';
import { openWebGpu } from './webgpu.ts';

/** Multiplications that JavaScript has done before the GPU would have answered. */
const QUICK = 2 ** 20;

/** @throws LatentGpuError of `openWebGpu` if `options.backend` asks for that alone */
export async function networkPainter(network: Network, options: OpenOptions): Promise<Painter> {
  let here: Backend | undefined;
  const ways = {
    javascript: () => {
      here ??= openJavaScript(network);
      return here;
    },
    webgpu: (gpu: GPU | undefined) => openWebGpu(network, gpu),
  };
  return new NetworkPainter(network, await Held.open(ways, options));
}

class NetworkPainter implements Painter {
  readonly abilities: Abilities;
  readonly #network: Network;
  readonly #held: Held<Backend>;

  constructor(network: Network, held: Held<Backend>) {
    this.abilities = { latent: network.latent };
    this.#network = network;
    this.#held = held;
  }

  get backend(): Backend {
    return this.#held.backend;
  }

  async sample(count: number, options: SampleOptions): Promise<Float32Array> {
    const { draw = false } = options;
    const streams = samplingStreams(draw && this.#network.kind === 'bernoulli');
    const codes = await this.#codes(count, options, streams.codes);
    return await this.#decode(codes, options, streams.decoder);
  }

  codes(count: number, options: CodesOptions): Promise<Float32Array> {
    return this.#codes(count, options, FIRST_UNNAMED_STREAM);
  }

  decode(codes: Float32Array, options: DecodeOptions): Promise<Float32Array> {
    return this.#decode(codes, options, FIRST_UNNAMED_STREAM);
  }

  destroy(): void {
    this.#held.destroy();
  }

  async #codes(
    count: number,
    { seed = 0, signal }: CodesOptions,
    stream: number,
  ): Promise<Float32Array> {
    if (this.#network.family === 'ae') {
      throw bad(
        'an autoencoder has no distribution of codes to draw from; decode codes of your own',
      );
    }
    const { latent } = this.#network;
    const draw = coder(this.#network, seedWords(seed), stream);
    const codes = allocate(count, latent);
    const pace = pacer(signal);
    for (let row = 0; row < count; row++) {
      draw(row, codes.subarray(row * latent, (row + 1) * latent));
      const turn = pace.due();
      if (turn) await turn;
    }
    return codes;
  }

  async #decode(
    codes: Float32Array,
    { draw = false, seed = 0, signal }: DecodeOptions,
    stream: number,
  ): Promise<Float32Array> {
    const network = this.#network;
    const { features, latent } = network;
    const count = codes.length / latent;
    const images = allocate(count, features);
    const finish = draw ? drawer(network, seedWords(seed), stream) : undefined;
    const isRaw = draw && network.perFeature > 1;
    const { mean, std } = network.original ?? {};
    const pace = pacer(signal);
    const work = async (backend: Backend) => {
      const sink: Sink = async (rows, stride, first, n) => {
        // Whoever waits for the GPU lets the page have its turn.
        if (backend.name === 'webgpu') pace.restart();
        for (let r = 0; r < n; r++) {
          const image = images.subarray((first + r) * features, (first + r + 1) * features);
          const outputs = rows.subarray(r * stride, (r + 1) * stride);
          if (finish) finish(outputs, first + r, image);
          else image.set(outputs.subarray(0, features));
          if (mean && std)
            for (let d = 0; d < features; d++) image[d] = image[d]! * std[d]! + mean[d]!;
          const turn = pace.due();
          if (turn) await turn;
        }
      };
      await backend.decode(codes, count, isRaw, sink);
      return images;
    };
    return await this.#held.run(work, signal, count <= ROWS && network.work * ROWS <= QUICK);
  }
}
