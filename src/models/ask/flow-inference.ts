// What a trained bijection is asked for: noise of data, data of noise, draws.
import type { Runtime } from '../../scheduler/index.ts';
import type { BijectionAbility } from '../abilities.ts';
import { lack, type Model, need } from '../model.ts';
import { FlowSampler } from './flow-sampler.ts';
import type { Asked, Codes, DrawOptions, InferenceOptions, Shown } from './interface.ts';
import { BLOCK, checkStop, checkWhole, type Rows, rowsOf, type WorkOptions } from './rows.ts';

/** Rows at once: few for whoever wants few. */
const SIZES = [1, 8, BLOCK] as const;
/** Rows that the host holds beside those that are asked for. */
const HELD = 1024;

/**
 * A bijection at work: its codes are noise [count, D], and both directions are exact. Data that are grey
 * levels are the levels again: what lies in [n, n + 1) / 256 is n / 255.
 *
 * ```ts
 * const asked = new FlowInference(runtime, model);
 * const { mean: noise } = await asked.encode(rows, 100); // [100, D]
 * await asked.destroy();
 * ```
 */
export class FlowInference implements Asked {
  readonly model: Model;
  readonly runtime: Runtime;
  private readonly bijection: BijectionAbility;
  private readonly options: InferenceOptions;
  private readonly samplers = new Map<number, FlowSampler>();

  /** @throws LatentGpuError `bad-input` for a model that is no bijection */
  constructor(runtime: Runtime, model: Model, options: InferenceOptions = {}) {
    this.options = options;
    this.runtime = runtime;
    this.model = model;
    this.bijection = need(model, 'bijection', 'this');
  }

  private samplerFor(count: number): FlowSampler {
    const batch = SIZES.find((size) => size >= count) ?? SIZES[2];
    let found = this.samplers.get(batch);
    if (!found) {
      found = new FlowSampler(this.runtime, this.bijection.flow, { ...this.options, batch });
      this.samplers.set(batch, found);
    }
    return found;
  }

  /** Rows through one direction, some at a time: all of them need not lie in memory twice. */
  private async passed(
    way: 'forward' | 'inverse',
    what: string,
    rows: Rows,
    count: number,
    { onProgress, signal }: WorkOptions,
    seen: (part: Float32Array) => Float32Array,
  ): Promise<Float32Array> {
    const { features } = this.model;
    const source = rowsOf(what, rows, count, features);
    const result = new Float32Array(count * features);
    for (let start = 0; start < count; start += HELD) {
      checkStop(signal, `${what} of ${count} rows`);
      const end = Math.min(count, start + HELD);
      const { value } = await this.samplerFor(count)[way](seen(source(start, end)), {
        ...(signal && { signal }),
        onProgress: (done) => onProgress?.((start + done * (end - start)) / count),
      });
      result.set(value, start * features);
    }
    return result;
  }

  /** Noise of data rows [count, D]; of a grey level, of the middle of what stands for it. */
  async encode(x: Rows, count: number, options: WorkOptions = {}): Promise<Codes> {
    const levels = this.model.can.grey?.levels;
    const seen = (part: Float32Array) => (levels ? part.map(middleOf(levels)) : part);
    return {
      mean: await this.passed('inverse', 'data', x, count, options, seen),
      logStd: undefined,
    };
  }

  async drawCodes(): Promise<Float32Array> {
    throw lack(this.model.can, 'code.draw', 'this', 'a bijection, whose codes are not drawn');
  }

  /** Data rows [count, D] of noise [count, D]. Nothing is left to draw: `shown` changes nothing. */
  async decode(
    z: Rows,
    count: number,
    _shown: Shown = 'mean',
    _drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    return this.levelsOf(await this.passed('forward', 'noise', z, count, options, (part) => part));
  }

  /** What comes back of data rows [count, D]: the same, but for rounding. */
  async reconstruct(
    x: Rows,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const { mean } = await this.encode(x, count, options);
    return await this.decode(mean, count, shown, drawSeed, options);
  }

  /**
   * Draws [count, D], which follow from the seed and a row's place alone.
   *
   * @param options.temperature deviation of the noise: below 1 draws come from denser regions
   */
  async sample(
    count: number,
    _shown: Shown = 'draw',
    drawSeed = 0,
    options: DrawOptions = {},
  ): Promise<Float32Array> {
    checkWhole('count', count, 1);
    const draws = await this.samplerFor(count).sample(count, { ...options, seed: drawSeed });
    return this.levelsOf(draws.value);
  }

  private levelsOf(x: Float32Array): Float32Array {
    const levels = this.model.can.grey?.levels;
    return levels ? x.map(levelOf(levels)) : x;
  }

  async destroy(): Promise<void> {
    for (const sampler of this.samplers.values()) await sampler.destroy();
    this.samplers.clear();
  }
}

const middleOf = (levels: number) => (grey: number) =>
  (Math.round(grey * (levels - 1)) + 0.5) / levels;

const levelOf = (levels: number) => (x: number) =>
  Math.min(levels - 1, Math.max(0, Math.floor(x * levels))) / (levels - 1);
