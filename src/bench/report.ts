// What a run of the benchmark leaves: plain data, fit for JSON and for a comparison with another run.
import type { AdapterReport } from '../device/index.ts';
import type { ClockName } from '../device/stopwatch.ts';
import type { TuneMode } from '../tuning/index.ts';
import type { AbsentPeak } from './peaks/peak.ts';
import type { Limit, PeakKind, Peaks, Work } from './roofline.ts';
import type { Summary } from './statistics.ts';
import type { StepCounts, StepMemory } from './step-subject.ts';
import { binary } from './table.ts';

/** What was measured of one thing. */
export interface Measurement {
  readonly clock: ClockName;
  /** Milliseconds of one repetition. */
  readonly ms: Summary;
  /** All samples, in the order in which they were taken. */
  readonly samples: readonly number[];
  /** Median of the process's processor time, all cores together; null where nobody tells. */
  readonly cpuMs: number | null;
  readonly work: Work;
  /** The least time the peaks of this run allow for the work, over the fastest sample. */
  readonly share: number;
  /** The peak that says so. */
  readonly limit: Limit;
  /** Variants of the kernels that ran, such as `2 × map-64x4`; what has none is its shader's name. */
  readonly variants?: readonly string[];
}

export interface BenchRow extends Measurement {
  readonly name: string;
  readonly group: 'peak' | 'kernel' | 'step';
  /** Of a peak: what it is the most of. */
  readonly peak?: PeakKind;
  /** Of a step. */
  readonly counts?: StepCounts;
  readonly memory?: StepMemory;
}

/** One size of a curve. */
export interface CurvePoint extends Measurement {
  readonly size: number;
}

/** Cost against size. */
export interface BenchCurve {
  readonly name: string;
  /** What the sizes count. */
  readonly axis: string;
  /** What a repetition makes `size` of, where it does. */
  readonly makes?: 'images';
  /** What is drawn; default: the time. */
  readonly rate?: 'GFLOP/s' | 'GB/s';
  /** By ascending size. */
  readonly points: readonly CurvePoint[];
}

/** A size as people write it. */
export const sizeText = (axis: string, size: number): string =>
  axis === 'bytes' ? binary(size) : String(size);

/** What a point of a curve is called where it stands beside others. */
export const pointName = ({ name, axis }: BenchCurve, { size }: CurvePoint): string =>
  axis === 'bytes' ? `${name}: ${sizeText(axis, size)}` : `${name}: ${axis} ${size}`;

/** What {@link ColdStart} is called among the rows. */
export const COLD_START = 'cold start';

export interface ColdStart {
  /** The first in this process, and those after it: each on a fresh device. */
  readonly firstMs: number;
  readonly ms: Summary;
  readonly samples: readonly number[];
}

/** Where a measurement was made. */
export interface BenchHost {
  /** `Node.js 20.20.2`, or the browser's name for itself. */
  readonly runtime: string;
  readonly cores?: number;
  readonly processor?: string;
  /** Programs that wanted a core when it began, on average over a minute. */
  readonly load?: number;
  /** Versions of whatever else matters, by name. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface BenchReport {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly version: string;
  readonly adapter: Pick<
    AdapterReport,
    'name' | 'vendor' | 'architecture' | 'description' | 'isSoftware' | 'host'
  > & { readonly features: readonly string[] };
  readonly host: BenchHost;
  /** The command that measures this again. */
  readonly command?: string;
  /** What timed the kernels; steps are always timed by the host. */
  readonly clock: ClockName;
  /** How kernels were chosen: by measurement, by what was remembered, or as shipped. */
  readonly tune?: TuneMode;
  readonly rounds: number;
  readonly seconds: number;
  readonly peaks: Peaks;
  /** Peaks that the device lacks the means for. */
  readonly absent?: readonly AbsentPeak[];
  readonly rows: readonly BenchRow[];
  readonly coldStart?: ColdStart;
  readonly curves?: readonly BenchCurve[];
}
