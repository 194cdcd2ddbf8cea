// Numbers as spreadsheets show them: with a percent sign or a currency, and marks between thousands.

/** What stands between thousands, and where that was seen for certain. */
export interface Thousands {
  readonly mark: ',' | '.';
  readonly line: number;
  readonly cell: string;
}

const UNIT_BEFORE = /^([+-]?)\s*([$€£¥₹])\s*([+-]?)(\d.*)$/;
const UNIT_BEHIND = /^([+-]?[\d.,].*?)\s*([%$€£¥₹])$/;
/** Which nobody takes for decimal marks. */
const BY_BLANKS = /^[+-]?\d{1,3}(?:([ \u00a0\u2007\u2009\u202f'’])\d{3})(?:\1\d{3})*(?:[.,]\d+)?$/;
const BY_COMMAS = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$/;
const BY_POINTS = /^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$/;
/** Of which there is no doubt: a decimal mark of the other kind, or several groups. */
const SURELY_BY_COMMAS = /^[+-]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$/;
const SURELY_BY_POINTS = /^[+-]?\d{1,3}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})$/;

/** A number without its unit, and this; undefined of a cell without. */
export function unitOf(cell: string): { unit: string; rest: string } | undefined {
  const [, sign = '', unit, second, digits] = UNIT_BEFORE.exec(cell) ?? [];
  if (unit !== undefined && !(sign && second)) return { unit, rest: `${sign}${second}${digits}` };
  const [, rest, behind] = UNIT_BEHIND.exec(cell) ?? [];
  return rest === undefined || behind === undefined ? undefined : { unit: behind, rest };
}

/** A number without marks between thousands, where these are known; else as it is. */
export function ungrouped(cell: string, mark: Thousands['mark'] | undefined): string {
  if (BY_BLANKS.test(cell)) return cell.replace(/[ \u00a0\u2007\u2009\u202f'’]/g, '');
  if (mark === ',' && BY_COMMAS.test(cell)) return cell.replaceAll(',', '');
  return mark === '.' && BY_POINTS.test(cell) ? cell.replaceAll('.', '') : cell;
}

/** Whether a cell has marks between thousands beyond doubt, and which: blanks and apostrophes aside. */
export function thousandsOf(cell: string): Thousands['mark'] | undefined {
  const { rest } = unitOf(cell) ?? { rest: cell };
  if (SURELY_BY_COMMAS.test(rest)) return ',';
  return SURELY_BY_POINTS.test(rest) ? '.' : undefined;
}

/** Whether a cell has such marks, whichever. */
export const isGrouped = (cell: string): boolean =>
  BY_BLANKS.test(cell) || thousandsOf(cell) !== undefined;
