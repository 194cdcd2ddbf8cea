// Draws of a model whose program says how.
import { philox4x32, seedWords } from '../../random.ts';
import { CHOSEN_MASKS } from '../../streams.ts';
import type { Take } from '../folder.ts';
import { bad, type Held, hold, type OpenOptions } from '../open.ts';
import { allocate, type Pace, pacer } from '../pace.ts';
import type { CodesOptions, DecodeOptions, Painter, SampleOptions } from '../painter.ts';
import type { Streams } from './format.ts';
import { playInJavaScript } from './javascript.ts';
import { noiseOf } from './noise.ts';
import { type Part, type Program, readProgram } from './read.ts';
import type { ProgramBackend } from './task.ts';
import { checkDraws, labelsOf } from './told.ts';
import { playOnWebGpu } from './webgpu.ts';

/** Products that JavaScript has done before the GPU would have answered. */
const QUICK = 2 ** 20;

/** @throws LatentGpuError `bad-format`, `bad-data`; with `backend: 'webgpu'` what keeps the GPU from it */
export async function programPainter(
  text: string,
  name: string,
  features: number,
  take: Take,
  options: OpenOptions,
): Promise<Painter> {
  const program = readProgram(text, name, features, take);
  const here = playInJavaScript(program);
  const ways = {
    javascript: () => here,
    webgpu: (gpu: GPU | undefined) => playOnWebGpu(program, gpu),
  };
  return new ProgramPainter(program, features, await hold(ways, options), here);
}

/** What rows are asked for, and what of it is fed. */
interface Wish {
  readonly part: Part;
  readonly streams: Streams;
  readonly width: number;
  readonly seed: number;
  /** Of these rows, with the backend's own. */
  feeds(first: number, count: number): Record<string, Float32Array>;
}

class ProgramPainter implements Painter {
  readonly abilities: Program;
  readonly #features: number;
  readonly #held: Held<ProgramBackend>;
  /** Codes are drawn here: they are few numbers, and the same on every host. */
  readonly #here: ProgramBackend;

  constructor(
    program: Program,
    features: number,
    held: Held<ProgramBackend>,
    here: ProgramBackend,
  ) {
    this.abilities = program;
    this.#features = features;
    this.#held = held;
    this.#here = here;
  }

  get backend(): ProgramBackend {
    return this.#held.backend;
  }

  async codes(count: number, options: CodesOptions): Promise<Float32Array> {
    return await this.#codes(count, options, 'mean');
  }

  async sample(count: number, options: SampleOptions): Promise<Float32Array> {
    const { parts } = this.abilities;
    const shown = this.#shown(options.draw);
    const labels = labelsOf(count, options, this.abilities, true);
    const codes =
      (parts.codes || this.abilities.latent) && (await this.#codes(count, options, shown));
    return await this.#decoded(
      count,
      codes || undefined,
      labels,
      options,
      this.#streams(options, shown),
    );
  }

  async decode(codes: Float32Array, options: DecodeOptions): Promise<Float32Array> {
    const count = codes.length / this.abilities.latent;
    const labels = labelsOf(count, options, this.abilities, false);
    return await this.#decoded(count, codes, labels, options, this.abilities.streams.decoded ?? []);
  }

  destroy(): void {
    this.#held.destroy();
  }

  /** Of a model that has no means draws, and the other way round. */
  #shown(draw = false): 'mean' | 'draw' {
    const { mean, draw: drawn } = this.abilities.parts;
    return (draw && drawn) || !mean ? 'draw' : 'mean';
  }

  #streams({ cluster }: CodesOptions, shown: 'mean' | 'draw'): Streams {
    const { streams } = this.abilities;
    if (cluster === undefined) return streams[shown] ?? [];
    return streams[shown === 'mean' ? 'clusterMean' : 'clusterDraw'] ?? [];
  }

  async #codes(
    count: number,
    options: CodesOptions,
    shown: 'mean' | 'draw',
  ): Promise<Float32Array> {
    checkDraws(options, this.abilities);
    const { seed = 0, signal, cluster, temperature = 1, temperatures } = options;
    const { parts } = this.abilities;
    const part = cluster === undefined ? parts.codes : parts.clusters;
    if (!part) {
      throw bad(
        this.abilities.latent
          ? 'the model has no distribution of codes to draw from; decode codes of your own'
          : 'the model has no codes; sample it',
      );
    }
    const { clusters = 0, layers = [] } = this.abilities;
    // They are named from the top, and layers lie from the data on.
    const heats = Float32Array.from(temperatures?.toReversed() ?? layers.map(() => 1));
    const wish: Wish = {
      part,
      streams: this.#streams(options, shown),
      width: this.abilities.latent,
      seed,
      feeds: (_, rows) => ({
        temperature: Float32Array.of(temperature),
        temperatures: heats,
        chosen: Float32Array.from(
          { length: rows * clusters },
          (_, i) => +(i % clusters === cluster),
        ),
      }),
    };
    return await this.#all(count, wish, this.#here, pacer(signal));
  }

  async #decoded(
    count: number,
    codes: Float32Array | undefined,
    labels: Float32Array,
    { draw, seed = 0, signal }: DecodeOptions,
    streams: Streams,
  ): Promise<Float32Array> {
    const { parts, work, latent } = this.abilities;
    const wish: Wish = {
      part: parts[this.#shown(draw)]!,
      streams,
      width: this.#features,
      seed,
      feeds: (first, rows) => ({
        ...(codes && { z: codes.subarray(first * latent, (first + rows) * latent) }),
        labels: labels.subarray(first, first + rows),
      }),
    };
    const pace = pacer(signal);
    return await this.#held.run(
      (backend) => this.#all(count, wish, backend, pace),
      signal,
      count * work <= QUICK,
    );
  }

  /** All rows, as many at a time as are best. */
  async #all(
    count: number,
    { part, streams, width, seed, feeds }: Wish,
    backend: ProgramBackend,
    pace: Pace,
  ): Promise<Float32Array> {
    const { rows: block, stride, orders = 1 } = this.abilities;
    const key = seedWords(seed);
    const result = allocate(count, width);
    for (let first = 0; first < count; first += backend.rows) {
      const rows = Math.min(backend.rows, count - first);
      // As the engine's Random draws an integer.
      const own = Array.from({ length: rows }, (_, i) =>
        Math.floor((philox4x32([first + i, CHOSEN_MASKS, 0, 0], key)[0] / 2 ** 32) * orders),
      );
      const noise = noiseOf(key, streams, { first, block, stride });
      for (const order of new Set(own)) {
        const made = await backend.run({
          part,
          rows,
          feeds: { ...feeds(first, rows), order: Float32Array.of(order) },
          noise,
          pace,
        });
        own.forEach((each, i) => {
          const row = made.subarray(i * width, (i + 1) * width);
          if (each === order) result.set(row, (first + i) * width);
        });
      }
    }
    return result;
  }
}
