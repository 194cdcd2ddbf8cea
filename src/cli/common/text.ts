// Tables and paragraphs for people.

export { duration, thousands } from '../../text.ts';

/** Columns padded to their widest cell; the last is left as it is, or broken so that lines are no longer than `width`. */
export function table(rows: readonly (readonly string[])[], width?: number): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => {
          if (i < row.length - 1) return cell.padEnd(widths[i] as number);
          if (width === undefined) return cell;
          const before = widths.slice(0, i).reduce((sum, each) => sum + each + 2, 0);
          return wrap(cell, width - before).replaceAll('\n', `\n${' '.repeat(before)}`);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Breaks a text at spaces, so that no line is longer than `width`, which long words are. */
export function wrap(text: string, width = 80, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line].join('\n');
}
