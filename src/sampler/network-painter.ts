// Draws of a decoder of full layers.
import { seedWords } from '../random.ts';
import { FIRST_UNNAMED_STREAM, samplingStreams } from '../streams.ts';
import type { Backend } from './backend.ts';
import { coder, drawer } from './draw.ts';
import { openJavaScript } from './javascript.ts';
import type { Network } from './network.ts';
import { bad, hold, type OpenOptions } from './open.ts';
import { allocate, pacer } from './pace.ts';
import type { CodesOptions, DecodeOptions, Painter } from './painter.ts';
import { ROWS } from './product.ts';
import { openWebGpu } from './webgpu.ts';

/** Multiplications that JavaScript has done before the GPU would have answered. */
const QUICK = 2 ** 20;

/** @throws LatentGpuError of `openWebGpu` if `options.backend` asks for that alone */
export async function networkPainter(network: Network, options: OpenOptions): Promise<Painter> {
  const { features, latent, places, words } = network;
  let here: Backend | undefined;
  const held = await hold(
    {
      javascript: () => {
        here ??= openJavaScript(network);
        return here;
      },
      webgpu: (gpu) => openWebGpu(network, gpu),
    },
    options,
  );

  async function codes(
    count: number,
    { seed = 0, signal }: CodesOptions,
    stream = FIRST_UNNAMED_STREAM,
  ): Promise<Float32Array> {
    if (network.family === 'ae') {
      throw bad(
        'an autoencoder has no distribution of codes to draw from; decode codes of your own',
      );
    }
    const draw = coder(network, seedWords(seed), stream);
    const codes = allocate(count, latent);
    const pace = pacer(signal);
    for (let row = 0; row < count; row++) {
      draw(row, codes.subarray(row * latent, (row + 1) * latent));
      const turn = pace.due();
      if (turn) await turn;
    }
    return codes;
  }

  async function decode(
    codes: Float32Array,
    { draw = false, seed = 0, signal }: DecodeOptions,
    stream = FIRST_UNNAMED_STREAM,
    last = FIRST_UNNAMED_STREAM,
  ): Promise<Float32Array> {
    const count = codes.length / latent;
    const images = allocate(count, features);
    const streams = draw ? ([stream, last + +(places.length > 0)] as const) : undefined;
    const isOfWords = words.length > 0;
    const finish = draw || isOfWords ? drawer(network, seedWords(seed), streams) : undefined;
    const isRaw = isOfWords || (draw && network.perFeature > 1);
    const { mean, std } = network.original ?? {};
    const pace = pacer(signal);
    const work = async (backend: Backend) => {
      await backend.decode(codes, count, isRaw, async (rows, stride, first, n) => {
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
      });
      return images;
    };
    return await held.run(work, signal, count <= ROWS && network.work * ROWS <= QUICK);
  }

  return {
    abilities: { latent },
    get backend() {
      return held.backend;
    },
    async sample(count, options) {
      const isFirst = !!options.draw && network.kind === 'bernoulli' && places.length > 0;
      const streams = samplingStreams(isFirst);
      const drawn = await codes(count, options, streams.codes);
      return await decode(drawn, options, streams.decoder, FIRST_UNNAMED_STREAM + 1);
    },
    codes,
    decode,
    destroy: held.destroy,
  };
}
