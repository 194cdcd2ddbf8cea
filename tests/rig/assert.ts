/** The assertions of a case: no test framework, because they run inside a web page too. */
import { type ErrorCode, isLatentGpuError } from '../../src/errors.ts';
import type { CaseContext, Tolerance } from './cases.ts';

const format = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

function list(value: number | ArrayLike<number>): ArrayLike<number> {
  return typeof value === 'number' ? [value] : value;
}

function close(
  actual: number | ArrayLike<number>,
  expected: number | ArrayLike<number>,
  { absolute = 0, relative = 0 }: Tolerance,
  what = 'values',
): void {
  const a = list(actual);
  const e = list(expected);
  if (a.length !== e.length) {
    throw new Error(`${what}: ${a.length} numbers, expected ${e.length}`);
  }
  let worst = -1;
  let excess = 1;
  let failures = 0;
  for (let i = 0; i < e.length; i += 1) {
    const x = a[i] as number;
    const y = e[i] as number;
    if (Object.is(x, y) || x === y) continue;
    const finite = Number.isFinite(x) && Number.isFinite(y);
    const ratio = finite ? Math.abs(x - y) / (absolute + relative * Math.abs(y)) : Infinity;
    if (ratio <= 1) continue;
    failures += 1;
    if (worst < 0 || ratio > excess) {
      worst = i;
      excess = ratio;
    }
  }
  if (worst < 0) return;
  const x = a[worst] as number;
  const y = e[worst] as number;
  throw new Error(
    `${what}: ${failures} of ${e.length} off; worst at [${worst}]: ${format(x)}, expected ` +
      `${format(y)}, off by ${Math.abs(x - y).toPrecision(4)}, allowed ` +
      `${(absolute + relative * Math.abs(y)).toPrecision(4)}`,
  );
}

/** Where two values differ first, as a path such as `.shape[1]`; null if they do not. */
function difference(a: unknown, b: unknown, path: string): string | null {
  if (Object.is(a, b)) return null;
  const both = typeof a === 'object' && typeof b === 'object' && a !== null && b !== null;
  if (!both) return `${path || 'value'} is ${show(a)}, expected ${show(b)}`;
  if (a.constructor !== b.constructor) {
    return `${path || 'value'} is a ${a.constructor?.name}, expected a ${b.constructor?.name}`;
  }
  const isArray = Array.isArray(a) || ArrayBuffer.isView(a);
  if (isArray) {
    const x = a as ArrayLike<unknown>;
    const y = b as ArrayLike<unknown>;
    if (x.length !== y.length) {
      return `${path || 'value'} has ${x.length} elements, expected ${y.length}`;
    }
    for (let i = 0; i < y.length; i += 1) {
      const found = difference(x[i], y[i], `${path}[${i}]`);
      if (found) return found;
    }
    return null;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      `${path}.${key}`,
    );
    if (found) return found;
  }
  return null;
}

function show(value: unknown): string {
  if (typeof value === 'number') return format(value);
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}

function equal(actual: unknown, expected: unknown, what = ''): void {
  const found = difference(actual, expected, '');
  if (found) throw new Error(what ? `${what}: ${found}` : found);
}

function ok(condition: unknown, what: string): void {
  if (!condition) throw new Error(what);
}

async function throws(code: ErrorCode, f: () => unknown, message?: RegExp): Promise<Error> {
  let caught: unknown;
  try {
    await f();
  } catch (error) {
    caught = error;
  }
  if (caught === undefined) throw new Error(`expected a "${code}" error, nothing was thrown`);
  if (!isLatentGpuError(caught)) {
    throw new Error(`expected a "${code}" error, caught: ${caught}`, { cause: caught });
  }
  if (caught.code !== code) {
    throw new Error(`expected a "${code}" error, caught a "${caught.code}": ${caught.message}`);
  }
  if (message && !message.test(caught.message)) {
    throw new Error(`the "${code}" error says "${caught.message}", which lacks ${message}`);
  }
  return caught;
}

export const assertions: Pick<CaseContext, 'close' | 'equal' | 'ok' | 'throws'> = {
  close,
  equal,
  ok,
  throws,
};
