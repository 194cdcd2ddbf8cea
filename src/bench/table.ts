// Numbers and tables for people.

/** 1234567 as `1.23 M`. */
export function si(value: number, digits = 3): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  let unit = 0;
  let scaled = value;
  while (Math.abs(scaled) >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const text = unit === 0 && Number.isInteger(scaled) ? String(scaled) : scaled.toPrecision(digits);
  return `${text} ${units[unit]}`.trimEnd();
}

/** Three significant digits without an exponent: `0.0123`, `1.23`, `12.3`, `1234`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(6, places));
}

/** 0.234 as `23 %`, 0.0234 as `2.3 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** 12288 as `12 KiB`. */
export function binary(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

export interface Column {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

export const right = (...heads: string[]): Column[] =>
  heads.map((head) => ({ head, align: 'right' }));

/** Lines of aligned columns, two blanks apart; the last column is cut at `width`. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const all = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, c) => Math.max(...all.map((row) => (row[c] as string).length)));
  return all.map((row) => {
    const line = row
      .map((cell, c) =>
        columns[c]?.align === 'right'
          ? cell.padStart(widths[c] as number)
          : cell.padEnd(widths[c] as number),
      )
      .join('  ')
      .trimEnd();
    return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
  });
}
