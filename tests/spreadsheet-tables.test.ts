// Numbers as spreadsheets show them and save them as text: read where nobody could doubt them, said where somebody
// may have meant otherwise, and refused where two readings differ.
import { describe, expect, test } from 'vitest';
import { readCsv, type TableOptions } from '../src/formats/csv.ts';
import { refusalOf } from './support/refusal.ts';

const read = (text: string, options?: TableOptions) =>
  readCsv(new TextEncoder().encode(text), 't.csv', undefined, options);
const valuesOf = (text: string) => [...read(text).values];
const remarksOf = (text: string) => read(text).remarks.join('\n');
/** A column of numbers beside another that tells nothing. */
const column = (name: string, cells: readonly (string | number)[]) =>
  `${name},b\n${cells.map((cell, i) => `${cell},${(i * 7) % 5}.5`).join('\n')}\n`;

describe('marks between thousands', () => {
  test.each([
    ['commas', 'a,b\n"1,234.5",2\n"12,345",3\n999,4\n', [1234.5, 2, 12345, 3, 999, 4]],
    ['commas, twice', 'a,b\n"1,234,567",2\n"12,345",3\n', [1234567, 2, 12345, 3]],
    ['points', 'a;b\n1.234,5;2,25\n2.234;5\n950;8,5\n', [1234.5, 2.25, 2234, 5, 950, 8.5]],
    ['commas, between tabs', 'a\tb\n1,234.5\t2\n12,345\t3\n', [1234.5, 2, 12345, 3]],
    ['blanks', 'a;b\n1 234,5;2\n12 345;3\n', [1234.5, 2, 12345, 3]],
    ['blanks that do not break', 'a;b\n1\u00a0234,5;2\n12\u202f345;3\n', [1234.5, 2, 12345, 3]],
    ['apostrophes', "a;b\n1'234.5;2\n12’345;3\n", [1234.5, 2, 12345, 3]],
    ['blanks, between tabs', 'a\tb\n1 234\t2\n12 345\t3\n', [1234, 2, 12345, 3]],
    ['blanks, below headings with one', 'big a,b\n1 234,2\n5 678,3\n', [1234, 2, 5678, 3]],
    ['a currency', 'a,b\n"$1,200.50",1\n$3.25,2\n-$4,3\n', [1200.5, 1, 3.25, 2, -4, 3]],
  ])('are taken off: %s', (_, text, values) => {
    const table = read(text);
    expect([...table.values]).toEqual(values);
    expect(table.names?.[1]).toBe('b');
  });

  test('are said where they tell what others are', () => {
    expect(remarksOf('a,b\n"1,234.5",2\n"12,345",3\n')).toBe(
      't.csv: line 2 holds "1,234.5", so that commas are taken for marks between thousands',
    );
  });

  test.each([
    ['a;b\n1.200;3\n950;4\n12.500;5\n', 'holds "1.200", and the column whole numbers below 1000'],
    ['a;b\n1.234,5;2\n2.5;3\n', 'line 3, column 1 ("a") holds "2.5", and line 2 has "1.234,5"'],
    ['a\tb\n1,234.5\t2\n1,5\t3\n', 'holds "1,5", and line 2 has "1,234.5"; write all decimals'],
  ])('of which two readings differ are refused in %j', (text, why) => {
    expect(refusalOf(() => read(text))).toContain(why);
  });

  test('points before three digits are decimal marks where anything says so', () => {
    expect(valuesOf('a;b\n1.200;3\n9.5;4\n12;5\n')).toEqual([1.2, 3, 9.5, 4, 12, 5]);
    expect(valuesOf('a;b\n1.125;3\n2000;4\n')).toEqual([1.125, 3, 2000, 4]);
    expect(remarksOf('a;b\n1.125;3.5\n2000;4\n')).toBe('');
    expect(remarksOf('a;b\n1.125;3\n2.250;4\n')).toContain(
      'holds "1.125", whose point is read as a decimal mark',
    );
  });
});

describe('units', () => {
  test('of a column are taken off, and said', () => {
    const text = 'a;b\n12,5 %;1\n50,0 %;2\n';
    expect(valuesOf(text)).toEqual([12.5, 1, 50, 2]);
    expect(remarksOf(text)).toContain('holds "12,5 %", which is read without its "%"');
    expect(valuesOf('12%,1\n50%,2\n')).toEqual([12, 1, 50, 2]);
    expect(read('25%,50%\n1.5,2\n').names).toEqual(['25%', '50%']);
  });

  test.each([
    [['12%', '0.5'], 'holds "0.5", and line 2 "12%"; write all numbers of the column with "%"'],
    [['0.5', '12%'], 'holds "12%", and line 2 "0.5"; write all numbers of the column with "%"'],
    [['$3', '€4'], 'holds "€4", and line 2 "$3"'],
    [['(12.5)', '3'], 'holds "(12.5)", which is no number; write a minus sign in place of the'],
    [['12 kg', '3'], 'holds "12 kg", which is no number'],
  ])('that differ are refused: %j', (cells, why) => {
    expect(refusalOf(() => read(column('a', cells)))).toContain(why);
  });

  test('booleans are read in the language of the program', () => {
    expect(valuesOf('a;b\nWAHR;FALSCH\nVRAI;FAUX\n')).toEqual([1, 0, 1, 0]);
  });
});

describe('what is said of numbers that may be none', () => {
  test.each([
    ['codes', column('zip', ['01234', '90210']), '"01234", with a zero in front as codes'],
    [
      'days',
      column('d', [20200131, 20200201, 20200202]),
      'holds dates as whole numbers (20200131)',
    ],
    [
      'months',
      column(
        'm',
        Array.from({ length: 12 }, (_, i) => 202001 + i),
      ),
      'holds dates as whole numbers (202001)',
    ],
    ['a fill value', column('a', [1.5, -9999, 3, 2.5]), 'holds -9999 in 1 of 4 rows, far from all'],
    ["netCDF's", column('a', [1.5, '9.96921e+36', 3, 2.5]), 'holds 9.96921e+36 in 1 of 4 rows'],
    ["GDAL's", column('a', [1.5, '-3.4028234663852886e+38', 3]), 'far from all other values'],
    ['a sum', 'a,b\n1.5,2\n3,4\n5,7\n9.5,13\n', 'line 5 holds the sum of all rows above it'],
  ])('%s', (_, text, why) => {
    expect(remarksOf(text)).toContain(why);
  });

  test.each([
    ['years', column('y', [2019, 2020, 2021])],
    ['a wide column', column('a', [-9999, 9000, 3, -8000])],
    ['numbers of eight digits', column('n', [20200131, 20201301, 20200202])],
    ['no sum', 'a,b\n1.5,2\n3,4\n5,7\n9.5,14\n'],
  ])('and nothing of %s', (_, text) => {
    expect(remarksOf(text)).toBe('');
  });

  test('whole numbers that float64 does not hold are refused', () => {
    expect(refusalOf(() => read(column('id', ['1234567890123456789', 3])))).toContain(
      'holds 1234567890123456789, a whole number beyond 2^53 that float64 does not hold',
    );
    // As it is written by whoever has a float64.
    expect(valuesOf('a,b\n12345678901234567000,2\n')).toEqual([12345678901234567000, 2]);
  });
});

describe('lines that are none of the table', () => {
  test.each([
    ['MATLAB', '% x y z\n1 2 3\n4 5 6\n'],
    ['Touchstone', '! a b\n1 2 3\n4 5 6\n'],
    ['C', '// a b\n1 2 3\n4 5 6\n'],
    ['Markdown', '| a | b | c |\n|---|--:|:-:|\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |\n'],
    ['rows in cells', '"a,b,c"\n"1,2,3"\n"4,5,6"\n'],
  ])('of %s', (_, text) => {
    expect(valuesOf(text)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('and headings that begin like one', () => {
    expect(read('% fat,b\n1.5,2\n').names).toEqual(['% fat', 'b']);
  });

  test("a spreadsheet's title is told from a row", () => {
    expect(refusalOf(() => read('Report,,\n,,\na,b,c\n1,2,3\n4,5,6\n'))).toContain(
      'line 1 holds one cell ("Report"); remove the lines above the table, which seems to begin in line 3',
    );
  });

  test('lists in cells have a way out', () => {
    expect(refusalOf(() => read('a,b\n"[1.0, 2.0]",2\n'))).toContain(
      'write each number of the list into a column of its own, or save the table as .parquet',
    );
  });
});
