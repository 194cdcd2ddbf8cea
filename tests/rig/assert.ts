/** The assertions of a case: no test framework, because they run inside a web page too. */
import { type ErrorCode, isLatentGpuError } from '../../src/errors.ts';
import { assertNear } from '../../src/testing/tolerance.ts';
import type { CaseContext } from './cases.ts';

const format = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

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
  close: assertNear,
  equal,
  ok,
  throws,
};
