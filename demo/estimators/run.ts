// What is measured, and in which order: what is looked at first, then whatever is known least.
import { input, type Variable } from '../../src/index.ts';
import type { Run } from '../lab/chapter.ts';
import type { Engine } from '../lab/engine.ts';
import type { LabRuntime } from '../lab/host-runtime.ts';
import { Cell, PARTS } from './cell.ts';
import { RACE_STEPS, Racer } from './racer.ts';
import { CODES, type Code, type Estimator } from './table.ts';

export const SAMPLES = [1, 4, 16, 64] as const;

export interface EstimatorSettings {
  readonly code: 'normal' | 'classes';
  readonly samples: number;
  readonly off: number;
  readonly temperature: number;
  readonly rate: number;
}

/** Numbers that a draw of a whole batch takes, about. */
const NUMBERS = { gpu: 2 ** 16, host: 2 ** 11 } as const;
/** What is known to this part needs no more draws. */
const ENOUGH = 0.01;
const RACE_SLICE = 4;

export class EstimatorRun implements Run {
  readonly code: Code;
  readonly cells: Cell[] = [];
  racers: Racer[] = [];
  private readonly runtime: LabRuntime;
  private readonly numbers: number;
  private readonly temperature: Variable;
  private readonly changed: () => void;
  private settings: EstimatorSettings;
  private turns = 0;

  constructor({ runtime, isGpu }: Engine, settings: EstimatorSettings, changed: () => void) {
    this.runtime = runtime;
    this.settings = settings;
    this.code = CODES[settings.code];
    this.numbers = isGpu ? NUMBERS.gpu : NUMBERS.host;
    this.changed = changed;
    this.temperature = input('temperature', []);
    runtime.write(this.temperature, [settings.temperature]);
  }

  cellOf(estimator: Estimator, samples: number): Cell | undefined {
    return this.cells.find((cell) => cell.estimator === estimator && cell.samples === samples);
  }

  /** Estimator and K of all that is to be measured; what is shown comes first. */
  private get wanted(): { estimator: Estimator; samples: number }[] {
    const { samples: shown } = this.settings;
    const order = [shown, ...SAMPLES.filter((samples) => samples !== shown)];
    return order.flatMap((samples) =>
      this.code.estimators
        .filter(({ least }) => samples >= least)
        .map((estimator) => ({ estimator, samples })),
    );
  }

  async turn(): Promise<boolean> {
    this.turns += 1;
    const { runtime, settings, turns } = this;
    const missing = this.wanted.find(({ estimator, samples }) => !this.cellOf(estimator, samples));
    const isShown = missing?.samples === settings.samples;
    // What is shown is there at once; the rest is compiled now and then.
    if (turns % 3 === 0) await this.race();
    else if (missing && (isShown || turns % 6 === 1)) {
      const { estimator, samples } = missing;
      const { toy } = this.code;
      const opened = [runtime, estimator, samples, toy, this.numbers, this.temperature] as const;
      const cell = await Cell.open(...opened);
      cell.place(settings.off);
      this.cells.push(cell);
      await cell.draw();
    } else {
      await this.next(turns)?.draw();
    }
    this.changed();
    return true;
  }

  /** In turn one that is shown, and of those not known well yet the one with the fewest draws. */
  private next(turn: number): Cell | undefined {
    const shown = this.cells.filter(({ samples }) => samples === this.settings.samples);
    if (turn % 3 === 1) return shown[Math.floor(turn / 3) % shown.length];
    const isVague = ({ estimator, parts }: Cell) =>
      estimator.name !== 'Enumerated' && PARTS.some((part) => parts[part].uncertainty > ENOUGH);
    return this.cells
      .filter(isVague)
      .sort((a, b) => a.parts.encoder.count - b.parts.encoder.count)[0];
  }

  private async race(): Promise<void> {
    const { runtime, settings, code } = this;
    const wanted = code.estimators.filter(({ least }) => settings.samples >= least);
    const missing = wanted.find((each) => !this.racers.some((racer) => racer.estimator === each));
    if (missing) {
      const racer = await Racer.open(
        runtime,
        missing,
        settings.samples,
        code.toy,
        this.temperature,
      );
      racer.place(runtime, settings.off, settings.rate);
      this.racers.push(racer);
      return;
    }
    const behind = [...this.racers].sort((a, b) => a.step - b.step)[0];
    if (behind && behind.step < RACE_STEPS) await behind.run(RACE_SLICE);
  }

  /** Settings that act at once, without another compilation. */
  set(settings: EstimatorSettings): void {
    const { runtime } = this;
    const before = this.settings;
    this.settings = settings;
    if (settings.samples !== before.samples) {
      for (const racer of this.racers) racer.close(runtime);
      this.racers = [];
    }
    if (settings.temperature !== before.temperature) {
      runtime.write(this.temperature, [settings.temperature]);
      for (const cell of this.cells) cell.forget();
    }
    if (settings.off !== before.off) for (const cell of this.cells) cell.place(settings.off);
    const again = settings.off !== before.off || settings.temperature !== before.temperature;
    for (const racer of this.racers) {
      if (again || settings.rate !== before.rate) {
        racer.place(runtime, settings.off, settings.rate);
      }
    }
    this.changed();
  }
}

export interface Known {
  readonly samples: number;
  readonly ratio: number;
  /** Relative standard error. */
  readonly uncertainty: number;
}

/** A ratio that is known no better says little. */
export const VAGUE = 0.3;

/** Weighted least squares on a log-log scale: the slope of the signal-to-noise ratio over K, from K = 4 on. */
export function slopeOf(known: readonly Known[]): number | undefined {
  const logs = known
    .filter(({ samples, ratio, uncertainty }) => samples > 1 && ratio > 0 && uncertainty < VAGUE)
    .map(({ samples, ratio, uncertainty }) => ({
      x: Math.log(samples),
      y: Math.log(ratio),
      // What is known to a hundredth counts no more: the law itself holds no better.
      weight: 1 / Math.max(uncertainty, ENOUGH) ** 2,
    }));
  if (logs.length < 2) return undefined;
  const total = logs.reduce((sum, { weight }) => sum + weight, 0);
  const x = logs.reduce((sum, each) => sum + each.weight * each.x, 0) / total;
  const y = logs.reduce((sum, each) => sum + each.weight * each.y, 0) / total;
  const cross = logs.reduce((sum, each) => sum + each.weight * (each.x - x) * (each.y - y), 0);
  return cross / logs.reduce((sum, each) => sum + each.weight * (each.x - x) ** 2, 0);
}
