// What the page and whoever measures say to each other.
import type { BenchReport } from '../../src/bench/index.ts';
import type { ErrorCode } from '../../src/index.ts';

export type Length = 'short' | 'long';

/** From the page. */
export type Request = { type: 'measure'; length: Length } | { type: 'stop' };

/** From whoever measures. */
export type Told =
  /** What is being done, and the share of the measuring that is done. */
  | { type: 'progress'; what: string; done: number }
  /** What is known so far; peaks first. */
  | { type: 'report'; report: BenchReport }
  /** `isWhole`: not stopped before its end. */
  | { type: 'ended'; isWhole: boolean }
  | { type: 'failed'; code: ErrorCode | undefined; text: string };
