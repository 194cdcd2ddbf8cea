/**
 * Test cases that know nothing of their host: a module in `tests/cases` registers them, and the
 * same list runs on Dawn in Node.js and in Chrome.
 *
 * ```ts
 * cases('add', (c) => {
 *   c('adds two vectors', async (t) => {
 *     t.close(await addOn(t.device, a, b), expected, { absolute: 1e-6 });
 *   });
 * });
 * ```
 */
import type { Device, OpenOptions } from '../../src/device/index.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { Bindings, KernelRequest, Outputs } from '../../src/testing/prepare.ts';
import type { Tolerance } from '../../src/testing/tolerance.ts';

export type { Tolerance } from '../../src/testing/tolerance.ts';

export interface CaseContext {
  /** A device that all cases share; a case that loses or counts opens its own. */
  readonly device: Device;
  /** Opens a device that is destroyed when the case ends. */
  open(options?: OpenOptions): Promise<Device>;
  /** Runs one dispatch of a shader and returns what it wrote, by the names of its variables. */
  kernel<const B extends Bindings>(request: KernelRequest<B>): Promise<Outputs<B>>;
  /** Numbers within a tolerance; otherwise names the worst of them. */
  close(
    actual: number | ArrayLike<number>,
    expected: number | ArrayLike<number>,
    tolerance: Tolerance,
    what?: string,
  ): void;
  /** Deep equality of plain values, arrays and typed arrays, bit for bit (NaN equals NaN). */
  equal(actual: unknown, expected: unknown, what?: string): void;
  ok(condition: unknown, what: string): void;
  /** Expects a LatentGpuError with `code` whose message matches; returns it. */
  throws(code: ErrorCode, f: () => unknown, message?: RegExp): Promise<Error>;
}

export interface CaseOptions {
  /** Milliseconds. Default: 60,000; more for a case that has company. */
  timeout?: number;
}

/**
 * Which cases may be under way at the same time: any; those of other suites, on devices of their own;
 * none.
 */
export type Company = 'any' | 'other suites' | 'none';

export interface Case {
  suite: string;
  name: string;
  timeout: number;
  company: Company;
  body: (t: CaseContext) => void | Promise<void>;
}

export type Register = (name: string, body: Case['body'], options?: CaseOptions) => void;

const registered = new Map<string, Case>();

/** How long a case may take while others are under way. */
export const COMPANY_MILLISECONDS = 180_000;

/** Registers the cases of a suite. */
export function cases(
  suite: string,
  register: (c: Register) => void,
  company: Company = 'other suites',
): void {
  register((name, body, { timeout = company === 'any' ? COMPANY_MILLISECONDS : 60_000 } = {}) => {
    const key = `${suite} > ${name}`;
    if (registered.has(key)) throw new Error(`two cases are called "${key}"`);
    registered.set(key, { suite, name, timeout, company, body });
  });
}

/**
 * The same, for cases of which several are under way at a time: one plans while another's kernels
 * compile. Not for cases that count what the shared device does, or that make errors on it.
 */
export function concurrentCases(suite: string, register: (c: Register) => void): void {
  cases(suite, register, 'any');
}

/** The same, for cases that measure time or change the clock: nothing else is under way. */
export function aloneCases(suite: string, register: (c: Register) => void): void {
  cases(suite, register, 'none');
}

/** Every case registered so far, in order. */
export function allCases(): Case[] {
  return [...registered.values()];
}

/** Cases by their suite, in order. */
export function bySuite(list: readonly Case[]): Map<string, Case[]> {
  const suites = new Map<string, Case[]>();
  for (const each of list) suites.set(each.suite, [...(suites.get(each.suite) ?? []), each]);
  return suites;
}
