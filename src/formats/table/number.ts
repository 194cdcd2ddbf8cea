// Numbers as tables write them, and what to say where a cell holds none.
import { quote } from '../message.ts';
import { isGrouped, type Thousands, ungrouped, unitOf } from './quantity.ts';

/** What a table holds in one place: text, or what a file of types has. */
export type Cell = string | number | bigint;

/** What every language writes. */
export const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const COMMA = /^[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?$/;
/** As codes, dates and times are written that have as many digits each. */
const PADDED = /^[+-]?0\d/;
/** What typographers make of a minus sign. */
const MINUS = /^[\u2212\u2013\ufe63\uff0d]/;
/** Of which nobody knows whether its comma stands between thousands. */
const GROUPED = /^[+-]?[1-9]\d{0,2},\d{3}$/;
/** The same of points, in tables in which commas are decimal marks or may be. */
const GROUPED_BY_POINT = /^[+-]?[1-9]\d{0,2}\.\d{3}$/;
/** What pandas, R and spreadsheets write for 1 and 0: these in the language of the program. */
const YES = /^(true|wahr|vrai|verdadero|vero|verdadeiro|waar)$/i;
const NO = /^(false|falsch|faux|falso|onwaar)$/i;
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
  const isOfDigits = PLAIN.test(cell) || COMMA.test(cell) || FORTRAN.test(cell);
  return isOfDigits || YES.test(cell) || NO.test(cell);
};

/** The same with what spreadsheets add to it. */
export const isQuantity = (text: string): boolean => {
  const cell = text.replace(MINUS, '-');
  const { rest } = unitOf(cell) ?? { rest: cell };
  return isNumber(rest) || isGrouped(rest);
};

const TIMES = [
  /^\d{1,4}([-/])\d{1,2}\1\d{1,4}(?![\d.])/,
  /^(\d{1,2}\.\d{1,2}\.\d{4}|\d{2}\.\d{2}\.\d{2}|\d{4}\.\d{1,2}\.\d{1,2})(?![\d.])/,
  /^\d{1,2}:\d{2}\b/,
  /^\d{1,2}[- ]\p{L}{3,9}\.?[- ]\d{2,4}\b/u,
  /^\p{L}{3,9}\.?[- ]\d{1,2},?[- ]\d{2,4}\b/u,
  /^\d{4}[- :]?[QqMmWw]\d{1,2}$/,
  /^\d{4}-\d{2}$/,
  /^\p{L}{3,9}\.?[- ]\d{4}$/u,
];

/** Whether a cell holds a date or a time of day. */
export const isTime = (cell: string) => TIMES.some((form) => form.test(cell));

/** Where a decimal mark was seen first. */
export interface Mark {
  readonly mark: '.' | ',';
  readonly line: number;
  readonly cell: string;
}

/** A number whose comma or point may stand between thousands, though it was read as a decimal mark. */
export interface Doubt {
  readonly line: number;
  readonly column: number;
  readonly cell: string;
  readonly mark: '.' | ',';
  /** Whether it has whole numbers without the mark, too, as a column with thousands has, or commas part the cells. */
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
  /** By column: whether it has whole numbers that would have a mark if thousands had any. */
  private readonly hasLarge: boolean[] = [];
  /** Whether points may stand between thousands: where semicolons part the cells, commas may be decimal marks. */
  private mayGroupByPoint: boolean;
  /** By column: the first number that is written as codes are, 007. */
  readonly padded = new Map<number, { readonly line: number; readonly cell: string }>();
  /** By column: the percent sign or currency of the first number, empty if it has none. */
  readonly units: { readonly unit: string; readonly line: number; readonly cell: string }[] = [];

  private readonly unit: string;
  private readonly thousands: Thousands | undefined;

  /**
   * @param unit what a row's number counts
   * @param thousands what stands between them, where that is known
   */
  constructor(delimiter: string, unit: string, thousands?: Thousands) {
    this.unit = unit;
    this.thousands = thousands;
    if (thousands) this.mark = { ...thousands, mark: thousands.mark === ',' ? '.' : ',' };
    this.isCommaTaken = delimiter === ',';
    this.mayGroupByPoint = delimiter === ';' && !thousands;
    this.isDecimal = thousands?.mark === '.';
  }

  /** @returns the number, or what is wrong with the cell */
  read(cell: string, line: number, column: number): number | string {
    if (PLAIN.test(cell)) {
      return this.otherUnit('', cell, line, column) ?? this.plain(cell, line, column);
    }
    const text = cell.replace(MINUS, '-');
    const { unit, rest } = unitOf(text) ?? { unit: '', rest: text };
    const value = this.written(ungrouped(rest, this.thousands?.mark), cell, line, column);
    if (value === undefined) return fault(cell, line);
    return this.otherUnit(unit, cell, line, column) ?? value;
  }

  /** What is wrong with a unit that is not that of the column's first number. */
  private otherUnit(unit: string, cell: string, line: number, column: number): string | undefined {
    const first = this.units[column];
    if (!first) this.units[column] = { unit, line, cell };
    if (!first || first.unit === unit) return undefined;
    return `holds ${quote(cell)}, and ${this.unit} ${first.line} ${quote(first.cell)}; write all numbers of the column with ${quote(first.unit || unit)} or all without`;
  }

  private plain(cell: string, line: number, column: number): number | string {
    const hasPoint = cell.includes('.');
    if (hasPoint && this.thousands?.mark === '.') {
      const whole = ungrouped(cell, '.');
      if (whole !== cell) return Number(whole);
    }
    if (this.mark === undefined && hasPoint) this.mark = { mark: '.', line, cell };
    else if (this.mark?.mark === ',' && hasPoint) return this.mixed(cell);
    const value = Number(cell);
    if (!this.isCommaTaken) {
      this.hasWhole[column] ||= !hasPoint;
      if (!hasPoint && Math.abs(value) >= 1000) this.hasLarge[column] = true;
    }
    if (hasPoint && this.mayGroupByPoint) this.seePoint(cell, line, column);
    if (PADDED.test(cell) && !this.padded.has(column)) this.padded.set(column, { line, cell });
    return value;
  }

  /** @returns undefined of what is no number */
  private written(
    text: string,
    cell: string,
    line: number,
    column: number,
  ): number | string | undefined {
    if (PLAIN.test(text)) return this.plain(text, line, column);
    if (COMMA.test(text)) {
      const isGrouped = GROUPED.test(text);
      if (this.mark?.mark === '.') return this.mixed(cell);
      this.mark ??= { mark: ',', line, cell };
      if (!isGrouped) this.isDecimal = true;
      else if (!this.grouped.has(column))
        this.grouped.set(column, { line, column, cell, mark: ',' });
      return Number(text.replace(',', '.'));
    }
    const fortran = FORTRAN.exec(text);
    if (fortran) return Number(`${fortran[1]}e${fortran[2]}`);
    if (YES.test(text)) return 1;
    return NO.test(text) ? 0 : undefined;
  }

  private seePoint(cell: string, line: number, column: number): void {
    if (!GROUPED_BY_POINT.test(cell)) {
      this.mayGroupByPoint = false;
      this.grouped.clear();
    } else if (!this.grouped.has(column))
      this.grouped.set(column, { line, column, cell, mark: '.' });
  }

  /** Once all is read: whether every comma, or point, may have stood between thousands. */
  doubt(): Doubt | undefined {
    if (this.isDecimal) return undefined;
    const isDoubtful = ({ mark, column }: Omit<Doubt, 'isMixed'>) =>
      mark === ',' || this.hasLarge[column] !== true;
    const all = [...this.grouped.values()].filter(isDoubtful).map((found) => {
      return { ...found, isMixed: this.isCommaTaken || this.hasWhole[found.column] === true };
    });
    return all.find(({ isMixed }) => isMixed) ?? all[0];
  }

  private mixed(cell: string): string {
    const { line, cell: other } = this.mark as Mark;
    return `holds ${quote(cell)}, and ${this.unit} ${line} has ${quote(other)}; write all decimals with a point, and no marks between thousands`;
  }
}

export const grouped = (cell: string, mark: Doubt['mark'] = ',') =>
  mark === ','
    ? `holds ${quote(cell)}, whose comma may stand between thousands or before decimals; write numbers without the one and with a point for the other`
    : `holds ${quote(cell)}, and the column whole numbers below 1000 beside such, so that the point may stand between thousands; write thousands without it, and decimals with other than three digits`;

/** Numbers between what parts the cells of few tables. */
const SEPARATED = /^[+-]?[\d.]+(?:(::?|[~^&])[+-]?[\d.]+)(?:\1[+-]?[\d.]+)*$/;

function fault(cell: string, line: number): string {
  if (cell === '') return 'is empty; ';
  if (isMissing(cell)) return `holds ${quote(cell)}; `;
  const no = `holds ${quote(cell)}, which is no number; `;
  if (/^[+-]?\d{1,3}(([.,'’_\s]\d{3})+([.,]\d+)?|(,\d{2})+,\d{3}(\.\d+)?)$/.test(cell)) {
    return `${no}write it without marks between thousands`;
  }
  if (/^[-+(\s]*[$€£¥]|[$€£¥]\)?$/.test(cell)) return `${no}write it without the currency`;
  if (/^\(\s*\d[\d.,]*\s*\)$/.test(cell)) return `${no}write a minus sign in place of the brackets`;
  if (/^\[[^[\]]*\d[^[\]]*\]$/.test(cell)) {
    return `${no}write each number of the list into a column of its own, or save the table as .parquet or .jsonl`;
  }
  if (/^'.*'$/.test(cell)) return `${no}write it without quotes, or with double ones`;
  const mark = SEPARATED.exec(cell)?.[1];
  if (mark && !isTime(cell))
    return `${no}if ${quote(mark)} parts the cells, write commas in its place`;
  if (line === 1 && /^\d+\.\d+\.\d+$/.test(cell) && !isTime(cell)) {
    return `${no}pandas so renames a heading that repeats: read the original with header=None`;
  }
  return no;
}
