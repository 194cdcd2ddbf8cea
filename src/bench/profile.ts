// Where the time of a step goes: every dispatch of a schedule, timed by itself.

import { type ClockName, Repeated, Stopwatch, type Timing } from '../device/stopwatch.ts';
import { formatShape } from '../graph/shape.ts';
import { median } from '../quantile.ts';
import { Plan } from '../scheduler/run/plan.ts';
import type { Runtime } from '../scheduler/run/runtime.ts';
import type { Schedule } from '../scheduler/run/schedule.ts';
import { measureInRounds } from './rounds.ts';
import { type Column, formatTable, short, si } from './table.ts';

export interface ProfiledDispatch {
  /** The shader and its variant. */
  readonly kernel: string;
  readonly domain: string;
  readonly workgroups: number;
  readonly label: string;
  readonly flops: number;
  readonly bytes: number;
  /** Medians over the rounds, and the fastest. */
  readonly ms: number;
  readonly cpuMs: number | null;
  readonly bestMs: number;
}

export interface Profile {
  readonly clock: ClockName;
  readonly rounds: number;
  readonly dispatches: readonly ProfiledDispatch[];
  /** Sums over the dispatches. */
  readonly ms: number;
  readonly cpuMs: number | null;
  readonly bestMs: number;
}

export interface ProfileOptions {
  /** Time to spend. */
  seconds?: number;
  clock?: ClockName;
  signal?: AbortSignal;
}

/**
 * Times each dispatch of a schedule, repeated by itself as often as the clock needs, in rounds over
 * all of them. What the step leaves in variables changes as in a run.
 */
export async function profileSchedule(
  runtime: Runtime,
  schedule: Schedule,
  { seconds = 4, clock = 'gpu', signal }: ProfileOptions = {},
): Promise<Profile> {
  // Intermediates of its own: whoever runs the schedule keeps theirs.
  const bound = await Plan.create(runtime.device, runtime.variables, schedule);
  const stopwatch = new Stopwatch(runtime.device, clock);
  const dispatches = schedule.kernels.map(
    (_, i) => new Repeated(stopwatch, (pass) => bound.encode(pass, i)),
  );
  let samples: Timing[][];
  try {
    await bound.ready();
    for (const each of dispatches) await each.warmUp();
    const subjects = dispatches.map((each) => ({ sample: () => each.time() }));
    samples = await measureInRounds(subjects, { seconds, ...(signal && { signal }) });
  } finally {
    stopwatch.destroy();
    bound.destroy();
  }
  const profiled = schedule.kernels.map((kernel, i): ProfiledDispatch => {
    const timings = samples[i] as Timing[];
    const times = schedule.counts[i] as number;
    const cpu = timings.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
    return {
      kernel: kernel.variant ? `${kernel.shader} (${kernel.variant})` : kernel.shader,
      domain: kernel.groups.map(({ shape }) => formatShape(shape)).join(' ∥ '),
      workgroups: kernel.dispatch.reduce((a, b) => a * b, 1),
      label: times > 1 ? `${kernel.label}, ${times} times` : kernel.label,
      flops: times * kernel.flops,
      bytes: times * kernel.bytes,
      ms: times * median(timings.map(({ ms }) => ms)),
      cpuMs: cpu.length > 0 ? times * median(cpu) : null,
      bestMs: times * Math.min(...timings.map(({ ms }) => ms)),
    };
  });
  const cpuTimes = profiled.map(({ cpuMs }) => cpuMs);
  return {
    clock: stopwatch.clock,
    rounds: samples[0]?.length ?? 0,
    dispatches: profiled,
    ms: profiled.reduce((total, { ms }) => total + ms, 0),
    cpuMs: cpuTimes.includes(null)
      ? null
      : cpuTimes.reduce<number>((total, ms) => total + (ms as number), 0),
    bestMs: profiled.reduce((total, { bestMs }) => total + bestMs, 0),
  };
}

/** The profile as text, cut at `width` columns. */
export function formatProfile(profile: Profile, width = 100): string {
  const { dispatches, ms, cpuMs, bestMs, clock, rounds } = profile;
  const columns: Column[] = [
    ...['#', 'ms', 'cpu ms', 'best', '%', 'FLOP', 'GFLOP/s', 'bytes', 'GB/s', 'groups'].map(
      (head): Column => ({ head, align: 'right' }),
    ),
    { head: 'kernel' },
    { head: 'domain' },
    { head: 'computes' },
  ];
  const rows = dispatches.map((d, i) => [
    String(i),
    short(d.ms),
    d.cpuMs === null ? '–' : short(d.cpuMs),
    short(d.bestMs),
    ((100 * d.bestMs) / bestMs).toFixed(1),
    si(d.flops),
    short(d.flops / d.bestMs / 1e6),
    si(d.bytes),
    short(d.bytes / d.bestMs / 1e6),
    String(d.workgroups),
    d.kernel,
    d.domain,
    d.label,
  ]);
  const cpu = cpuMs === null ? '' : `, ${short(cpuMs)} ms of processor time`;
  return [
    `${dispatches.length} dispatches: medians ${short(ms)} ms in all, best ${short(bestMs)} ms${cpu}`,
    `each repeated by itself, by the ${clock === 'gpu' ? "GPU's" : "host's"} clock, ${rounds} rounds; shares and rates by the best`,
    ...formatTable(columns, rows, width),
  ].join('\n');
}
