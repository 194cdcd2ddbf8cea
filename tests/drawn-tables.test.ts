// Tables as shells, databases and print() show them to people, and as writers quote them: every cell is read, and
// nothing that is drawn around them.
import { describe, expect, test } from 'vitest';
import { readCsv, type TableOptions } from '../src/formats/csv.ts';
import { refusalOf } from './support/refusal.ts';

const read = (text: string, options?: TableOptions) =>
  readCsv(new TextEncoder().encode(text), 't.csv', undefined, options);
const rows = [
  ['1.5', '-20'],
  ['3', '41.25'],
  ['-0.5', '7'],
];
const values = rows.flat().map(Number);
/** The rows with marks before, between and behind their cells. */
const drawn = (before: string, between: string, behind = '') =>
  rows.map((cells) => `${before}${cells.join(between)}${behind}`).join('\n');

describe('what is drawn around a table is none of it', () => {
  test.each([
    ['psql', `  a  |  b  \n-----+-----\n${drawn(' ', ' | ')}\n(3 rows)\n\n`],
    ['psql in another language', ` a | b \n---+---\n${drawn(' ', ' | ')}\n(3 Zeilen)\n`],
    ['MySQL', `+---+---+\n| a | b |\n+---+---+\n${drawn('| ', ' | ', ' |')}\n+---+---+\n`],
    [
      'MySQL with its time',
      `+---+---+\n| a | b |\n+---+---+\n${drawn('| ', ' | ', ' |')}\n+---+---+\n3 rows in set (0.00 sec)\n`,
    ],
    ['Org', `| a | b |\n|---+---|\n${drawn('| ', ' | ', ' |')}\n`],
    ['Markdown without borders', `a | b\n--- | ---:\n${drawn('', ' | ')}\n`],
    ['SQLite', `a     b    \n----  -----\n${drawn('', '  ')}\n`],
    ['sqlcmd', `a,b\n-,-\n${drawn('', ',')}\n\n(3 rows affected)\n`],
    ['reStructuredText', `===== =====\na     b\n===== =====\n${drawn('', '  ')}\n===== =====\n`],
  ])('%s', (_, text) => {
    const table = read(text);
    expect([...table.values]).toEqual(values);
    expect(table.names).toEqual(['a', 'b']);
  });

  test('of one column, too', () => {
    const table = read('  x   \n------\n  1.5 \n -2   \n(2 rows)\n');
    expect([table.names, [...table.values]]).toEqual([['x'], [1.5, -2]]);
  });

  test('dashes that stand for a value are no line', () => {
    expect(refusalOf(() => read('x\n---\n2\n'))).toContain('holds "---"');
    expect(refusalOf(() => read('a,b\n1,2\n-,-\n'))).toContain('line 3, column 1 ("a") holds "-"');
    expect(refusalOf(() => read('a|b\n1|2\n---|---\n'))).toContain('line 3, column 1');
  });
});

describe('separators', () => {
  test.each([
    ['quoted numbers between blanks', '"a" "b"\n"1.5" "-20"\n"3" "41.25"\n"-0.5" "7"\n'],
    ['some of them quoted', 'a b\n"1.5" -20\n"3" 41.25\n"-0.5" 7\n'],
    ['decimal commas between blanks', 'a b\n1,5 -20\n3 41,25\n-0,5 7\n'],
    ['tabs behind commas', 'a,\tb\n1.5,\t-20\n3,\t41.25\n-0.5,\t7\n'],
    ['tabs behind commas, quoted', 'a,\t"b"\n1.5,\t"-20"\n3,\t"41.25"\n-0.5,\t"7"\n'],
  ])('are found: %s', (_, text) => {
    const table = read(text);
    expect([...table.values]).toEqual(values);
    expect(table.names).toEqual(['a', 'b']);
  });

  test('with decimal commas under one heading, behind numbers of rows', () => {
    const table = read(' value\n0 -0,5\n1 12,125\n2 3\n3 0,25\n');
    expect([table.names, [...table.values]]).toEqual([['value'], [-0.5, 12.125, 3, 0.25]]);
    expect([...read('"x"\n"1" 0,5\n"2" 12,125\n').values]).toEqual([0.5, 12.125]);
  });

  test('with decimal commas, truth and what is missing between blanks', () => {
    const text = 'a b c\n1,5 True NULL\n2 False 0,25\n3,25 True 4\n';
    expect([...read(text, { takesMissing: true }).values]).toEqual([
      ...[1.5, 1, Number.NaN],
      ...[2, 0, 0.25],
      ...[3.25, 1, 4],
    ]);
  });

  test.each(['~', '^', '::', ':'])('that are not read are named: %s', (mark) => {
    const text = `a${mark}b\n1.5${mark}2\n3${mark}4\n`;
    expect(refusalOf(() => read(text))).toContain(
      `if "${mark}" parts the cells, write commas in its place`,
    );
  });
});

describe('quoted numbers', () => {
  test('in quotes with an exponent are no headings', () => {
    const table = read('"9.5e-02"\n"1.5e+00"\n"-2.5e-01"\n');
    expect([table.names, [...table.values]]).toEqual([undefined, [0.095, 1.5, -0.25]]);
  });

  test('have decimal commas where any of them says so', () => {
    expect([...read('a,b\n"5,746","0,5"\n"-3,816","12,25"\n').values]).toEqual([
      ...[5.746, 0.5],
      ...[-3.816, 12.25],
    ]);
    expect(refusalOf(() => read('a,b\n"5,746",1\n"3,816",2\n'))).toContain(
      'line 2, column 1 ("a") holds "5,746", whose comma may stand between thousands',
    );
  });

  test('have thousands apart by any blank', () => {
    const text = 'a,b\n1\u2009234,5\n12\u2007345.5,6\n';
    expect([...read(text).values]).toEqual([1234, 5, 12345.5, 6]);
  });
});

test('#NA is a value that is missing, and #Na a heading', () => {
  const { values: found } = read('a,b\n#NA,2\n3,4\n#NA,NA\n5,6\n', { takesMissing: true });
  expect([...found]).toEqual([Number.NaN, 2, 3, 4, Number.NaN, Number.NaN, 5, 6]);
  expect(read('#Na,K\n1.5,2\n3,4\n').names).toEqual(['Na', 'K']);
});

describe('rows that are none say how to go on', () => {
  test.each([
    ['a,b\n1,2\na,b\n3,4\n', 'it is the heading again: remove the row'],
    ['a,b,c\n1,2,3\nSource: x, 2020\n', 'fill it up, or remove it if it is no row of the table'],
    ['a,b\n1,2\n3,4,5\n', 'quote a cell that holds a comma, or remove the row'],
    ['a;b\n1;2\n3;4;5\n', 'quote a cell that holds a semicolon, or remove the row'],
    ['a,b\n1_000,2\n', 'write it without marks between thousands'],
  ])('%j', (text, why) => {
    expect(refusalOf(() => read(text))).toContain(why);
  });

  test.each(['ND', '-', '<5'])('%s may be empty where values may be missing', (cell) => {
    const text = `a,b\n1,2\n3,4\n${cell},5\n`;
    expect(refusalOf(() => read(text, { takesMissing: true }))).toContain(
      'empty the cell if its value is missing, or remove the row, or leave the column out',
    );
    expect(refusalOf(() => read(text))).not.toContain('empty the cell');
  });

  test('a version is no heading of pandas', () => {
    expect(refusalOf(() => read('v,b\n1.0.2,1\n1.0.3,2\n'))).toContain('--label-column v');
  });
});
