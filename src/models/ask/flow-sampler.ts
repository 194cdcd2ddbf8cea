// A flow at work: draws and passes in either direction, also where a direction takes a step for every
// coordinate. Compiled once for a number of rows and replayed; the host feeds and reads.
import { LatentGpuError } from '../../errors.ts';
import { eventSize, type Flow, Passage, type Way } from '../../flows/index.ts';
import { renumbered } from '../../graph/traverse.ts';
import { input, type Variable, variable } from '../../graph/variable.ts';
import { assign, reshape, step, sub } from '../../ops/index.ts';
import { seedWords } from '../../random.ts';
import type { Plan, Runtime } from '../../scheduler/index.ts';
import { exclusively, withNoise } from './noise.ts';
import { checkStop, checkWhole, fullBatch, type WorkOptions } from './rows.ts';

export interface FlowSamplerOptions {
  /** Rows computed at once. Default: 64. */
  readonly batch?: number;
  /** Features of the context of a conditional flow. Default: 0. */
  readonly context?: number;
  /** Number of the first stream of its noise. Default: 1024. */
  readonly firstStream?: number;
}

export interface PassOptions extends WorkOptions {
  /** [count, C], of conditional flows. */
  readonly context?: Float32Array;
}

export interface DrawOptions extends PassOptions {
  /** Default: 0. */
  readonly seed?: number;
  /** Deviation of the noise: below 1 draws come from denser regions. Default: 1. */
  readonly temperature?: number;
}

/** Rows [count, ...event] and the flow's log-density of each in nats. */
export interface Draws {
  readonly value: Float32Array;
  readonly logProb: Float32Array;
}

/** Rows [count, ...event] and the log-determinant of each in nats. */
export interface Passed {
  readonly value: Float32Array;
  readonly logDet: Float32Array;
}

interface Made {
  readonly passage: Passage;
  readonly from: Variable;
  /** Fills `from` with noise, for draws. */
  readonly draw: Plan | undefined;
}

/**
 * A flow at work: draws, and passes in either direction.
 *
 * ```ts
 * const sampler = new FlowSampler(runtime, new flows.Flow(new flows.Chain([maf, reversal, maf2])));
 * const { value } = await sampler.sample(64, { seed: 3, temperature: 0.8 });
 * ```
 */
export class FlowSampler {
  readonly flow: Flow;
  readonly runtime: Runtime;
  private readonly batch: number;
  private readonly firstStream: number | undefined;
  private readonly context: Variable | undefined;
  private readonly temperature = variable('temperature', [], { init: () => [1] });
  private readonly made = new Map<string, Promise<Made>>();

  /** @throws LatentGpuError `bad-input` for a batch below one row */
  constructor(runtime: Runtime, flow: Flow, options: FlowSamplerOptions = {}) {
    const { batch = 64, context = 0 } = options;
    checkWhole('batch', batch, 1);
    this.runtime = runtime;
    this.flow = flow;
    this.batch = batch;
    this.firstStream = options.firstStream;
    this.context = context > 0 ? input('context', [batch, context]) : undefined;
  }

  /**
   * Draws that follow from the seed and a row's place alone, however many are asked for.
   *
   * @throws LatentGpuError `bad-input`, `bad-config`, `shape-mismatch`, `interrupted`
   */
  async sample(count: number, options: DrawOptions = {}): Promise<Draws> {
    const { seed = 0, temperature = 1 } = options;
    checkWhole('count', count, 1);
    if (!(temperature >= 0 && Number.isFinite(temperature))) {
      throw new LatentGpuError(
        'bad-input',
        `the temperature is ${temperature}; it must be at least 0`,
      );
    }
    const draw = async () => {
      this.runtime.write(this.temperature, [temperature]);
      return await this.overRows('sample', count, undefined, options);
    };
    const [value, logProb] = await withNoise(this.runtime, seedWords(seed), draw);
    return { value: value as Float32Array, logProb: logProb as Float32Array };
  }

  /** From noise [count, ...event] to data. */
  async forward(z: Float32Array, options: PassOptions = {}): Promise<Passed> {
    return await this.passed('forward', z, options);
  }

  /** From data [count, ...event] to noise. */
  async inverse(x: Float32Array, options: PassOptions = {}): Promise<Passed> {
    return await this.passed('inverse', x, options);
  }

  private async passed(way: Way, rows: Float32Array, options: PassOptions): Promise<Passed> {
    const count = rows.length / eventSize(this.flow.shape);
    checkWhole(`rows of ${way}`, count, 1);
    const work = () => this.overRows(way, count, rows, options);
    const [value, logDet] = await exclusively(this.runtime, work);
    return { value: value as Float32Array, logDet: logDet as Float32Array };
  }

  private async overRows(
    what: Way | 'sample',
    count: number,
    rows: Float32Array | undefined,
    { context, onProgress, signal }: PassOptions,
  ): Promise<Float32Array[]> {
    const { runtime, batch } = this;
    const width = this.context?.shape[1] ?? 0;
    if ((context?.length ?? 0) !== count * width) {
      throw new LatentGpuError(
        'shape-mismatch',
        `${count} rows need a context of ${count} × ${width} values; ${context?.length ?? 0} were given`,
      );
    }
    const part = (all: Float32Array, start: number, end: number) => {
      const each = all.length / count;
      return fullBatch((a, b) => all.subarray(a * each, b * each), start, end, batch);
    };
    const { passage, from, draw } = await this.madeFor(what);
    const size = eventSize(this.flow.shape);
    const result = [new Float32Array(count * size), new Float32Array(count)];
    for (let start = 0; start < count; start += batch) {
      checkStop(signal, `${what} of ${count} rows`);
      const end = Math.min(count, start + batch);
      if (rows) runtime.write(from, part(rows, start, end));
      if (this.context && context) runtime.write(this.context, part(context, start, end));
      if (draw) {
        runtime.write(step, [start / batch]);
        await draw.run();
      }
      await passage.run();
      for (const [i, name] of ['value', 'log'].entries()) {
        const held = result[i] as Float32Array;
        const each = held.length / count;
        held.set((await passage.read(name)).subarray(0, (end - start) * each), start * each);
      }
      onProgress?.(end / count);
    }
    return result;
  }

  private madeFor(what: Way | 'sample'): Promise<Made> {
    const known = this.made.get(what);
    if (known) return known;
    const made = this.make(what);
    this.made.set(what, made);
    // A failure is the caller's to handle, and need not happen again.
    made.catch(() => this.made.delete(what));
    return made;
  }

  private async make(what: Way | 'sample'): Promise<Made> {
    const { runtime, batch, flow, temperature } = this;
    const isDraw = what === 'sample';
    const way = isDraw ? 'forward' : what;
    const { bijection, base } = flow;
    const event = way === 'forward' ? bijection.shape : bijection.dataShape;
    const from = input(way === 'forward' ? 'noise' : 'data', [batch, ...event]);
    const passage = await Passage.compile(runtime, bijection, way, from, {
      ...(this.context && { context: this.context }),
      outputs: ({ value, logDet }) => ({
        value,
        log: isDraw ? sub(base.logProb(reshape(from, [batch, -1])), logDet) : logDet,
      }),
    });
    if (!isDraw) return { passage, from, draw: undefined };
    const noise = reshape(base.draw([batch], { temperature }).value, from.shape);
    const { firstStream } = this;
    const drawn = firstStream === undefined ? noise : renumbered({ noise }, firstStream).noise;
    return { passage, from, draw: await runtime.compile({ effects: [assign(from, drawn)] }) };
  }

  /** Frees the plans and their inputs; the flow's parameters stay. */
  async destroy(): Promise<void> {
    for (const made of this.made.values()) {
      const { passage, from, draw } = await made;
      passage.destroy();
      draw?.destroy();
      this.runtime.release(from);
    }
    this.made.clear();
    if (this.context) this.runtime.release(this.context);
    this.runtime.release(this.temperature);
  }
}
