// One curve, measured: every size in every round.

import type { Timing } from '../device/stopwatch.ts';
import { isLatentGpuError } from '../errors.ts';
import { measurementOf } from './assemble.ts';
import type { CurveSpec } from './curves.ts';
import { type BenchCurve, sizeText } from './report.ts';
import type { Peaks } from './roofline.ts';
import { MIN_ROUNDS, measureInRounds } from './rounds.ts';
import type { Measured, Subjects } from './subjects.ts';

export interface CurveOptions {
  /** Time to measure for; to prepare all sizes takes what it takes, but not much more than that. */
  seconds: number;
  minRounds?: number;
  /** Called with what is being done and the share of it that is done. */
  onProgress?: (what: string, done: number) => void;
  signal?: AbortSignal;
}

/** Preparing ends when it has taken so many times as long as the measuring may take. */
const PREPARING = 4;

interface Point {
  readonly size: number;
  readonly subject: Measured;
}

/**
 * Sizes from the smallest to the largest that this adapter can take `MIN_ROUNDS` samples of in the
 * time given, or has the memory for.
 */
export async function measureCurve(
  spec: CurveSpec,
  subjects: Subjects,
  peaks: Peaks,
  { seconds, minRounds = MIN_ROUNDS, onProgress, signal }: CurveOptions,
): Promise<BenchCurve> {
  const { name, axis, makes, rate } = spec;
  const points: Point[] = [];
  try {
    await prepare(spec, subjects, seconds, points, (size) => {
      signal?.throwIfAborted();
      onProgress?.(`preparing: ${name}, ${sizeText(axis, size)}`, 0);
    });
    const samples = await measureInRounds(
      points.map(({ subject }) => subject),
      {
        seconds,
        minRounds,
        onProgress: (done) => onProgress?.(name, done),
        ...(signal && { signal }),
      },
    );
    return {
      name,
      axis,
      ...(makes && { makes }),
      ...(rate && { rate }),
      points: points.map(({ size, subject }, i) => ({
        size,
        ...measurementOf({ subject, timings: samples[i] as Timing[] }, peaks),
      })),
    };
  } finally {
    for (const { subject } of points) await subject.destroy?.();
  }
}

async function prepare(
  { sizes, mostOnSoftware = Number.POSITIVE_INFINITY, power, prepare }: CurveSpec,
  subjects: Subjects,
  seconds: number,
  points: Point[],
  onSize: (size: number) => void,
): Promise<void> {
  const most = subjects.device.adapter.isSoftware ? mostOnSoftware : Number.POSITIVE_INFINITY;
  const start = performance.now();
  let last: { size: number; ms: number } | undefined;
  for (const size of sizes) {
    if (size > most) return;
    if (last) {
      const expected = last.ms * (size / last.size) ** power;
      const isLate = performance.now() - start > PREPARING * 1000 * seconds;
      if (isLate || expected * MIN_ROUNDS > 1000 * seconds) return;
    }
    onSize(size);
    let subject: Measured;
    try {
      subject = await prepare(size, subjects);
    } catch (error) {
      const isTooLarge =
        isLatentGpuError(error) && ['out-of-memory', 'limit-exceeded'].includes(error.code);
      if (isTooLarge && last) return;
      throw error;
    }
    points.push({ size, subject });
    last = { size, ms: (await subject.sample()).ms };
  }
}
