// The benchmark: peaks, kernels and whole steps, measured in the same rounds.
import { version } from '../../package.json';
import { type Device, type OpenOptions, openDevice } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { Runtime, schedule } from '../scheduler/index.ts';
import { BoundSchedule } from './bound-schedule.ts';
import { buildKernel, kernelNames } from './kernels.ts';
import { preparePeaks } from './peaks.ts';
import {
  type BenchHost,
  type BenchReport,
  type BenchRow,
  COLD_START,
  type ColdStart,
} from './report.ts';
import {
  floorOf,
  floorOfAll,
  type PeakKind,
  type Peaks,
  peaksOf,
  sumOfWork,
  type Work,
} from './roofline.ts';
import { MIN_ROUNDS, measureInRounds, type Subject } from './rounds.ts';
import { median, summarize } from './statistics.ts';
import { coldStart, prepareStep, STEPS, type StepSubject, workOf } from './steps.ts';
import { type ClockName, Repeated, Stopwatch, type Timing } from './stopwatch.ts';

export interface BenchOptions {
  /** Time to measure for, once everything is warm. Default: 20. */
  seconds?: number;
  /** Measures only what has one of these in its name; peaks are always measured. */
  filter?: readonly string[];
  /** Rounds to take however long they last. */
  minRounds?: number;
  /** `host`: do without the GPU's clock. */
  clock?: ClockName;
  /** Of initial values, noise and shuffling. Default: 1. */
  seed?: number;
  /** Of the adapter. */
  open?: OpenOptions;
  /** What the caller knows of the machine. */
  host?: Omit<BenchHost, 'runtime'>;
  /** Called often, with what is being done and the share of the measuring that is done, 0 to 1. */
  onProgress?: (what: string, done: number) => void;
  signal?: AbortSignal;
}

interface Measured extends Subject {
  readonly name: string;
  readonly group: BenchRow['group'];
  readonly clock: ClockName;
  readonly work: Work;
  /** Pieces that run one after another, where there are several. */
  readonly pieces?: readonly Work[];
  readonly peak?: PeakKind;
  readonly step?: StepSubject;
}

/** Cold starts that are timed; each takes as long as it takes. */
const COLD_STARTS = 3;

/** Names of everything that can be measured beside the peaks. */
export function benchmarkNames(isSoftware: boolean): string[] {
  return [...kernelNames(isSoftware), ...STEPS, COLD_START];
}

/**
 * Measures what this adapter does at best, and how much of that kernels and whole steps reach.
 *
 * @throws LatentGpuError `bad-config` if nothing matches the filter; `no-adapter`, `device-lost`
 */
export async function runBenchmark(options: BenchOptions = {}): Promise<BenchReport> {
  const { seconds = 20, minRounds = MIN_ROUNDS, onProgress, signal } = options;
  const open = () => openDevice(options.open);
  const device = await open();
  try {
    const wanted = chosen(options.filter, device.adapter.isSoftware);
    const cold = wanted.has(COLD_START) ? await coldStarts(open, options) : undefined;
    const bench = new Bench(device, options.clock ?? 'gpu', options.seed ?? 1);
    try {
      await bench.prepare(wanted, (what) => {
        signal?.throwIfAborted();
        onProgress?.(`preparing: ${what}`, 0);
      });
      const samples = await measureInRounds(bench.measured, {
        seconds,
        minRounds,
        onProgress: (done) => onProgress?.('measuring', done),
        ...(signal && { signal }),
      });
      return report(bench, samples, device, cold, { seconds, host: options.host ?? {} });
    } finally {
      await bench.destroy();
    }
  } finally {
    device.destroy();
  }
}

function chosen(filter: BenchOptions['filter'], isSoftware: boolean): Set<string> {
  const names = benchmarkNames(isSoftware);
  if (!filter || filter.length === 0) return new Set(names);
  const found = filter.flatMap((part) => {
    const hits = names.filter((name) => name.toLowerCase().includes(part.toLowerCase()));
    if (hits.length > 0) return hits;
    throw new LatentGpuError(
      'bad-config',
      `nothing that is measured has '${part}' in its name; there are: ${names.join('; ')}`,
    );
  });
  return new Set(found);
}

async function coldStarts(
  open: () => Promise<Device>,
  { onProgress, signal }: BenchOptions,
): Promise<ColdStart> {
  const samples: number[] = [];
  for (let i = 0; i < COLD_STARTS; i++) {
    signal?.throwIfAborted();
    onProgress?.(`cold start ${i + 1} of ${COLD_STARTS}`, 0);
    samples.push(rounded((await coldStart(open)).ms));
  }
  return { firstMs: samples[0] as number, ms: summarize(samples), samples };
}

/** Everything that is sampled, on one device. */
class Bench {
  readonly measured: Measured[] = [];
  readonly clock: ClockName;
  private readonly device: Device;
  private readonly seed: number;
  private readonly stopwatch: Stopwatch;
  private readonly cleanups: (() => void | Promise<void>)[] = [];

  constructor(device: Device, clock: ClockName, seed: number) {
    this.device = device;
    this.seed = seed;
    this.stopwatch = new Stopwatch(device, clock);
    this.clock = this.stopwatch.clock;
    this.cleanups.push(() => this.stopwatch.destroy());
  }

  async prepare(wanted: ReadonlySet<string>, onProgress: (what: string) => void): Promise<void> {
    onProgress('peaks');
    const { subjects, destroy } = await preparePeaks(this.device, this.stopwatch);
    this.cleanups.push(destroy);
    for (const { name, kind, clock, work, sample } of subjects) {
      this.measured.push({ name, group: 'peak', clock, work, peak: kind, sample });
    }
    for (const name of kernelNames(this.device.adapter.isSoftware)) {
      if (!wanted.has(name)) continue;
      onProgress(name);
      await this.prepareKernel(name);
    }
    for (const name of STEPS) {
      if (!wanted.has(name)) continue;
      onProgress(name);
      const step = await prepareStep(name, this.device, this.seed);
      this.cleanups.push(() => step.destroy());
      const { work: pieces, sample } = step;
      const work = sumOfWork(pieces);
      this.measured.push({ name, group: 'step', clock: 'host', work, pieces, sample, step });
    }
  }

  private async prepareKernel(name: string): Promise<void> {
    const { program, bytes, flops } = buildKernel(name);
    const runtime = new Runtime(this.device, { seed: this.seed });
    this.cleanups.push(() => runtime.destroy());
    const plan = schedule(program, runtime.adapter);
    const bound = await BoundSchedule.create(runtime, plan);
    this.cleanups.push(() => bound.destroy());
    const work = sumOfWork(workOf(plan));
    const repeated = new Repeated(this.stopwatch, (pass) => bound.encodeAll(pass), bound.length);
    await repeated.warmUp();
    this.measured.push({
      name,
      group: 'kernel',
      clock: this.clock,
      work: { ...work, bytes, flops: flops ?? work.flops },
      sample: () => repeated.time(),
    });
  }

  async destroy(): Promise<void> {
    for (const cleanup of this.cleanups.reverse()) await cleanup();
  }
}

/** Five significant digits: more is noise. */
const rounded = (x: number): number => Number(x.toPrecision(5));

function report(
  bench: Bench,
  samples: readonly Timing[][],
  device: Device,
  cold: ColdStart | undefined,
  { seconds, host }: { seconds: number; host: Omit<BenchHost, 'runtime'> },
): BenchReport {
  const all = bench.measured.map((subject, i) => ({ subject, timings: samples[i] as Timing[] }));
  const best = fastestVariants(all);
  const peaks = peaksOf(
    best.flatMap(({ subject: { peak, work }, timings }) =>
      peak ? [{ kind: peak, work, ms: fastest(timings) }] : [],
    ),
  );
  const { name, vendor, architecture, description, isSoftware, host: on } = device.adapter;
  return {
    format: 1,
    date: new Date().toISOString(),
    version,
    adapter: {
      name,
      vendor,
      architecture,
      description,
      isSoftware,
      host: on,
      features: [...device.features].sort(),
    },
    host: { runtime: runtimeName(), ...host },
    clock: bench.clock,
    rounds: samples[0]?.length ?? 0,
    seconds,
    peaks,
    rows: best.map((sampled) => rowOf(sampled, peaks)),
    ...(cold && { coldStart: cold }),
  };
}

interface Sampled {
  readonly subject: Measured;
  readonly timings: readonly Timing[];
}

const fastest = (timings: readonly Timing[]): number => Math.min(...timings.map(({ ms }) => ms));

/** Of several variants of a peak, the one with the fastest sample. */
function fastestVariants(all: readonly Sampled[]): Sampled[] {
  const best = new Map<string, Sampled>();
  const cost = ({ subject: { work }, timings }: Sampled) => {
    const { flops, bytes, normals, uniforms, dispatches } = work;
    return fastest(timings) / (flops + bytes + normals + uniforms + dispatches);
  };
  for (const sampled of all) {
    const { name } = sampled.subject;
    const rival = best.get(name);
    if (!rival || cost(sampled) < cost(rival)) best.set(name, sampled);
  }
  return [...best.values()];
}

function rowOf({ subject, timings }: Sampled, peaks: Peaks): BenchRow {
  const { name, group, clock, work, pieces, step } = subject;
  const samples = timings.map(({ ms }) => rounded(ms));
  const cpu = timings.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
  const ms = summarize(samples);
  // A step has the launches it has; a kernel needs one, however many were made of it.
  const floor = pieces ? floorOfAll(pieces, peaks) : floorOf({ ...work, dispatches: 1 }, peaks);
  return {
    name,
    group,
    clock,
    ms,
    samples,
    cpuMs: cpu.length > 0 ? rounded(median(cpu)) : null,
    work,
    share: rounded(floor.ms / ms.min),
    limit: floor.limit,
    ...(step && { counts: step.counts(), memory: step.memory }),
  };
}

function runtimeName(): string {
  const node = typeof process === 'undefined' ? undefined : process.versions?.node;
  return node ? `Node.js ${node}` : navigator.userAgent;
}
