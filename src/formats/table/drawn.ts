// What programs put around a table for people to read, and is no row of it.

/** `+---+---+` of MySQL, `---+---` of psql and Org, `=== ===` of reStructuredText. */
const RULE = /^[\s|+=-]*$/;
const DRAWS = /-\+|\+-|==/;
/** `---|--:` of Markdown, `----  ----` of SQLite, `---,---` of sqlcmd. */
const UNDERLINE = /^[\s|,;:-]*$/;

/** Whether a line is drawn, wherever it stands. */
export const isRule = (line: string): boolean => DRAWS.test(line) && RULE.test(line);

/** Whether a line right below the headings underlines them; a value of one column may be missing as `---`, too. */
export function isUnderline(line: string): boolean {
  if (!UNDERLINE.test(line)) return false;
  const parts = line.split(/[\s|,;]+/).filter((part) => part !== '');
  const isDashes = parts.length > 0 && parts.every((part) => /^:?-+:?$/.test(part));
  return isDashes && (parts.length > 1 || line.includes('|') || line.includes('----'));
}

/** Whether a line counts the rows above it, as SQL's shells do: `(12 rows)`, `12 rows in set (0.01 sec)`. */
export const isCount = (line: string): boolean =>
  /^\s*(\(\d+ \p{L}+( affected)?\)|\d+ rows? in set\b.*)\s*$/u.test(line);
