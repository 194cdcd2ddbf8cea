// The training session: takes requests in turn, and between them trains in short slices and looks
// at what the model has become. Runs in a worker, or in the page where a worker has no WebGPU.
import { isLatentGpuError, type TrainerState } from '../../src/index.ts';
import type { Activity, OwnFile, Report, Request, Settings } from '../protocol.ts';
import { settingsOfSaved } from '../recipes.ts';
import { faultOf, messageOf, whyNot } from './faults.ts';
import { readDropped } from './files.ts';
import { Looks } from './looks.ts';
import { Measuring } from './measuring.ts';
import { Pace } from './pace.ts';
import type { LoadedModel } from './plan.ts';
import { Requests } from './requests.ts';
import { type Own, Sources } from './sources.ts';
import { Task } from './task.ts';
import { isAboutViews, view } from './viewing.ts';
import { Views } from './views.ts';

export function serve(port: MessagePort): void {
  const session = new Session((report) => port.postMessage(report));
  port.onmessage = ({ data }) => {
    const request = data as Request;
    if (request.type === 'ping') port.postMessage({ type: 'pong' } satisfies Report);
    else session.ask(request);
  };
}

class Session {
  private readonly tell: (report: Report) => void;
  private readonly requests = new Requests();

  private readonly sources = new Sources();
  private own: Own | undefined;
  private settings: Settings | undefined;
  /** Of the last wish that was heard. */
  private answering = 0;
  private task: Task | undefined;
  views: Views | undefined;
  private ends: readonly [number, number] = [0, 1];

  private wanted = false;
  private hidden = false;
  private isBuilding = false;
  /** The GPU was lost and there is no other for now. */
  isStranded = false;
  /** Devices of this task that were lost and replaced, as far as the page has been told. */
  private recoveries = 0;
  private activity: Activity | undefined;

  readonly looks = new Looks();
  readonly pace = new Pace();
  private readonly measuring = new Measuring();

  constructor(tell: (report: Report) => void) {
    this.tell = tell;
    void this.live();
  }

  ask(request: Request): void {
    this.measuring.heard(request);
    this.requests.push(request);
  }

  private async live(): Promise<never> {
    for (;;) {
      try {
        await this.turn();
        await this.greetDevice();
      } catch (error) {
        this.fail(error);
      }
    }
  }

  private async turn(): Promise<void> {
    const request = this.requests.take();
    if (request) return this.handle(request);
    const isIdle = this.hidden || this.isStranded;
    if (this.task && !isIdle) {
      if (await this.looks.renewOne(this.views)) return;
      if (this.measuring.isWanted) return this.measure(this.task);
      if (this.wanted) return this.train(this.task);
    }
    await this.requests.wait((isIdle ? undefined : this.looks.dueIn) ?? 60_000);
  }

  private async handle(request: Request): Promise<void> {
    const { task, own, isStranded } = this;
    if (request.type === 'interpolate') this.ends = [request.from, request.to];
    if (isAboutViews(request)) return view(request, this);
    switch (request.type) {
      case 'open':
        this.settings = request.settings;
        this.answering = request.turn;
        if (request.files) await this.open(request.files);
        if (!this.task) await this.begin(request.settings);
        return;
      case 'reset':
        this.answering = request.turn;
        await this.build(request.settings, own);
        return;
      case 'train':
        this.wanted = request.on && task !== undefined;
        if (isStranded && request.on) {
          this.isStranded = false;
          this.looks.isStale = true;
        }
        return this.show();
      case 'hidden':
        this.hidden = request.hidden;
        return this.show();
      case 'tune':
        if (this.settings) this.settings = { ...this.settings, ...rates(request) };
        return task?.tune(request.rate, request.beta);
      case 'measure':
        return this.show();
      case 'files':
        return this.open(request.files);
      case 'save':
        return this.save();
      case 'lose':
        task?.device.lose();
        return;
    }
  }

  private show(): void {
    const now = this.currentActivity();
    if (now === this.activity) return;
    this.activity = now;
    this.tell({ type: 'activity', activity: now });
  }

  private currentActivity(): Activity {
    const { task } = this;
    if (this.isBuilding) return 'preparing';
    if (!task) return 'failed';
    if (this.isStranded) return 'stranded';
    if (task.device.isLost) return 'recovering';
    if (this.measuring.isWanted && !this.hidden) return 'measuring';
    if (this.wanted) return this.hidden ? 'hidden' : 'training';
    return task.trainer.step > 0 ? 'paused' : 'ready';
  }

  /** A lost device is replaced by whatever is done next; there is always something to be done then. */
  private watchDevice(task: Task): void {
    this.recoveries = task.recoveries;
    const { name, isSoftware } = task.device.adapter;
    this.tell({ type: 'adapter', name, isSoftware });
    void task.device.lost.then(() => {
      if (this.task !== task) return;
      this.looks.isStale = true;
      this.show();
      this.requests.wake();
    });
  }

  /** Says that there is another device. */
  private async greetDevice(): Promise<void> {
    const { task } = this;
    if (!task || task.recoveries === this.recoveries) return;
    this.watchDevice(task);
    const step = task.trainer.step.toLocaleString('en');
    this.notice('info', `The GPU was lost and replaced. Nothing is lost: on from step ${step}.`);
    this.show();
    // What was lost once may soon be lost again.
    await task.trainer.currentState();
  }

  private fail(error: unknown): void {
    const { task } = this;
    this.wanted = false;
    this.measuring.stop();
    this.looks.clear();
    const fault = faultOf(error, task);
    this.isStranded ||= fault.isStranded;
    if (fault.back) task?.trainer.restore(fault.back);
    if (task) this.notice('error', fault.text);
    else this.tell({ type: 'failed', code: fault.code, text: fault.text });
    this.show();
  }

  private notice(tone: 'info' | 'error', text: string): void {
    this.tell({ type: 'notice', tone, text });
  }

  /** What a link asks for may not go together; a VAE goes with all data. */
  private async begin(settings: Settings): Promise<void> {
    try {
      await this.build(settings, this.own);
    } catch (error) {
      if (!isLatentGpuError(error, 'bad-config') || settings.family === 'vae') throw error;
      await this.build({ ...settings, family: 'vae' }, this.own);
      this.notice('error', `${messageOf(error)} This is a VAE.`);
    }
  }

  /** Starts over, from the weights given or from new ones. What there was stays if that fails. */
  private async build(
    settings: Settings,
    own: Own | undefined,
    loaded?: LoadedModel,
  ): Promise<boolean> {
    const { wanted } = this;
    this.wanted = false;
    this.isBuilding = true;
    this.show();
    const isLost = settings.data === 'own' && !own;
    const asked = isLost ? { ...settings, data: 'digits' } : settings;
    let task: Task;
    try {
      task = await Task.open(asked, this.sources.of(asked, own), loaded);
    } catch (error) {
      this.isBuilding = false;
      if (!this.task || this.task.device.isLost) throw error;
      this.wanted = wanted;
      this.tell({ type: 'kept', settings: this.task.settings, turn: this.answering });
      this.notice('error', `${whyNot(error)} The model stays as it was.`);
      this.show();
      return false;
    }
    this.isBuilding = false;
    this.close();
    this.task = task;
    this.own = own;
    this.settings = task.settings;
    this.pace.reset();
    this.tell(task.ready(this.answering, asked.data === 'own' ? own?.files : undefined));
    this.watchDevice(task);
    this.views = new Views(task, this.ends, this.tell);
    this.looks.begin(this.views);
    if (isLost) {
      this.notice(
        'info',
        "the link is about somebody's own files; drop yours here. These are digits",
      );
    }
    this.show();
    return true;
  }

  private close(): void {
    this.task?.trainer.destroy();
    this.task = undefined;
    this.views = undefined;
    this.isStranded = false;
    this.measuring.stop();
    this.looks.clear();
  }

  private async open(files: readonly OwnFile[]): Promise<void> {
    const { own } = this;
    const settings = this.settings as Settings;
    let dropped: Awaited<ReturnType<typeof readDropped>>;
    let asked: Settings;
    try {
      dropped = await readDropped(files);
      asked =
        dropped.kind === 'data'
          ? { ...settings, data: 'own' }
          : settingsOfSaved(dropped.config, settings);
    } catch (error) {
      // A file that is no use is no reason to stop what runs.
      return this.notice('error', messageOf(error));
    }
    if (dropped.kind === 'data') {
      const { data } = dropped;
      if (!(await this.build(asked, { data, files }))) return;
      const { name, categories } = data.train;
      const words = categories
        ? ' Its words are categories, but those of a column called "class".'
        : '';
      return this.notice('info', `Open: ${name}.${words} Nothing of it leaves this page.`);
    }
    if (await this.build(asked, own, dropped)) {
      this.notice('info', 'The saved model is open; training goes on from its weights.');
    }
  }

  private async save(): Promise<void> {
    const { task } = this;
    if (!task) return this.notice('error', 'There is no model to save; Reset makes a new one.');
    const { trainer } = task;
    // Without a GPU, what the host has.
    const state = this.isStranded ? trainer.lastState : await trainer.currentState();
    this.tell({ type: 'saved', files: task.files(state as TrainerState) });
  }

  private async measure(task: Task): Promise<void> {
    await this.measuring.run(task, (likelihood) =>
      this.tell({ type: 'likelihood', ...likelihood }),
    );
    this.show();
  }

  private async train(task: Task): Promise<void> {
    const { settings } = task;
    const report = await this.pace.slice(task.trainer);
    const { stepsPerSecond } = this.pace;
    this.tell({
      type: 'progress',
      step: report.step,
      epoch: report.epoch,
      ...task.termsOf(report.metrics),
      stepsPerSecond,
      imagesPerSecond: stepsPerSecond * settings.batch,
    });
    this.looks.isStale = true;
  }
}

const rates = ({ rate, beta }: { rate: number; beta: number }) => ({ rate, beta });
