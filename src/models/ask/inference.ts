// What a trained model is asked for: codes, reconstructions, draws. Plans are compiled once for a
// number of rows and replayed; the host feeds and reads.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { renumbered } from '../../graph/traverse.ts';
import { input } from '../../graph/variable.ts';
import { concat, full, mul, randomNormal, step } from '../../ops/index.ts';
import { seedWords } from '../../random.ts';
import type { Plan, Runtime } from '../../scheduler/index.ts';
import type { DrawAbility, Told } from '../abilities.ts';
import { lack, type Model, need } from '../model.ts';
import { chosenRows, groupsIn } from './chosen.ts';
import { Feed } from './feed.ts';
import type {
  Asked,
  Codes,
  DecodeOptions,
  DrawOptions,
  InferenceOptions,
  Shown,
} from './interface.ts';
import { knownClasses } from './known-classes.ts';
import { classesInTurn, labelsOf, ofClasses } from './labels.ts';
import { exclusively, withNoise } from './noise.ts';
import { replay } from './replay.ts';
import {
  BLOCK,
  checkStop,
  checkWhole,
  fullBatch,
  type RowSource,
  type Rows,
  rowsAtOnce,
  rowsOf,
  type WorkOptions,
} from './rows.ts';
import { withTold } from './told-columns.ts';

/** Fewer, for whoever wants an image or a few of them. */
const FEW = [1, 8];
/** Batches that may be under way at once: the GPU goes on while the host reads. */
const AHEAD = 3;

/** What brings rows to a plan; a plan that draws its own codes has nothing to be brought. */
interface Mouth {
  write(rows: RowSource, start: number, end: number): void;
  release(): void;
}

/** Noise of layers of codes, each at its temperature. @throws LatentGpuError `bad-input` */
function byLayer(noise: Tensor, { layers }: DrawAbility, temperatures: readonly number[]): Tensor {
  if (layers?.length !== temperatures.length) {
    throw new LatentGpuError(
      'bad-input',
      `${temperatures.length} temperatures, and the model has ${layers?.length ?? 0} layers of codes`,
    );
  }
  const own = [...temperatures].reverse();
  const scale = layers.map((size, l) => full([size], own[l] as number));
  return mul(noise, concat(scale, 0));
}

/** What is computed for each row, by name. */
interface Task {
  readonly key: string;
  readonly outputs: readonly string[];
  readonly build: (size: number) => { graph: Record<string, Tensor>; mouth?: Mouth };
}

/** A task for a fixed number of rows. */
interface Made {
  readonly plan: Plan;
  readonly mouth: Mouth | undefined;
}

/**
 * A model at work, by the graphs of its abilities. Noise follows from the seed given and the row's place
 * alone, however many rows are asked for. Requests may overlap: they wait for each other. A training run
 * on the same runtime does not notice, if they are made between its runs of steps.
 *
 * ```ts
 * const asked = new Inference(runtime, model);
 * const { mean } = await asked.encode(rows, 100); // [100, M]
 * const images = await asked.sample(16, 'mean', 7); // [16, D]
 * await asked.destroy();
 * ```
 */
export class Inference implements Asked {
  readonly model: Model;
  readonly runtime: Runtime;
  /** Numbers of rows for which there may be plans, ascending; the last is that of a whole batch. */
  private readonly sizes: readonly number[];
  private readonly plans = new Map<string, Promise<Made>>();
  private readonly firstStream: number | undefined;

  constructor(runtime: Runtime, model: Model, { firstStream }: InferenceOptions = {}) {
    this.firstStream = firstStream;
    this.runtime = runtime;
    this.model = model;
    const most = rowsAtOnce(model, BLOCK);
    this.sizes = [...FEW.filter((size) => size < most), most];
  }

  private planFor({ key, build }: Task, size: number): Promise<Made> {
    const name = `${key}, ${size}`;
    let made = this.plans.get(name);
    if (!made) {
      const { graph, mouth } = build(size);
      const outputs = this.firstStream === undefined ? graph : renumbered(graph, this.firstStream);
      made = this.runtime.compile({ outputs }).then((plan) => ({ plan, mouth }));
      this.plans.set(name, made);
      // A failure is the caller's to handle, and need not happen again.
      made.catch(() => this.plans.delete(name));
    }
    return made;
  }

  /**
   * Runs a task over `count` rows, a batch at a time; the outputs' rows, joined.
   *
   * @param drawSeed of the noise of a task that has any
   */
  private async overRows(
    task: Task,
    count: number,
    rows: RowSource | undefined,
    drawSeed: number | undefined,
    { onProgress, signal }: WorkOptions,
  ): Promise<Map<string, Float32Array>> {
    const most = this.sizes.at(-1) as number;
    const result = new Map<string, Float32Array>();
    const collect = async (
      reading: Promise<Float32Array[]>,
      start: number,
      end: number,
      size: number,
    ) => {
      (await reading).forEach((values, i) => {
        const name = task.outputs[i] as string;
        const each = values.length / size;
        const whole = result.get(name) ?? new Float32Array(count * each);
        whole.set(values.subarray(0, (end - start) * each), start * each);
        result.set(name, whole);
      });
      onProgress?.(end / count);
    };
    const batches = async () => {
      const underWay: Promise<void>[] = [];
      try {
        for (let start = 0; start < count; start += most) {
          checkStop(signal, `${task.key} of ${count} rows`);
          const end = Math.min(count, start + most);
          const size = this.sizes.find((n) => n >= end - start) as number;
          const { plan, mouth } = await this.planFor(task, size);
          if (rows) mouth?.write(rows, start, end);
          if (drawSeed !== undefined) this.runtime.write(step, [start / most]);
          const done = collect(replay(plan, task.outputs), start, end, size);
          // Its failure is thrown where it is awaited.
          done.catch(() => {});
          underWay.push(done);
          if (underWay.length >= AHEAD) await underWay.shift();
        }
        await Promise.all(underWay);
      } finally {
        await Promise.allSettled(underWay);
      }
    };
    const { runtime } = this;
    if (drawSeed === undefined) await exclusively(runtime, batches);
    else await withNoise(runtime, seedWords(drawSeed), batches);
    return result;
  }

  /** What is computed of data. */
  private ofData(
    key: string,
    rows: RowSource,
    graph: (feed: Feed) => Record<string, Tensor>,
  ): Pick<Task, 'key' | 'build'> {
    const { runtime, model } = this;
    const build: Task['build'] = (size) => {
      const feed = new Feed(model, size, rows, key);
      return {
        graph: graph(feed),
        mouth: {
          write: (rows, start, end) => feed.write(runtime, rows, start, end),
          release: () => feed.release(runtime),
        },
      };
    };
    // Batches have what their rows have, and plans are of their batches.
    const kinds = [rows.mask && ', masked', rows.labels && ', labelled'];
    return { key: [key, ...kinds].filter(Boolean).join(''), build };
  }

  /** What is decoded of codes that the host brings. */
  private ofCodes(
    key: string,
    width: number,
    shown: Shown,
    codesOf = (rows: Tensor) => rows,
  ): Task['build'] {
    const { runtime } = this;
    return (size) => {
      const z = input(key, [size, width]);
      const ear = this.ear(size);
      return {
        graph: { x: this.shown(codesOf(z), shown, ear?.told) },
        mouth: {
          write: (rows, start, end) => {
            runtime.write(z, fullBatch(rows, start, end, size));
            ear?.write(rows, start, end);
          },
          release: () => {
            runtime.release(z);
            ear?.release();
          },
        },
      };
    };
  }

  /** What tells a conditional model the classes or the columns of rows that it decodes. */
  private ear(size: number): (Mouth & { readonly told: Told }) | undefined {
    const { runtime, model } = this;
    if (model.can.given) {
      const x = input('told', [size, model.features]);
      return {
        told: { x },
        write: ({ told }, start, end) =>
          runtime.write(x, fullBatch(told as RowSource, start, end, size)),
        release: () => runtime.release(x),
      };
    }
    if (!model.can.condition) return undefined;
    const labels = input('labels', [size], 'u32');
    return {
      told: { labels },
      write: (rows, start, end) =>
        runtime.write(labels, labelsOf(model, rows, { start, end, size, isNeeded: true })),
      release: () => runtime.release(labels),
    };
  }

  async encode(x: Rows, count: number, options: WorkOptions = {}): Promise<Codes> {
    const code = need(this.model, 'code', 'this');
    const rows = rowsOf('data', x, count, this.model.features);
    const { logStd, components } = code;
    const task: Task = {
      outputs: ['mean', ...(logStd ? ['logStd'] : []), ...(components ? ['components'] : [])],
      ...this.ofData('encode', rows, ({ batch }) => ({
        mean: code.mean(batch),
        ...(logStd && { logStd: logStd.call(code, batch) }),
        ...(components && { components: components.call(code, batch) }),
      })),
    };
    const got = await this.overRows(task, count, rows, undefined, options);
    return {
      mean: got.get('mean') as Float32Array,
      logStd: got.get('logStd'),
      components: got.get('components'),
    };
  }

  async drawCodes(
    x: Rows,
    count: number,
    drawSeed = 0,
    options: WorkOptions = {},
  ): Promise<Float32Array> {
    const { model } = this;
    const code = need(model, 'code', 'this');
    const { draw } = code;
    if (!draw) throw lack(model.can, 'code.draw', 'this', 'a model whose codes are not drawn');
    const rows = rowsOf('data', x, count, model.features);
    const task: Task = {
      outputs: ['z'],
      ...this.ofData('draw codes', rows, ({ batch }) => ({ z: draw.call(code, batch) })),
    };
    const got = await this.overRows(task, count, rows, drawSeed, options);
    return got.get('z') as Float32Array;
  }

  async decode(
    z: Rows,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: DecodeOptions = {},
  ): Promise<Float32Array> {
    const { size } = need(this.model, 'code', 'this');
    const own = ofClasses(rowsOf('codes', z, count, size), options.labels);
    const rows = await withTold(own, count, this, options);
    const key = `decode ${shown}`;
    const task: Task = { key, outputs: ['x'], build: this.ofCodes(key, size, shown) };
    const noise = shown === 'draw' ? drawSeed : undefined;
    return (await this.overRows(task, count, rows, noise, options)).get('x') as Float32Array;
  }

  async reconstruct(
    x: Rows,
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: DecodeOptions = {},
  ): Promise<Float32Array> {
    const { onProgress, labels, where, ...rest } = options;
    const part = (from: number): WorkOptions =>
      onProgress ? { ...rest, onProgress: (done) => onProgress(from + done / 2) } : rest;
    const { mean } = await this.encode(x, count, part(0));
    const known = async () =>
      typeof x === 'function' ? await knownClasses(this, x, count) : undefined;
    const classes = labels ?? (await known());
    return await this.decode(mean, count, shown, drawSeed, {
      ...part(0.5),
      ...(where && { where }),
      told: x,
      ...(classes && { labels: classes }),
    });
  }

  async sample(
    count: number,
    shown: Shown = 'mean',
    drawSeed = 0,
    options: DrawOptions = {},
  ): Promise<Float32Array> {
    checkWhole('count', count, 1);
    const { size: width } = need(this.model, 'code', 'this');
    const draw = need(this.model, 'draw', 'this');
    if (options.groups) return await this.sampleGroups(count, shown, drawSeed, options);
    const { temperatures } = options;
    const task: Task = {
      key: `sample ${shown}${temperatures ? ` at ${temperatures.join()}` : ''}`,
      outputs: ['x'],
      build: (size) => {
        const ear = this.ear(size);
        const noise = randomNormal([size, width]);
        const codes = draw.codes(temperatures ? byLayer(noise, draw, temperatures) : noise);
        return { graph: { x: this.shown(codes, shown, ear?.told) }, ...(ear && { mouth: ear }) };
      },
    };
    const labels = this.classes(count, options);
    const isTold = labels !== undefined || this.model.can.given !== undefined;
    const none = ofClasses(() => new Float32Array(0), labels);
    const rows = isTold ? await withTold(none, count, this, options) : undefined;
    return (await this.overRows(task, count, rows, drawSeed, options)).get('x') as Float32Array;
  }

  /** Of a conditional model: the class of each row that is drawn. */
  private classes(count: number, { labels }: DrawOptions): ArrayLike<number> | undefined {
    const { condition } = this.model.can;
    return labels ?? (condition && classesInTurn(condition, count));
  }

  private async sampleGroups(
    count: number,
    shown: Shown,
    drawSeed: number,
    { groups = [], ...options }: DrawOptions,
  ): Promise<Float32Array> {
    const known = groupsIn(this.model);
    const told = ofClasses(chosenRows(known, groups), this.classes(count, options));
    const all = await withTold(told, count, this, options);
    const key = `sample ${shown} of groups`;
    const task: Task = {
      key,
      outputs: ['x'],
      build: this.ofCodes(key, known.count, shown, known.codes),
    };
    return (await this.overRows(task, count, all, drawSeed, options)).get('x') as Float32Array;
  }

  private shown(z: Tensor, shown: Shown, told: Told | undefined): Tensor {
    const { model } = this;
    const decode = need(model, 'decode', 'this');
    if (shown === 'mean') return decode.mean(z, told);
    if (!decode.draw)
      throw lack(model.can, 'decode.draw', 'this', 'a model that only decodes means');
    return decode.draw(z, told);
  }

  async destroy(): Promise<void> {
    for (const made of this.plans.values()) {
      const { plan, mouth } = await made;
      plan.destroy();
      mouth?.release();
    }
    this.plans.clear();
  }
}
