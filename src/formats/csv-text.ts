// Tables of numbers as text: the shortest digits that read back as the same bits.

/** A table's text: commas, a header if there are names, a line a row. */
export function csvText(
  rows: Iterable<readonly string[]>,
  names: readonly string[] | undefined,
): string {
  const lines = names ? [names.map(quoted).join(',')] : [];
  for (const row of rows) lines.push(row.map(quoted).join(','));
  return `${lines.join('\n')}\n`;
}

/** A float32's digits: fewer than its float64 neighbour's. */
export function float32Text(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === Math.fround(value)) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}

const quoted = (cell: string) =>
  /[",\n\r]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
