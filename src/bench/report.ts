// What a run of the benchmark leaves: plain data, fit for JSON and for a comparison with another run.
import type { AdapterReport } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Limit, Peaks, Work } from './roofline.ts';
import type { Summary } from './statistics.ts';
import type { StepCounts, StepMemory } from './steps.ts';
import type { ClockName } from './stopwatch.ts';

export interface BenchRow {
  readonly name: string;
  readonly group: 'peak' | 'kernel' | 'step';
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
  /** Of a step. */
  readonly counts?: StepCounts;
  readonly memory?: StepMemory;
}

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
  /** What timed the kernels; steps are always timed by the host. */
  readonly clock: ClockName;
  readonly rounds: number;
  readonly seconds: number;
  readonly peaks: Peaks;
  readonly rows: readonly BenchRow[];
  readonly coldStart?: ColdStart;
}

/** The report as JSON with one line for a list of numbers, for people and for `diff`. */
export function stringifyReport(report: BenchReport): string {
  return `${print(report, '')}\n`;
}

const WIDTH = 100;

function print(value: unknown, indent: string, key = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== 'object');
    const items = value.map((item) => print(item, deeper));
    const line = `[${items.join(', ')}]`;
    if (plain && indent.length + key.length + line.length < WIDTH) return line;
    const body = value.every((item) => typeof item === 'number')
      ? fill(items, deeper)
      : items.map((item) => deeper + item).join(',\n');
    return `[\n${body}\n${indent}]`;
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => `${deeper}"${name}": ${print(field, deeper, `"${name}": `)}`);
  return `{\n${fields.join(',\n')}\n${indent}}`;
}

/** As many items a line as fit. */
function fill(items: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = '';
  items.forEach((item, i) => {
    const text = i === items.length - 1 ? item : `${item},`;
    if (line && indent.length + line.length + 1 + text.length > WIDTH) {
      lines.push(indent + line);
      line = text;
    } else line = line ? `${line} ${text}` : text;
  });
  lines.push(indent + line);
  return lines.join('\n');
}

/**
 * A report from its text.
 *
 * @param name what to call the text in messages
 * @throws LatentGpuError `bad-format`
 */
export function parseReport(text: string, name: string): BenchReport {
  const refuse = (why: string, cause?: unknown) =>
    new LatentGpuError('bad-format', `${name} is no benchmark report: ${why}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse((cause as Error).message, cause);
  }
  const report = value as Partial<BenchReport> | null;
  if (typeof report !== 'object' || report === null) throw refuse('it holds no object');
  if (report.format !== 1) {
    throw refuse(`its format is ${JSON.stringify(report.format)}, and this version reads 1`);
  }
  const whole =
    Array.isArray(report.rows) &&
    report.rows.every(
      (row: Partial<BenchRow> | null) =>
        typeof row?.name === 'string' &&
        Array.isArray(row.samples) &&
        row.samples.length > 0 &&
        row.samples.every((x) => typeof x === 'number' && x > 0),
    );
  if (!whole || !report.adapter) throw refuse('its rows or its adapter are missing or damaged');
  return report as BenchReport;
}
