// The least time a piece of work can take on an adapter, from what the adapter does at best.

/** The four limits that a kernel may run into, each per second, and what waiting costs. */
export interface Peaks {
  /** Floating-point operations a second, two for each fused multiply-add. */
  readonly flops: number;
  /** Bytes a second, read and written together, by the bytes a copy moves in all. */
  readonly copy: readonly { readonly bytes: number; readonly bytesPerSecond: number }[];
  /** Normal draws a second that stay in registers. */
  readonly normals: number;
  /** Milliseconds of a dispatch that does next to nothing. */
  readonly dispatch: {
    /** One of many in a pass. */
    readonly inPassMs: number;
    /** With a submission of its own. */
    readonly submittedMs: number;
    /** Submitted and waited for. */
    readonly waitedMs: number;
    /** Submitted, and its result read by the host. */
    readonly readMs: number;
  };
}

export type PeakKind =
  | 'fma'
  | 'copy'
  | 'random'
  | 'dispatch'
  | 'submission'
  | 'round trip'
  | 'read back';

/** What a piece of work asks of an adapter. */
export interface Work {
  readonly flops: number;
  readonly bytes: number;
  /** Random numbers. */
  readonly draws: number;
  readonly dispatches: number;
}

/** The peak that binds: arithmetic, memory, random numbers, or the dispatches themselves. */
export type Limit = 'fma' | 'copy' | 'random' | 'dispatch';

/**
 * The least time in which an adapter with these peaks could do a piece of work, and which of them
 * says so: the roofline (Williams, Waterman and Patterson 2009) with two more roofs. Bandwidth is the
 * best that any copy reached which moved at least as many bytes, for what fits into a cache is fast.
 */
export function floorOf(work: Work, peaks: Peaks): { ms: number; limit: Limit } {
  const sizes = peaks.copy.map(({ bytes }) => bytes);
  const size = Math.min(work.bytes, Math.max(...sizes));
  const bandwidth = Math.max(
    ...peaks.copy.filter((c) => c.bytes >= size).map((c) => c.bytesPerSecond),
  );
  const floors: [Limit, number][] = [
    ['fma', (1000 * work.flops) / peaks.flops],
    ['copy', (1000 * work.bytes) / bandwidth],
    ['random', (1000 * work.draws) / peaks.normals],
    ['dispatch', work.dispatches * peaks.dispatch.inPassMs],
  ];
  const [limit, ms] = floors.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { limit, ms };
}

/** Peaks from the medians of their subjects. */
export function peaksOf(measured: readonly { kind: PeakKind; work: number; ms: number }[]): Peaks {
  const of = (kind: PeakKind) => {
    const found = measured.find((m) => m.kind === kind);
    if (!found) throw new Error(`no ${kind} was measured`);
    return found;
  };
  const rate = ({ work, ms }: { work: number; ms: number }) => (1000 * work) / ms;
  return {
    flops: rate(of('fma')),
    copy: measured
      .filter(({ kind }) => kind === 'copy')
      .map((m) => ({ bytes: m.work, bytesPerSecond: rate(m) })),
    normals: rate(of('random')),
    dispatch: {
      inPassMs: of('dispatch').ms,
      submittedMs: of('submission').ms,
      waitedMs: of('round trip').ms,
      readMs: of('read back').ms,
    },
  };
}
