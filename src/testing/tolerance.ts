// Numbers held against a reference, each within its own interval.

/** Numbers, however they are stored. */
export type Numbers = number | ArrayLike<number>;

/**
 * How far a number `a` may lie from the expected `e`:
 * |a − e| ≤ absolute + relative · |e| + ulp · ulp(e), where ulp(e) is the distance between float32
 * numbers at e. What is left out is 0. `absolute` may be an array: a bound for each element.
 */
export interface Tolerance {
  readonly absolute?: Numbers;
  readonly relative?: number;
  readonly ulp?: number;
}

/** What {@link compare} found. */
export interface Comparison {
  readonly pass: boolean;
  /** How many numbers were compared. */
  readonly count: number;
  /** How many lie outside their interval. */
  readonly failures: number;
  /** In one line: the worst element with its index, both values and how far off; or why all pass. */
  readonly message: string;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/**
 * The distance between neighbouring float32 numbers at x; 2⁻¹⁴⁹ among denormals.
 *
 * @example ulpOf(1) // 1.1920928955078125e-7
 */
export function ulpOf(x: number): number {
  float[0] = Math.abs(x);
  const exponent = Math.min(254, (bits[0] as number) >>> 23);
  return 2 ** (Math.max(1, exponent) - 150);
}

const format = (value: number) => (Object.is(value, -0) ? '-0' : String(value));
const list = (value: Numbers): ArrayLike<number> => (typeof value === 'number' ? [value] : value);

function isNumbers(value: unknown): value is Numbers {
  if (typeof value === 'number') return true;
  if (typeof value !== 'object' || value === null || !('length' in value)) return false;
  const { length } = value;
  if (typeof length !== 'number') return false;
  const numbers = value as ArrayLike<unknown>;
  for (let i = 0; i < length; i++) if (typeof numbers[i] !== 'number') return false;
  return true;
}

const failed = (count: number, message: string): Comparison => ({
  pass: false,
  count,
  failures: count,
  message,
});

/**
 * Holds numbers against what is expected of them. Equal numbers agree whatever the tolerance, and
 * so do equal infinities and two NaN; any other pair with an infinity or a NaN in it does not.
 *
 * @example compare([1, 2], [1, 2], { ulp: 1 }).pass // true
 */
export function compare(actual: unknown, expected: unknown, tolerance: Tolerance): Comparison {
  if (!isNumbers(actual) || !isNumbers(expected)) {
    const which = isNumbers(actual) ? 'what is expected is' : 'got';
    return failed(1, `${which} neither a number nor an array of numbers`);
  }
  const { absolute = 0, relative = 0, ulp = 0 } = tolerance;
  const [a, e] = [list(actual), list(expected)];
  if (a.length !== e.length) {
    return failed(e.length, `${a.length} numbers, expected ${e.length}`);
  }
  const bound = typeof absolute === 'number' ? () => absolute : (i: number) => absolute[i] ?? 0;
  const allowed = (i: number) => {
    const y = e[i] as number;
    return bound(i) + relative * Math.abs(y) + ulp * ulpOf(y);
  };
  let worst = -1;
  let excess = 1;
  let failures = 0;
  for (let i = 0; i < e.length; i += 1) {
    const [x, y] = [a[i] as number, e[i] as number];
    if (Object.is(x, y) || x === y) continue;
    const finite = Number.isFinite(x) && Number.isFinite(y);
    const ratio = finite ? Math.abs(x - y) / allowed(i) : Infinity;
    if (ratio <= 1) continue;
    failures += 1;
    if (worst < 0 || ratio > excess) [worst, excess] = [i, ratio];
  }
  if (worst < 0) {
    return { pass: true, count: e.length, failures, message: `all ${e.length} within tolerance` };
  }
  const [x, y] = [a[worst] as number, e[worst] as number];
  const off = Math.abs(x - y);
  const far = Number.isFinite(off)
    ? `, off by ${off.toPrecision(4)} (${Number((off / ulpOf(y)).toPrecision(3))} ulp), allowed ` +
      `${allowed(worst).toPrecision(4)}, ${(off - allowed(worst)).toPrecision(4)} beyond`
    : '';
  const message =
    `${failures} of ${e.length} off; worst at [${worst}]: ${format(x)}, expected ` +
    `${format(y)}${far}`;
  return { pass: false, count: e.length, failures, message };
}

/**
 * Throws unless every number lies within the tolerance: for any test framework, or none.
 *
 * @param what a name for the numbers, for the message
 * @throws Error that names the worst element, both values and how far they are apart
 * @example assertNear([1, 2.0001], [1, 2], { absolute: 1e-3 }, 'means');
 */
export function assertNear(
  actual: Numbers,
  expected: Numbers,
  tolerance: Tolerance,
  what = 'values',
): void {
  const { pass, message } = compare(actual, expected, tolerance);
  if (!pass) throw new Error(`${what}: ${message}`);
}
