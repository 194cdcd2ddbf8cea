// What a trained model is asked for: codes, reconstructions, draws.
import { LatentGpuError } from '../../errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { input } from '../../graph/variable.ts';
import { concat, full, mul, randomNormal } from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
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
import {
  BLOCK,
  checkWhole,
  fullBatch,
  type RowSource,
  type Rows,
  rowsAtOnce,
  rowsOf,
  type WorkOptions,
} from './rows.ts';
import { type Mouth, type Task, TaskRunner } from './task-runner.ts';
import { withTold } from './told-columns.ts';

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
  private readonly tasks: TaskRunner;

  constructor(runtime: Runtime, model: Model, options: InferenceOptions = {}) {
    this.runtime = runtime;
    this.model = model;
    this.tasks = new TaskRunner(runtime, rowsAtOnce(model, BLOCK), options);
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
    const got = await this.tasks.over(task, count, rows, undefined, options);
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
    const got = await this.tasks.over(task, count, rows, drawSeed, options);
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
    return (await this.tasks.over(task, count, rows, noise, options)).get('x') as Float32Array;
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
    return (await this.tasks.over(task, count, rows, drawSeed, options)).get('x') as Float32Array;
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
    return (await this.tasks.over(task, count, all, drawSeed, options)).get('x') as Float32Array;
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
    await this.tasks.destroy();
  }
}
