// Numbers as tables write them, and what to say where a cell holds none.
import { quote } from '../message.ts';

/** What a table holds in one place: text, or what a file of types has. */
export type Cell = string | number | bigint;

/** What every language writes. */
export const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const COMMA = /^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$/;
/** What typographers make of a minus sign. */
const MINUS = /^[\u2212\u2013\ufe63\uff0d]/;
/** Of which nobody knows whether its comma stands between thousands. */
const GROUPED = /^[+-]?[1-9]\d{0,2},\d{3}$/;
/** What pandas, R and spreadsheets write for 1 and 0. */
const BOOLEAN = /^(true|false)$/i;
/** Fortran's exponents of double precision. */
const FORTRAN = /^([+-]?(?:\d+\.?\d*|\.\d+))[dD]([+-]?\d+)$/;
/** What people and programs write for a value that nobody knows: pandas' list, SQL's and spreadsheets'. */
const UNKNOWN =
  /^([+-]?nan|na|<na>|n\.?a\.|n\/a|#n\/a( n\/a)?|#na|#nv|null|\(null\)|\\n|none|nil|nat|missing|\?|-?1\.#(ind|qnan))$/i;
/** What may stand for one, or for a number that there is none of. */
const MISSING =
  /^([+-]?inf(inity)?|-+|\.+|\*+|-?1\.#inf|#(wert|value|div\/0|num|zahl|ref|bezug|name)[!?]?)$/i;

/** Whether a cell stands for a value that is not there, or is none. */
export const isMissing = (cell: string) => isUnknown(cell) || MISSING.test(cell);

/** Whether it says so without a doubt: `-` or `#VALUE!` may be anything. */
export const isUnknown = (cell: string) => cell === '' || UNKNOWN.test(cell);

/** Whether a cell holds a number, whatever its decimal mark. */
export const isNumber = (text: string) => {
  const cell = text.replace(MINUS, '-');
  return PLAIN.test(cell) || COMMA.test(cell) || FORTRAN.test(cell) || BOOLEAN.test(cell);
};

const TIMES = [
  /^\d{1,4}([-/])\d{1,2}\1\d{1,4}(?![\d.])/,
  /^(\d{1,2}\.\d{1,2}\.\d{4}|\d{2}\.\d{2}\.\d{2}|\d{4}\.\d{1,2}\.\d{1,2})(?![\d.])/,
  /^\d{1,2}:\d{2}\b/,
  /^\d{1,2}[- ]\p{L}{3,9}\.?[- ]\d{2,4}\b/u,
  /^\p{L}{3,9}\.?[- ]\d{1,2},?[- ]\d{2,4}\b/u,
  /^\d{4}[- :]?[QqMmWw]\d{1,2}$/,
];

/** Whether a cell holds a date or a time of day. */
export const isTime = (cell: string) => TIMES.some((form) => form.test(cell));

/** Where a decimal mark was seen first. */
export interface Mark {
  readonly mark: '.' | ',';
  readonly line: number;
  readonly cell: string;
}

/** A number whose comma may stand between thousands, though it was read as a decimal mark. */
export interface Doubt {
  readonly line: number;
  readonly column: number;
  readonly cell: string;
  /** Whether the column has whole numbers without a comma, too, as one with thousands has. */
  readonly isMixed: boolean;
}

/** Reads numbers of one table, in which decimals have one mark. */
export class NumberReader {
  private mark: Mark | undefined;
  /** Whether a comma is the separator, so that only a quoted number can have one. */
  private readonly isCommaTaken: boolean;
  /** By column: the first number with a comma of thousands, if there is no other comma anywhere. */
  private readonly grouped = new Map<number, Omit<Doubt, 'isMixed'>>();
  private isDecimal = false;
  private readonly hasWhole: boolean[] = [];

  private readonly unit: string;

  /** @param unit what a row's number counts */
  constructor(delimiter: string, unit: string) {
    this.unit = unit;
    this.isCommaTaken = delimiter === ',';
  }

  /** @returns the number, or what is wrong with the cell */
  read(cell: string, line: number, column: number): number | string {
    if (PLAIN.test(cell)) {
      if (this.mark === undefined && cell.includes('.')) this.mark = { mark: '.', line, cell };
      else if (this.mark?.mark === ',' && cell.includes('.')) return this.mixed(cell);
      if (!this.isCommaTaken) this.hasWhole[column] = true;
      return Number(cell);
    }
    const text = cell.replace(MINUS, '-');
    if (COMMA.test(text)) {
      const isGrouped = GROUPED.test(text);
      if (this.isCommaTaken && isGrouped) return grouped(cell);
      if (this.mark?.mark === '.') return this.mixed(cell);
      this.mark ??= { mark: ',', line, cell };
      if (!isGrouped) this.isDecimal = true;
      else if (!this.grouped.has(column)) this.grouped.set(column, { line, column, cell });
      return Number(text.replace(',', '.'));
    }
    const fortran = FORTRAN.exec(text);
    if (fortran) return Number(`${fortran[1]}e${fortran[2]}`);
    if (PLAIN.test(text)) return Number(text);
    return BOOLEAN.test(text) ? Number(/^t/i.test(text)) : fault(cell);
  }

  /** Once all is read: whether every comma may have stood between thousands. */
  doubt(): Doubt | undefined {
    if (this.isDecimal) return undefined;
    const all = [...this.grouped.values()].map((found) => {
      return { ...found, isMixed: this.hasWhole[found.column] === true };
    });
    return all.find(({ isMixed }) => isMixed) ?? all[0];
  }

  private mixed(cell: string): string {
    const { line, cell: other } = this.mark as Mark;
    return `holds ${quote(cell)}, and ${this.unit} ${line} has ${quote(other)}; write all decimals with a point, and no marks between thousands`;
  }
}

export const grouped = (cell: string) =>
  `holds ${quote(cell)}, whose comma may stand between thousands or before decimals; write numbers without the one and with a point for the other`;

function fault(cell: string): string {
  if (cell === '') return 'is empty; ';
  if (isMissing(cell)) return `holds ${quote(cell)}; `;
  const no = `holds ${quote(cell)}, which is no number; `;
  if (/^[+-]?\d{1,3}(([.,'’\s]\d{3})+([.,]\d+)?|(,\d{2})+,\d{3}(\.\d+)?)$/.test(cell)) {
    return `${no}write it without marks between thousands`;
  }
  if (/^[+-]?\d+([.,]\d+)?\s*%$/.test(cell)) return `${no}write it without the percent sign`;
  if (/^[$€£¥]|[$€£¥]$/.test(cell)) return `${no}write it without the currency`;
  if (/^'.*'$/.test(cell)) return `${no}write it without quotes, or with double ones`;
  if (/^\d+\.\d+\.\d+$/.test(cell) && !isTime(cell)) {
    return `${no}pandas so renames a heading that repeats: read the original with header=None`;
  }
  return no;
}
