// The training session: takes requests in turn, and between them trains in short slices and looks
// at what the model has become. Runs in a worker, or in the page where a worker has no WebGPU.
import { type ErrorCode, isLatentGpuError } from '../../src/index.ts';
import type { Activity, Report, Request, Settings } from '../protocol.ts';
import { type DataSplit, readDropped } from './files.ts';
import { builtInDigits, checkLoadable, type LoadedModel, Task } from './task.ts';
import { Views } from './views.ts';

/** Training goes on this long before the session listens again. */
const SLICE_MS = 200;
/** The state is kept for a lost device this often: slices are short, and the state is large. */
const SNAPSHOT_SECONDS = 5;
/** After a touch of the map, slices are single steps for so long. */
const ATTENTION_MS = 250;
/** The views are renewed no more often than this, and for at most a quarter of the time. */
const LOOK_MS = 500;

/** Requests of which only the latest counts. */
const REPLACING: readonly Request['type'][] = ['point', 'tune', 'interpolate', 'plane', 'train'];
/** What leaves no device to go on with. */
const FATAL: readonly (ErrorCode | undefined)[] = ['no-adapter', 'device-lost'];

export function serve(port: MessagePort): void {
  const session = new Session((report) => port.postMessage(report));
  port.onmessage = ({ data }) => session.ask(data as Request);
}

class Session {
  private readonly tell: (report: Report) => void;
  private queue: Request[] = [];
  private wake: () => void = () => {};

  /** The visitor's own data, if there are any. */
  private own: DataSplit | undefined;
  private builtIn: DataSplit | undefined;
  private settings: Settings | undefined;
  private task: Task | undefined;
  private views: Views | undefined;
  private ends: readonly [number, number] = [0, 1];

  private wanted = false;
  private hidden = false;
  private activity: Activity | undefined;
  private stepMs = 0;

  /** Views still to be renewed, and when the next renewal may begin. */
  private pending: (() => Promise<void>)[] = [];
  private isStale = false;
  private lookAt = 0;
  private lookMs = 0;
  private attentionUntil = 0;

  constructor(tell: (report: Report) => void) {
    this.tell = tell;
    void this.live();
  }

  ask(request: Request): void {
    if (REPLACING.includes(request.type)) {
      this.queue = this.queue.filter(({ type }) => type !== request.type);
    }
    this.queue.push(request);
    this.wake();
  }

  private async live(): Promise<never> {
    for (;;) {
      try {
        await this.turn();
      } catch (error) {
        this.fail(error);
      }
    }
  }

  private async turn(): Promise<void> {
    const request = this.queue.shift();
    if (request) return this.handle(request);
    const now = performance.now();
    if (this.task && !this.hidden) {
      if (this.isStale && this.pending.length === 0 && now >= this.lookAt) this.beginLook();
      const view = this.pending.shift();
      if (view) return this.look(view);
      if (this.wanted) return this.train(this.task);
    }
    const pause = this.isStale && !this.hidden ? this.lookAt - now : 60_000;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, pause));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async handle(request: Request): Promise<void> {
    const { task, views } = this;
    switch (request.type) {
      case 'open':
      case 'reset':
        return this.build(request.settings);
      case 'train':
        this.wanted = request.on && task !== undefined;
        return this.show();
      case 'hidden':
        this.hidden = request.hidden;
        return this.show();
      case 'tune':
        if (this.settings) this.settings = { ...this.settings, ...rates(request) };
        return task?.tune(request.rate, request.beta);
      case 'plane':
        views?.setPlane(request.choice, request.manifold);
        return this.beginLook();
      case 'point':
        this.attentionUntil = performance.now() + ATTENTION_MS;
        return views?.setPoint(request.at);
      case 'interpolate':
        this.ends = [request.from, request.to];
        return views?.setEnds(request.from, request.to);
      case 'shuffle':
        return views?.shuffle();
      case 'digits':
        this.own = undefined;
        return this.build(this.settings as Settings);
      case 'files':
        return this.open(request.files);
      case 'save':
        if (task) this.tell({ type: 'saved', files: await task.files() });
        else this.notice('error', 'There is no model to save; Reset makes a new one.');
        return;
      case 'lose':
        task?.trainer.runtime.device.lose();
        this.isStale = true;
        return;
    }
  }

  private show(activity?: Activity): void {
    const now = activity ?? this.currentActivity();
    if (now === this.activity) return;
    this.activity = now;
    this.tell({ type: 'activity', activity: now });
  }

  private currentActivity(): Activity {
    if (this.wanted) return this.hidden ? 'hidden' : 'training';
    return this.task && this.task.trainer.step > 0 ? 'paused' : 'ready';
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const code = isLatentGpuError(error) ? error.code : undefined;
    this.wanted = false;
    this.pending = [];
    this.isStale = false;
    const last = this.task?.trainer.lastState;
    if (code === 'not-finite' && this.task && last) {
      this.task.trainer.restore(last);
      this.notice('error', `${text.split(';')[0]}. Back at the last good step: lower the rate.`);
    } else if (FATAL.includes(code) || !this.task) {
      this.tell({ type: 'failed', code, text });
      this.show('failed');
      return;
    } else {
      this.notice('error', text);
    }
    this.show();
  }

  private notice(tone: 'info' | 'error', text: string): void {
    this.tell({ type: 'notice', tone, text });
  }

  private get data(): DataSplit {
    this.builtIn ??= builtInDigits();
    return this.own ?? this.builtIn;
  }

  /** Starts over, from the weights given or from new ones. */
  private async build(settings: Settings, loaded?: LoadedModel): Promise<void> {
    this.show('preparing');
    this.wanted = false;
    const task = await Task.open(settings, this.data, loaded, () => this.close());
    this.task = task;
    this.settings = task.settings;
    this.stepMs = 0;
    const { name, isSoftware } = task.trainer.runtime.device.adapter;
    const { train, heldOut } = task.data;
    this.tell({
      type: 'ready',
      adapter: { name, isSoftware },
      data: {
        name: train.name,
        count: train.count,
        heldOut: heldOut.count,
        shape: train.shape,
        isBuiltIn: this.own === undefined,
      },
      settings: task.settings,
      parameters: task.model.parameterCount(),
    });
    this.views = new Views(task, this.ends, this.tell);
    this.beginLook();
    this.show();
  }

  private close(): void {
    this.task?.trainer.destroy();
    this.task = undefined;
    this.views = undefined;
    this.pending = [];
    this.isStale = false;
  }

  private async open(files: readonly File[]): Promise<void> {
    let dropped: Awaited<ReturnType<typeof readDropped>>;
    try {
      dropped = await readDropped(files);
      if (dropped.kind === 'model') checkLoadable(dropped.config, this.data.train);
    } catch (error) {
      // A file that is no use is no reason to stop what runs.
      return this.notice('error', error instanceof Error ? error.message : String(error));
    }
    const settings = this.settings as Settings;
    if (dropped.kind === 'data') {
      this.own = dropped.data;
      await this.build(settings);
      return this.notice('info', `${dropped.data.train.name} is open. It never leaves this page.`);
    }
    const { latent, encoder, objective } = dropped.config;
    const beta = objective?.kind === 'elbo' ? objective.beta : 1;
    await this.build({ ...settings, latent, hidden: encoder.hidden, beta }, dropped);
    this.notice('info', 'The saved model is open; training goes on from its weights.');
  }

  private async train({ trainer, settings }: Task): Promise<void> {
    const isWatched = performance.now() < this.attentionUntil;
    const wanted = this.stepMs > 0 && !isWatched ? Math.round(SLICE_MS / this.stepMs) : 1;
    const before = trainer.step;
    const began = performance.now();
    const report = await trainer.run(Math.max(1, wanted), { snapshotAfter: SNAPSHOT_SECONDS });
    const ms = (performance.now() - began) / Math.max(1, trainer.step - before);
    // The first step also warms everything up, and single steps pay for a whole report.
    if (before > 0 && !(isWatched && this.stepMs > 0)) {
      this.stepMs = this.stepMs === 0 ? ms : 0.8 * this.stepMs + 0.2 * ms;
    }
    const { loss = 0, reconstruction = 0, kl = 0 } = report.metrics;
    const stepsPerSecond = this.stepMs > 0 ? 1000 / this.stepMs : 0;
    this.tell({
      type: 'progress',
      step: report.step,
      epoch: report.epoch,
      loss,
      reconstruction,
      kl,
      stepsPerSecond,
      imagesPerSecond: stepsPerSecond * settings.batch,
    });
    this.isStale = true;
  }

  private beginLook(): void {
    this.isStale = false;
    this.lookMs = 0;
    this.pending = this.views?.all() ?? [];
  }

  private async look(view: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await view();
    const now = performance.now();
    this.lookMs += now - began;
    if (this.pending.length === 0) this.lookAt = now + Math.max(LOOK_MS, 3 * this.lookMs);
  }
}

const rates = ({ rate, beta }: { rate: number; beta: number }) => ({ rate, beta });
