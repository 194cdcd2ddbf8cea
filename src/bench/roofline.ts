// The least time a piece of work can take on an adapter, from what the adapter does at best.

/** What a piece of work asks of an adapter. */
export interface Work {
  readonly flops: number;
  /** Read and written together. */
  readonly bytes: number;
  /** Random numbers, by kind. */
  readonly normals: number;
  readonly uniforms: number;
  readonly dispatches: number;
}

export const NO_WORK: Work = { flops: 0, bytes: 0, normals: 0, uniforms: 0, dispatches: 0 };

/** What an adapter does at best: the fastest sample of the fastest variant of each. */
export interface Peaks {
  /** Floating-point operations a second, two for each fused multiply-add. */
  readonly flops: number;
  /** Bytes a second, read and written together, by the bytes a copy moves in all. */
  readonly copy: readonly { readonly bytes: number; readonly bytesPerSecond: number }[];
  /** Draws a second that stay in registers. */
  readonly normals: number;
  readonly uniforms: number;
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
  | 'fma f32'
  | 'fma f16'
  | 'dot'
  | 'copy'
  | 'write'
  | 'read'
  | 'latency'
  | 'normals'
  | 'uniforms'
  | 'launch'
  | 'submission'
  | 'round trip'
  | 'read back';

/** The peak that binds: arithmetic, memory, random numbers, or the dispatches themselves. */
export type Limit = 'fma' | 'copy' | 'random' | 'launch';

export interface Floor {
  readonly ms: number;
  readonly limit: Limit;
}

/**
 * The least time in which an adapter with these peaks could do a piece of work, and which of them
 * says so: the roofline (Williams, Waterman and Patterson 2009) with two more roofs. Bandwidth is the
 * best that any copy reached which moved at least as many bytes, for what fits into a cache is fast.
 */
export function floorOf(work: Work, peaks: Peaks): Floor {
  const size = Math.min(work.bytes, Math.max(...peaks.copy.map(({ bytes }) => bytes)));
  const bandwidth = Math.max(
    ...peaks.copy.filter((c) => c.bytes >= size).map((c) => c.bytesPerSecond),
  );
  const random = work.normals / peaks.normals + work.uniforms / peaks.uniforms;
  const floors: Floor[] = [
    { limit: 'fma', ms: (1000 * work.flops) / peaks.flops },
    { limit: 'copy', ms: (1000 * work.bytes) / bandwidth },
    { limit: 'random', ms: 1000 * random },
    { limit: 'launch', ms: work.dispatches * peaks.dispatch.inPassMs },
  ];
  return floors.reduce((a, b) => (b.ms > a.ms ? b : a));
}

/** The floor of pieces that run one after another; its limit is the one that holds the longest. */
export function floorOfAll(pieces: readonly Work[], peaks: Peaks): Floor {
  const held = new Map<Limit, number>();
  for (const piece of pieces) {
    const { limit, ms } = floorOf(piece, peaks);
    held.set(limit, (held.get(limit) ?? 0) + ms);
  }
  const all = [...held].map(([limit, ms]): Floor => ({ limit, ms }));
  const [first, ...others] = all.sort((a, b) => b.ms - a.ms);
  if (!first) return { limit: 'launch', ms: 0 };
  return { limit: first.limit, ms: others.reduce((total, { ms }) => total + ms, first.ms) };
}

export function sumOfWork(pieces: readonly Work[]): Work {
  return pieces.reduce(
    (a, b) => ({
      flops: a.flops + b.flops,
      bytes: a.bytes + b.bytes,
      normals: a.normals + b.normals,
      uniforms: a.uniforms + b.uniforms,
      dispatches: a.dispatches + b.dispatches,
    }),
    NO_WORK,
  );
}

/** Peaks from what was measured: of each kind, or of each size of a copy, one measurement. */
export function peaksOf(measured: readonly { kind: PeakKind; work: Work; ms: number }[]): Peaks {
  const of = (kind: PeakKind) => {
    const found = measured.find((m) => m.kind === kind);
    if (!found) throw new Error(`no peak '${kind}' was measured`);
    return found;
  };
  const rate = (kind: PeakKind, unit: keyof Work) => {
    const { work, ms } = of(kind);
    return (1000 * work[unit]) / ms;
  };
  return {
    flops: rate('fma', 'flops'),
    copy: measured
      .filter(({ kind }) => kind === 'copy')
      .map(({ work: { bytes }, ms }) => ({ bytes, bytesPerSecond: (1000 * bytes) / ms })),
    normals: rate('normals', 'normals'),
    uniforms: rate('uniforms', 'uniforms'),
    dispatch: {
      inPassMs: of('launch').ms,
      submittedMs: of('submission').ms,
      waitedMs: of('round trip').ms,
      readMs: of('read back').ms,
    },
  };
}
