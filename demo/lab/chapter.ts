// What every page of the lab has: a beginning, turns, a status, messages, a link and an image to share.
import { isLatentGpuError } from '../../src/index.ts';
import { button, element, setEnabled, setText } from '../view/elements.ts';
import { Notice, sentence } from '../view/messages.ts';
import { onThemeChange } from '../view/theme.ts';
import { type Engine, openEngine } from './engine.ts';
import { Loop } from './loop.ts';
import { type Settings, SettingsStore } from './settings.ts';
import { type Picture, shareImage, shareLink } from './share.ts';
import { NO_WEBGPU, showTrained } from './trained.ts';

/** A run of a page: what is computed from one set of settings. */
export interface Run {
  /** @returns whether there is anything left to do */
  turn(): Promise<boolean>;
  /** Frees what it has on a device of its own. */
  close?(): void;
}

export interface ChapterOptions<S extends Settings, R extends Run> {
  readonly defaults: S;
  /** Settings that ask for another run. */
  readonly restarts: readonly (keyof S & string)[];
  /** Of a page that computes in JavaScript where there is no GPU. */
  readonly worksWithoutGpu?: boolean;
  /** Milliseconds between turns. */
  readonly rest?: (settings: S) => number;
  /** What is shared. */
  readonly picture: () => Picture;
  /** What Reset asks for; without, the same once more. */
  reset?(): void;
  open(engine: Engine, settings: S): Promise<R>;
  /** Draws it again, as after a change between light and dark. */
  show(run: NoInfer<R>): void;
  /** Settings that act at once have changed. */
  changed?(settings: S, run: R): void | Promise<void>;
}

export class Chapter<S extends Settings, R extends Run> {
  readonly settings: SettingsStore<S>;
  readonly notice = new Notice(element('notice'));
  private readonly options: ChapterOptions<S, R>;
  private readonly loop: Loop;
  private engine: Engine | undefined;
  private current: R | undefined;
  private hasBegun = false;
  private isDue = false;
  private isChanged = false;
  /** What the visitor has to give before there can be a run. */
  private lacks: string | undefined;

  constructor(options: ChapterOptions<S, R>) {
    this.options = options;
    this.settings = new SettingsStore(options.defaults, (key) => this.change(key));
    this.loop = new Loop(
      () => this.turn(),
      () => this.show(),
      (error) => this.fail(error),
      () => options.rest?.(this.settings.value) ?? 0,
    );
    button('start').addEventListener('click', () => {
      this.notice.hide();
      this.loop.isOn = !this.loop.isOn;
    });
    button('reset').addEventListener('click', () =>
      options.reset ? options.reset() : this.restart(),
    );
    button('share-link').addEventListener('click', () => shareLink(this.notice));
    button('share-image').addEventListener('click', () => shareImage(options.picture()));
    onThemeChange(() => {
      if (this.current) options.show(this.current);
    });
    this.restart();
  }

  get run(): R | undefined {
    return this.current;
  }

  get isRunning(): boolean {
    return this.loop.isOn;
  }

  pause(): void {
    this.loop.isOn = false;
  }

  /** Does something with the run, between its turns. */
  do(work: (run: R) => Promise<void>): void {
    this.loop.do(async () => {
      await this.work(work);
      this.show();
    });
  }

  /** Begins anew; several wishes at once are one. */
  restart(): void {
    this.notice.hide();
    if (this.isDue) return;
    this.isDue = true;
    this.loop.do(async () => {
      this.isDue = false;
      await this.begin();
    });
  }

  private async begin(): Promise<void> {
    this.hasBegun = false;
    this.lacks = undefined;
    this.show('preparing');
    this.current?.close?.();
    this.current = undefined;
    this.engine ??= await this.openEngine();
    const { engine } = this;
    if (!engine) return;
    this.current = await engine.protect(() => {
      engine.clear();
      return this.options.open(engine, this.settings.value);
    });
    this.show();
  }

  /** Does something with the run; where the GPU is lost on the way, once more on another. */
  private async work<T>(what: (run: R) => Promise<T>): Promise<T | undefined> {
    const { engine, current: run } = this;
    if (!engine || !run) return undefined;
    const before = engine.recoveries;
    const result = await engine.protect(() => what(run));
    if (engine.recoveries > before) {
      this.notice.show('info', 'The GPU was lost and replaced. Nothing is lost');
    }
    return result;
  }

  /** @returns undefined where the page cannot work */
  private async openEngine(): Promise<Engine | undefined> {
    const engine = await openEngine(1);
    setText('adapter', engine.name);
    if (engine.why === undefined) return engine;
    const works = this.options.worksWithoutGpu === true;
    showTrained(engine.why, works);
    if (works) return engine;
    this.loop.isOn = false;
    this.show('failed');
    setText('activity', NO_WEBGPU);
    return undefined;
  }

  private async turn(): Promise<boolean> {
    this.hasBegun = true;
    return (await this.work((run) => run.turn())) ?? false;
  }

  private change(key: keyof S & string): void {
    const { restarts, changed } = this.options;
    if (restarts.includes(key)) {
      this.restart();
      return;
    }
    if (!changed || this.isChanged) return;
    this.isChanged = true;
    this.loop.do(async () => {
      this.isChanged = false;
      await this.work(async (run) => changed(this.settings.value, run));
    });
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (isLatentGpuError(error, 'bad-input') && !this.current) this.lacks = text;
    else this.notice.show('error', isLatentGpuError(error, 'no-adapter') ? STRANDED : text);
    this.show();
  }

  private show(state?: 'preparing' | 'failed'): void {
    const way = this.loop.isOn ? 'training' : this.hasBegun ? 'paused' : 'ready';
    const without = this.lacks === undefined ? 'failed' : 'waiting';
    const activity = state ?? (this.current ? way : without);
    document.body.dataset.activity = activity;
    // Several times a second is too often for whoever listens.
    element('told').ariaLive = this.loop.isOn ? 'off' : 'polite';
    setText('activity', WORDS[activity]);
    // There is no run that it could be about.
    if (activity === without) setText('told', sentence(this.lacks ?? ''));
    setText('start', this.loop.isOn ? 'Pause' : this.hasBegun ? 'Resume' : 'Start');
    const canStart = activity === way;
    setEnabled('start', canStart);
    for (const step of document.querySelectorAll<HTMLButtonElement>('[data-step]')) {
      step.disabled = !canStart;
    }
  }
}

/** Of a run whose GPU was lost. */
const STRANDED =
  'The GPU was lost and the browser offers no other for now. What there is is kept: go on in a minute or two';

const WORDS = {
  preparing: 'Preparing…',
  ready: 'Ready',
  training: 'Running',
  paused: 'Paused',
  waiting: 'Waiting',
  failed: 'Stopped',
} as const;
