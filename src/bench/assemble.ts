// From samples to a report.
import { version } from '../../package.json';
import type { Device } from '../device/index.ts';
import type { ClockName, Timing } from '../device/stopwatch.ts';
import { median } from '../quantile.ts';
import type { TuneMode } from '../tuning/index.ts';
import type { AbsentPeak } from './peaks/peak.ts';
import type {
  BenchCurve,
  BenchHost,
  BenchReport,
  BenchRow,
  ColdStart,
  Measurement,
} from './report.ts';
import { floorOf, floorOfAll, type Peaks, peaksOf } from './roofline.ts';
import { summarize } from './statistics.ts';
import type { Measured } from './subjects.ts';

export interface Sampled {
  readonly subject: Measured;
  readonly timings: readonly Timing[];
}

/** What a report says beside its measurements. */
export interface Circumstances {
  readonly device: Device;
  readonly clock: ClockName;
  readonly tune: TuneMode;
  readonly seconds: number;
  readonly rounds: number;
  readonly host: Omit<BenchHost, 'runtime'>;
  readonly command?: string | undefined;
  readonly absent: readonly AbsentPeak[];
}

/** Five significant digits: more is noise. */
export const rounded = (x: number): number => Number(x.toPrecision(5));

const fastest = (timings: readonly Timing[]): number => Math.min(...timings.map(({ ms }) => ms));

/** Of several variants of a peak, the one with the fastest sample. */
export function fastestVariants(all: readonly Sampled[]): Sampled[] {
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

/** One subject's samples, and what share of the binding peak they are. */
export function measurementOf({ subject, timings }: Sampled, peaks: Peaks): Measurement {
  const { clock, work, pieces, variants } = subject;
  const samples = timings.map(({ ms }) => rounded(ms));
  const cpu = timings.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
  const { median: middle, quartiles, ...extremes } = summarize(samples);
  const ms = {
    median: rounded(middle),
    quartiles: [rounded(quartiles[0]), rounded(quartiles[1])] as const,
    ...extremes,
  };
  // A step has the launches it has; a kernel needs one, however many were made of it.
  const floor = pieces ? floorOfAll(pieces, peaks) : floorOf({ ...work, dispatches: 1 }, peaks);
  return {
    clock,
    ms,
    samples,
    cpuMs: cpu.length > 0 ? rounded(median(cpu)) : null,
    work,
    share: rounded(floor.ms / ms.min),
    limit: floor.limit,
    ...(variants && { variants }),
  };
}

function rowOf(sampled: Sampled, peaks: Peaks): BenchRow {
  const { name, group, peak, step } = sampled.subject;
  return {
    name,
    group,
    ...(peak && { peak }),
    ...measurementOf(sampled, peaks),
    ...(step && { counts: step.counts(), memory: step.memory }),
  };
}

/** @param all every subject that has samples, all peaks among them */
export function assemble(
  all: readonly Sampled[],
  { device, clock, tune, seconds, rounds, host, command, absent }: Circumstances,
  extras: { coldStart?: ColdStart | undefined; curves?: readonly BenchCurve[] | undefined },
): BenchReport {
  const best = fastestVariants(all);
  const peaks = peaksOf(
    best.flatMap(({ subject: { peak, work }, timings }) =>
      peak ? [{ kind: peak, work, ms: fastest(timings) }] : [],
    ),
  );
  const { name, vendor, architecture, description, isSoftware, host: on } = device.adapter;
  const { coldStart, curves } = extras;
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
    ...(command !== undefined && { command }),
    clock,
    tune,
    rounds,
    seconds,
    peaks,
    ...(absent.length > 0 && { absent }),
    rows: best.map((sampled) => rowOf(sampled, peaks)),
    ...(coldStart && { coldStart }),
    ...(curves && { curves }),
  };
}

function runtimeName(): string {
  const node = typeof process === 'undefined' ? undefined : process.versions?.node;
  return node ? `Node.js ${node}` : navigator.userAgent;
}
