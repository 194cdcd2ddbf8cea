// What a trained flow is asked for: noise of data, data of noise, draws.
import type { Runtime } from '../../scheduler/index.ts';
import { type Codes, rowsOf, type Shown } from '../inference.ts';
import { checkWhole, type Rows, type WorkOptions } from '../rows.ts';
import { type FlowModel, GREY_LEVELS } from './model.ts';
import { FlowSampler } from './sampler.ts';

/** Rows at once: few for whoever wants few. */
const SIZES = [1, 8, 64] as const;

/**
 * A flow at work, asked in the same words as a latent-variable model: its codes are noise [count, D], and
 * both directions are exact. Data of a flow on grey levels are the levels again: what lies in
 * [n, n + 1) / 256 is n / 255.
 */
export class FlowInference {
  readonly model: FlowModel;
  readonly runtime: Runtime;
  private readonly samplers = new Map<number, FlowSampler>();

  constructor(runtime: Runtime, model: FlowModel) {
    this.runtime = runtime;
    this.model = model;
  }

  private samplerFor(count: number): FlowSampler {
    const batch = SIZES.find((size) => size >= count) ?? SIZES[2];
    let found = this.samplers.get(batch);
    if (!found) {
      found = new FlowSampler(this.runtime, this.model.flow, { batch });
      this.samplers.set(batch, found);
    }
    return found;
  }

  /** Noise of data rows [count, D]; of a grey level, of the middle of what stands for it. */
  async encode(x: Rows, count: number, options: WorkOptions = {}): Promise<Codes> {
    const rows = rowsOf('data', x, count, this.model.features)(0, count);
    const seen = this.model.isDequantized ? rows.map(middleOf) : rows;
    const { value } = await this.samplerFor(count).inverse(seen, options);
    return { mean: value, logStd: undefined };
  }

  /** Data rows [count, D] of noise [count, D]. Nothing is left to draw: `shown` changes nothing. */
  async decode(
    z: Rows,
    count: number,
    _shown: Shown = 'mean',
    _drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const noise = rowsOf('noise', z, count, this.model.features)(0, count);
    return this.levelsOf((await this.samplerFor(count).forward(noise, options)).value);
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
    options: WorkOptions & { readonly temperature?: number } = {},
  ): Promise<Float32Array> {
    checkWhole('count', count, 1);
    const draws = await this.samplerFor(count).sample(count, { ...options, seed: drawSeed });
    return this.levelsOf(draws.value);
  }

  private levelsOf(x: Float32Array): Float32Array {
    return this.model.isDequantized ? x.map(levelOf) : x;
  }

  /** Frees the plans and their inputs; the model's parameters stay. */
  async destroy(): Promise<void> {
    for (const sampler of this.samplers.values()) await sampler.destroy();
    this.samplers.clear();
  }
}

const WHITE = GREY_LEVELS - 1;

const middleOf = (grey: number) => (Math.round(grey * WHITE) + 0.5) / GREY_LEVELS;

const levelOf = (x: number) => Math.min(WHITE, Math.max(0, Math.floor(x * GREY_LEVELS))) / WHITE;
