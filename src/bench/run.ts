// The benchmark: peaks, kernels and whole steps, measured in the same rounds; then curves.
import { type Device, type OpenOptions, openDevice } from '../device/index.ts';
import type { ClockName, Timing } from '../device/stopwatch.ts';
import { LatentGpuError } from '../errors.ts';
import { defaultTune, newTuner, type TuneMode, type Tuner } from '../tuning/index.ts';
import { assemble, fastestVariants, rounded, type Sampled } from './assemble.ts';
import { CURVES, type CurveSpec, curveSpecs } from './curves.ts';
import { measureCurve } from './measure-curve.ts';
import {
  type BenchCurve,
  type BenchHost,
  type BenchReport,
  COLD_START,
  type ColdStart,
} from './report.ts';
import { MIN_ROUNDS, measureInRounds } from './rounds.ts';
import { isSettled, summarize } from './statistics.ts';
import { coldStart } from './steps.ts';
import { type Measured, Subjects, subjectNames } from './subjects.ts';

export interface BenchOptions {
  /** Time to measure for, once everything is warm. Default: 20. */
  seconds?: number;
  /** Measures only what has one of these in its name; peaks and curves that are named always are. */
  filter?: readonly string[];
  /** Rounds to take however long they last. */
  minRounds?: number;
  /** Cost against size as well: all curves, or those with one of these in the name. Default: none. */
  curves?: true | readonly string[];
  /** Time to measure each curve for. Default: 2.5. */
  curveSeconds?: number;
  /**
   * How kernels are chosen. Where that is by measurement, it may take as long again as the measuring,
   * and what is learnt is remembered. Default: as `LATENTGPU_TUNE` says, else `auto`.
   */
  tune?: TuneMode;
  /** `host`: do without the GPU's clock. */
  clock?: ClockName;
  /** Of initial values, noise and shuffling. Default: 1. */
  seed?: number;
  /** Of the adapter. */
  open?: OpenOptions;
  /** What the caller knows of the machine. */
  host?: Omit<BenchHost, 'runtime'>;
  /** What measures the same again, for whoever reads the report. */
  command?: string;
  /** Called often, with what is being done and the share of the measuring that is done, 0 to 1. */
  onProgress?: (what: string, done: number) => void;
  /**
   * Called with what is known so far: the peaks first, then each kernel and step with a single
   * sample, then all of them after each round, then each curve.
   */
  onReport?: (report: BenchReport) => void;
  signal?: AbortSignal;
}

/** Cold starts that are timed; each takes as long as it takes. */
const COLD_STARTS = 3;
const SECONDS = 20;
/** Seconds that each curve is measured for. */
const CURVE_SECONDS = 2.5;

/** Names of everything that can be measured beside the peaks and the curves. */
export function benchmarkNames(isSoftware: boolean): string[] {
  return [...subjectNames(isSoftware), COLD_START];
}

/**
 * Measures what this adapter does at best, and how much of that kernels and whole steps reach.
 *
 * @throws LatentGpuError `bad-config` if nothing matches a filter; `no-adapter`, `device-lost`
 */
export async function runBenchmark(options: BenchOptions = {}): Promise<BenchReport> {
  const open = () => openDevice(options.open);
  const device = await open();
  try {
    const wanted = chosen(options, device.adapter.isSoftware);
    const cold = wanted.names.has(COLD_START) ? await coldStarts(open, options) : undefined;
    const tuner = tunerOf(device, wanted, options);
    const subjects = new Subjects(device, tuner, options.clock ?? 'gpu', options.seed ?? 1);
    try {
      return await measure(subjects, wanted, options, cold);
    } finally {
      // What was made for a lost device went with it.
      if (!device.isLost) await subjects.destroy();
    }
  } finally {
    device.destroy();
  }
}

async function measure(
  subjects: Subjects,
  { names, curves: wantedCurves }: Wanted,
  options: BenchOptions,
  coldStart: ColdStart | undefined,
): Promise<BenchReport> {
  const { seconds = SECONDS, minRounds = MIN_ROUNDS, curveSeconds = CURVE_SECONDS } = options;
  const { onProgress, onReport, signal } = options;
  const { device, clock } = subjects;
  const assembled = (sampled: readonly Sampled[], rounds: number, curves?: BenchCurve[]) => {
    const { host = {}, command } = options;
    return assemble(
      sampled,
      {
        device,
        clock,
        tune: tuneOf(options),
        seconds,
        rounds,
        host,
        command,
        absent: subjects.absent,
      },
      { coldStart, curves },
    );
  };

  onProgress?.('preparing: peaks', 0);
  await subjects.addPeaks();
  // Whoever looks on sees something at once; these samples count no further.
  const first: Sampled[] = [];
  const preview = async (subject: Measured) => {
    signal?.throwIfAborted();
    first.push({ subject, timings: [await subject.sample()] });
  };
  if (onReport) {
    onProgress?.('measuring the peaks', 0);
    for (const subject of subjects.all) await preview(subject);
    onReport(assembled(first, 0));
  }
  for (const name of subjectNames(device.adapter.isSoftware)) {
    if (!names.has(name)) continue;
    signal?.throwIfAborted();
    onProgress?.(`preparing: ${name}`, 0);
    const subject = await subjects.add(name);
    if (!onReport) continue;
    await preview(subject);
    onReport(assembled(first, 0));
  }

  let sampled: Sampled[] = [];
  let rounds = 0;
  const { all } = subjects;
  const curveShare = wantedCurves.length * curveSeconds;
  const part = seconds / (seconds + curveShare);
  await measureInRounds(all, {
    seconds,
    minRounds,
    unsettled: (samples) => unsettledPeaks(all, samples),
    onProgress: (done) => onProgress?.('measuring', part * done),
    onRound: (samples) => {
      sampled = all.map((subject, i) => ({ subject, timings: samples[i] as Timing[] }));
      rounds += 1;
      onReport?.(assembled(sampled, rounds));
    },
    ...(signal && { signal }),
  });
  if (wantedCurves.length === 0) return assembled(sampled, rounds);

  const { peaks } = assembled(sampled, rounds);
  const curves: BenchCurve[] = [];
  for (const [i, spec] of wantedCurves.entries()) {
    const curve = await measureCurve(spec, subjects, peaks, {
      seconds: curveSeconds,
      minRounds,
      onProgress: (what, done) =>
        onProgress?.(what, part + ((1 - part) * (i + done)) / wantedCurves.length),
      ...(signal && { signal }),
    });
    curves.push(curve);
    onReport?.(assembled(sampled, rounds, curves));
  }
  return assembled(sampled, rounds, curves);
}

/** The peaks, each by its fastest variant, whose medians are not known well enough. */
function unsettledPeaks(
  all: readonly Measured[],
  samples: readonly (readonly Timing[])[],
): number[] {
  const sampled = all.map((subject, i) => ({ subject, timings: samples[i] as Timing[] }));
  return fastestVariants(sampled.filter(({ subject }) => subject.peak))
    .filter(({ timings }) => !isSettled(timings.map(({ ms }) => ms)))
    .map(({ subject }) => all.indexOf(subject));
}

const tuneOf = ({ tune }: BenchOptions): TuneMode => tune ?? defaultTune();

/** One for all that is measured: what `auto` has no time for in a run is worth measuring here. */
function tunerOf(device: Device, { curves }: Wanted, options: BenchOptions): Tuner {
  const { seconds = SECONDS, curveSeconds = CURVE_SECONDS, onProgress, signal } = options;
  const tune = tuneOf(options);
  const mode = tune === 'auto' && !device.adapter.isSoftware ? 'on' : tune;
  return newTuner(device, {
    mode,
    ...(mode === 'on' && { budgetMs: 1000 * (seconds + curves.length * curveSeconds) }),
    onProgress: (_, label) => onProgress?.(`tuning: ${label}`, 0),
    ...(signal && { signal }),
  });
}

interface Wanted {
  readonly names: ReadonlySet<string>;
  readonly curves: readonly CurveSpec[];
}

const holds = (name: string, part: string) => name.toLowerCase().includes(part.toLowerCase());

function chosen({ filter = [], curves = [] }: BenchOptions, isSoftware: boolean): Wanted {
  const parts = curves === true ? [] : curves;
  check(parts, CURVES, 'no curve');
  const possible = curveSpecs.filter(
    ({ name }) => curves === true || parts.some((part) => holds(name, part)),
  );
  const names = benchmarkNames(isSoftware);
  check(filter, [...names, ...possible.map(({ name }) => name)], 'nothing that is measured');
  const passes = (name: string) => filter.length === 0 || filter.some((part) => holds(name, part));
  return {
    names: new Set(names.filter(passes)),
    curves: possible.filter(({ name }) => curves !== true || passes(name)),
  };
}

function check(parts: readonly string[], names: readonly string[], none: string): void {
  const part = parts.find((each) => !names.some((name) => holds(name, each)));
  if (part === undefined) return;
  throw new LatentGpuError(
    'bad-config',
    `${none} has '${part}' in its name; there are: ${names.join('; ')}`,
  );
}

async function coldStarts(open: () => Promise<Device>, options: BenchOptions): Promise<ColdStart> {
  const { onProgress, signal } = options;
  // To measure kernels is no part of a start: it is done once.
  const tune = tuneOf(options) === 'off' ? 'off' : 'remembered';
  const samples: number[] = [];
  for (let i = 0; i < COLD_STARTS; i++) {
    signal?.throwIfAborted();
    onProgress?.(`cold start ${i + 1} of ${COLD_STARTS}`, 0);
    samples.push(rounded((await coldStart(open, tune)).ms));
  }
  return { firstMs: samples[0] as number, ms: summarize(samples), samples };
}
