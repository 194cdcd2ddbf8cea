// Numbers for people.

/** 1234567 as `1,234,567`. */
export const thousands = (n: number): string => n.toLocaleString('en-US');

export const rowsText = (n: number): string => (n === 1 ? 'one row' : `${thousands(n)} rows`);

/** 75 as `1:15`, 3700 as `1:01:40`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
