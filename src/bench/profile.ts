// Where the time of a step goes: every dispatch of a schedule, timed by itself.
import { formatShape } from '../graph/shape.ts';
import type { Runtime } from '../scheduler/runtime.ts';
import type { Schedule } from '../scheduler/schedule.ts';
import { BoundSchedule } from './bound-schedule.ts';
import { median } from './statistics.ts';
import { type ClockName, Repeated, Stopwatch, type Timing } from './stopwatch.ts';
import { type Column, formatTable, short, si } from './table.ts';

export interface ProfiledDispatch {
  /** The shader and its variant. */
  readonly kernel: string;
  readonly domain: string;
  readonly workgroups: number;
  readonly label: string;
  readonly flops: number;
  readonly bytes: number;
  /** Medians over the rounds. */
  readonly ms: number;
  readonly cpuMs: number | null;
}

export interface Profile {
  readonly clock: ClockName;
  readonly rounds: number;
  readonly dispatches: readonly ProfiledDispatch[];
  /** Σ of the medians. */
  readonly ms: number;
  readonly cpuMs: number | null;
}

export interface ProfileOptions {
  /** Time to spend. */
  seconds?: number;
  clock?: ClockName;
}

/** Rounds below which a median says little. */
const MIN_ROUNDS = 5;

/**
 * Times each dispatch of a schedule, repeated by itself as often as the clock needs, in rounds over
 * all of them. What the step leaves in variables changes as in a run.
 */
export async function profileSchedule(
  runtime: Runtime,
  schedule: Schedule,
  { seconds = 4, clock = 'gpu' }: ProfileOptions = {},
): Promise<Profile> {
  const bound = await BoundSchedule.create(runtime, schedule);
  const stopwatch = new Stopwatch(runtime.device, clock);
  const dispatches = schedule.kernels.map(
    (_, i) => new Repeated(stopwatch, (pass) => bound.encode(pass, i)),
  );
  const rounds: Timing[][] = [];
  try {
    for (const each of dispatches) await each.warmUp();
    const end = performance.now() + 1000 * seconds;
    while (rounds.length < MIN_ROUNDS || performance.now() < end) {
      const round: Timing[] = [];
      for (const each of dispatches) round.push(await each.time());
      rounds.push(round);
    }
  } finally {
    stopwatch.destroy();
    bound.destroy();
  }
  const profiled = schedule.kernels.map((kernel, i): ProfiledDispatch => {
    const timings = rounds.map((round) => round[i] as Timing);
    const cpu = timings.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
    return {
      kernel: kernel.variant ? `${kernel.shader} (${kernel.variant})` : kernel.shader,
      domain: formatShape(kernel.group.shape),
      workgroups: kernel.dispatch.reduce((a, b) => a * b, 1),
      label: kernel.label,
      flops: kernel.flops,
      bytes: kernel.bytes,
      ms: median(timings.map(({ ms }) => ms)),
      cpuMs: cpu.length > 0 ? median(cpu) : null,
    };
  });
  const cpuTimes = profiled.map(({ cpuMs }) => cpuMs);
  return {
    clock: stopwatch.clock,
    rounds: rounds.length,
    dispatches: profiled,
    ms: profiled.reduce((total, { ms }) => total + ms, 0),
    cpuMs: cpuTimes.includes(null)
      ? null
      : cpuTimes.reduce<number>((total, ms) => total + (ms as number), 0),
  };
}

/** The profile as text, cut at `width` columns. */
export function formatProfile(profile: Profile, width = 100): string {
  const { dispatches, ms, cpuMs, clock, rounds } = profile;
  const columns: Column[] = [
    ...['#', 'ms', '%', 'cpu ms', 'FLOP', 'GFLOP/s', 'bytes', 'GB/s', 'groups'].map(
      (head): Column => ({ head, align: 'right' }),
    ),
    { head: 'kernel' },
    { head: 'domain' },
    { head: 'computes' },
  ];
  const rows = dispatches.map((d, i) => [
    String(i),
    short(d.ms),
    ((100 * d.ms) / ms).toFixed(1),
    d.cpuMs === null ? '–' : short(d.cpuMs),
    si(d.flops),
    short(d.flops / d.ms / 1e6),
    si(d.bytes),
    short(d.bytes / d.ms / 1e6),
    String(d.workgroups),
    d.kernel,
    d.domain,
    d.label,
  ]);
  const cpu = cpuMs === null ? '' : `, ${short(cpuMs)} ms of processor time`;
  return [
    `${dispatches.length} dispatches, ${short(ms)} ms in all${cpu}; each repeated by itself,`,
    `by the ${clock === 'gpu' ? "GPU's" : "host's"} clock, medians of ${rounds} rounds`,
    ...formatTable(columns, rows, width),
  ].join('\n');
}
