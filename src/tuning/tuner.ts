// The tuner: which variant of a kernel is the fastest on this adapter, by measurement, remembered.
import type { Device } from '../device/index.ts';
import type { TunedTable } from '../kernels/tuned.ts';
import { DeviceLaboratory, type Laboratory } from './laboratory.ts';
import { type Found, openMemory, type TuningMemory } from './memory.ts';
import { defaultTune, type TuneMode } from './mode.ts';
import type { Verdict } from './race.ts';
import type { TuningTask } from './task.ts';

export interface TuneOptions {
  /** Default: `defaultTune`. */
  readonly mode?: TuneMode;
  /**
   * Milliseconds to measure for, candidates' compilation included, over the tuner's life. What is
   * not measured by then keeps its default. Default: 3000, or 10000 with `on`.
   */
  readonly budgetMs?: number;
  /** Where results are kept from run to run; null: nowhere. Default: the host's memory. */
  readonly memory?: TuningMemory | null;
  /** Measures what is remembered, too. */
  readonly afresh?: boolean;
  /** Called before each class with the share of the budget, or of the work, that is done. */
  readonly onProgress?: (done: number, label: string) => void;
  readonly signal?: AbortSignal;
}

/** A class that was measured. */
export interface Measured extends Verdict {
  readonly key: string;
  readonly label: string;
  readonly default: string;
}

/** What a tuner works with; tests give their own. */
export interface TunerTools {
  readonly isSoftware: boolean;
  readonly now: () => number;
  readonly openMemory: () => Promise<TuningMemory>;
  readonly openLaboratory: () => Laboratory;
}

const BUDGET_MS: Readonly<Record<TuneMode, number>> = {
  off: 0,
  remembered: 0,
  auto: 3000,
  on: 10_000,
};

/**
 * Measures variants of kernels on a device, and remembers the fastest. Get one with {@link newTuner}.
 *
 * ```ts
 * const tuner = newTuner(device, { mode: 'on' });
 * const plan = await new Runtime(device, { tune: tuner }).compile({ effects });
 * const table = await tuner.known();
 * ```
 */
export class Tuner {
  readonly mode: TuneMode;
  /** Whether it measures what it does not know. */
  readonly measures: boolean;
  /** What it has measured. */
  readonly measured: Measured[] = [];
  /** Classes for which there was no time. */
  readonly left: string[] = [];
  private readonly options: TuneOptions;
  private readonly tools: TunerTools;
  private budgetMs: number;
  private memory: TuningMemory | null | undefined;
  private found: Promise<Record<string, string | null>> | undefined;
  /** One at a time: kernels that run beside each other cannot be timed. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(tools: TunerTools, options: TuneOptions = {}) {
    this.tools = tools;
    this.options = options;
    this.mode = options.mode ?? defaultTune();
    this.measures = this.mode === 'on' || (this.mode === 'auto' && !tools.isSoftware);
    this.budgetMs = options.budgetMs ?? BUDGET_MS[this.mode];
    this.memory = options.memory;
  }

  /** The table so far. */
  async known(): Promise<TunedTable> {
    return Object.fromEntries(
      Object.entries(await this.load()).filter((entry): entry is [string, string] => !!entry[1]),
    );
  }

  /**
   * Measures those classes that are not known yet, within the budget, and remembers them.
   *
   * @returns the table, with what others have had measured meanwhile
   */
  choose(tasks: readonly TuningTask[]): Promise<TunedTable> {
    const next = this.turn.then(() => this.settle(tasks));
    this.turn = next.catch(() => undefined);
    return next;
  }

  private load(): Promise<Record<string, string | null>> {
    this.found ??= this.read();
    return this.found;
  }

  private async read(): Promise<Record<string, string | null>> {
    if (this.mode === 'off') return {};
    if (this.memory === undefined) this.memory = await this.tools.openMemory();
    if (this.options.afresh) return {};
    return { ...(await this.memory?.load()) };
  }

  private async settle(tasks: readonly TuningTask[]): Promise<TunedTable> {
    const found = await this.load();
    // A class without time was left on purpose: the next run shall do as this one.
    const isOpen = ({ key }: TuningTask) =>
      !Object.hasOwn(found, key) || (found[key] === null && this.mode === 'on');
    const sorted = tasks.filter(isOpen).sort((a, b) => b.cost - a.cost);
    const open = sorted.filter(({ key }, i) => sorted.findIndex((task) => task.key === key) === i);
    if (this.measures && open.length > 0) {
      const added = await this.measureAll(open);
      Object.assign(found, added);
      await this.memory?.add(added);
    }
    return await this.known();
  }

  private async measureAll(tasks: readonly TuningTask[]): Promise<Found> {
    const { now } = this.tools;
    const { signal, onProgress } = this.options;
    const added: Record<string, string | null> = {};
    const budget = this.budgetMs;
    let laboratory: Laboratory | undefined;
    try {
      for (const [i, task] of tasks.entries()) {
        const began = now();
        const { key, label, variants } = task;
        if (variants.length < 2) {
          if (this.mode !== 'on') added[key] = null;
          continue;
        }
        let verdict: Verdict | undefined;
        if (this.budgetMs > 0 && !signal?.aborted) {
          onProgress?.(Math.max(i / tasks.length, 1 - this.budgetMs / budget), label);
          laboratory ??= this.tools.openLaboratory();
          verdict = await laboratory.measure(task, began + this.budgetMs, now);
        }
        this.budgetMs -= now() - began;
        if (!verdict) {
          this.left.push(key);
          // Asked to measure, the next run may go on where this one stopped.
          if (this.mode !== 'on') added[key] = null;
        } else {
          added[key] = verdict.winner;
          this.measured.push({ ...verdict, key, label, default: variants[0] as string });
        }
      }
    } finally {
      laboratory?.destroy();
    }
    return added;
  }
}

/**
 * A tuner of a device.
 *
 * ```ts
 * const tuner = newTuner(device, { mode: 'on', budgetMs: 5000 });
 * const runtime = new Runtime(device, { tune: tuner });
 * ```
 */
export function newTuner(device: Device, options: TuneOptions = {}): Tuner {
  return new Tuner(
    {
      isSoftware: device.adapter.isSoftware,
      now: () => performance.now(),
      openMemory: () => openMemory(device.adapter),
      openLaboratory: () => new DeviceLaboratory(device),
    },
    options,
  );
}

const shared = new WeakMap<Device, Map<TuneMode, Tuner>>();

/** The tuner that everybody shares who says no more than a mode: one budget, one look at the memory. */
export function sharedTuner(device: Device, mode: TuneMode = defaultTune()): Tuner {
  const tuners = shared.get(device) ?? new Map<TuneMode, Tuner>();
  shared.set(device, tuners);
  const tuner = tuners.get(mode) ?? newTuner(device, { mode });
  tuners.set(mode, tuner);
  return tuner;
}
