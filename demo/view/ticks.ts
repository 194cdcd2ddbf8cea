// Round numbers along an axis, and how they are written.

/** Multiples of 1, 2 or 5 times a power of ten, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * 0.99) ?? 10;
  const step = factor * power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Powers of ten, with 2 and 5 between them where there is room; of numbers from 1 to 100 those of 2. */
export function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  if (low > 0.5 && high < 130) {
    return [1, 2, 4, 8, 16, 32, 64, 128].filter((at, i) => {
      const isKept = decades * 3 < count || i % 2 === 0;
      return at >= low && at <= high && isKept;
    });
  }
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => 10 ** (first + i));
  const within = (found: readonly number[]) => found.filter((at) => at >= low && at <= high);
  const all = within(powers.flatMap((power) => [power, 2 * power, 5 * power]));
  if (all.length <= count + 1) return all;
  const every = Math.max(1, Math.ceil(decades / count));
  return within(powers.filter((_, i) => i % every === 0));
}

/** A number at an axis. */
export function written(value: number): string {
  const size = Math.abs(value);
  const isUsual = size === 0 || (size >= 1e-3 && size < 1e5);
  const [digits, power] = value.toExponential().split('e');
  const text = isUsual
    ? value.toLocaleString('en', { maximumSignificantDigits: 6 })
    : `${Number(Number(digits).toPrecision(2))}e${Number(power)}`;
  return text.replaceAll('-', '−');
}
