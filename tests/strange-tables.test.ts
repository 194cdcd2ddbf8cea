// Tables as other programs write them: every kind is read as it was meant, or refused with a way out.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toFloat32 } from '../src/data/float32.ts';
import { loadData } from '../src/data/load.node.ts';
import { standardizationOf, standardize, toOriginal } from '../src/data/standardize.ts';
import { type LabelColumn, readCsv, type TableOptions } from '../src/formats/csv.ts';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { refusal, refusalOf } from './support/refusal.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (text: string, options?: TableOptions, labels?: LabelColumn) =>
  readCsv(utf8(text), 't.csv', labels, options);
const shapeOf = (text: string, options?: TableOptions) => {
  const { names, rows, values } = read(text, options);
  return { names, rows, values: [...values] };
};
/** Rows of numbers that no one would take for headings. */
const body = (rows: number, columns: number, mark = ',') =>
  Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => `${((i * 7 + j * 3) % 11) - 5}.${i}${j + 1}`).join(
      mark,
    ),
  ).join('\n');

describe('headings', () => {
  test.each([
    ["pandas' integers", `0,1,2\n${body(9, 3)}`, ['0', '1', '2']],
    ['integers from 1', `1,2,3\n${body(9, 3)}`, ['1', '2', '3']],
    ['wavelengths', `400,410,420\n${body(9, 3)}`, ['400', '410', '420']],
    ['years over amounts', '2019,2020,2021\n12,3,44\n5,61,7\n', ['2019', '2020', '2021']],
    ['quoted numbers over plain ones', '"7","3"\n1,2\n4,5\n', ['7', '3']],
    [
      '784 pixels',
      `${Array.from({ length: 784 }, (_, j) => j)}\n${Array(784).fill(0)}\n`,
      undefined,
    ],
    ['integers, one of them over words', '0,1,2\n1.5,2,p\n5.5,3,q\n1.5,4,p\n', ['0', '1']],
    ['integers and a word', '0,1,kind\n1,2,3\n5,4,3\n', ['0', '1', 'kind']],
    ['a comment', '#id,a\n1.5,2\n3,4\n', ['id', 'a']],
    ['a number sign over numbers of rows', '#,a,b\n1,2.5,3\n2,4,5\n3,6,6\n', ['#', 'a', 'b']],
    ["pandas' integers over numbers of rows", ',0,1\n0,1.5,2\n1,2.5,1\n', ['0', '1']],
    ['one quoted', '"#","a","b"\n1,2.5,3\n2,4,5\n3,6,6\n', ['#', 'a', 'b']],
  ])('%s name the columns', (what, text, names) => {
    const table = read(text, what.includes('words') ? { drop: ['3'] } : {});
    expect(table.rows).toBe(text.trim().split('\n').length - 1);
    expect(table.names?.slice(0, 3)).toEqual(names ?? ['0', '1', '2']);
  });

  test.each([
    ['numbers that go on', '1,2\n3,4\n5,6\n'],
    ['zeros and ones', '0,1\n1,0\n1,1\n0,1\n'],
    ['decimals', `0.5,1,2\n${body(3, 3)}`],
    ['years over years', '1990,2001\n1995,2003\n'],
    ['multiples', '10,20,30,40\n20,40,60,80\n'],
    ['a letter that comes again', 'T,2,8\nI,5,12\nT,1,3\n'],
  ])('%s do not', (_, text) => {
    const labels = text.startsWith('T') ? { name: '1' } : undefined;
    const table = read(text, {}, labels);
    expect([table.names, table.rows]).toEqual([undefined, text.trim().split('\n').length]);
  });

  test.each([
    ['two integers over decimals', `0,1\n${body(9, 2)}`],
    ['integers over integers', '0,1,2\n5,3,8\n2,2,7\n'],
    ['a nought over decimals', `0\n${body(9, 1)}`],
    ['a year', '2020\n0.5\n0.25\n'],
    ['a nought over integers', '0\n5\n7\n3\n'],
    ['whole numbers written as decimals', `0.0,1.0,2.0\n${body(9, 3)}`],
    ['wavelengths over whole numbers', '400,410,420,430\n31,35,0,9\n42,37,0,8\n'],
    ['years over years', '2001,2002,2003,2004\n1996,2013,1950,1960\n2000,1974,2020,1992\n'],
    ['lags', `-1,0,1\n${body(9, 3)}`],
  ])('%s are refused until --header says', (_, text) => {
    expect(refusalOf(() => read(text))).toMatch(
      /line 1 \([-\d., …]+\) may name the columns or be data; .*--header/,
    );
    const rows = text.trim().split('\n').length;
    expect(read(text, { header: 'yes' }).rows).toBe(rows - 1);
    expect(read(text, { header: 'no' })).toMatchObject({ rows, names: undefined });
    expect(read(text, { hints: { header: 'no' } }).rows).toBe(rows);
    expect(read(text, { expected: (text.split('\n')[0] as string).split(',') }).rows).toBe(
      rows - 1,
    );
  });
});

describe('columns that number the rows', () => {
  test.each([
    ["R's write.csv", '"","a","b"\n"1",5,6\n"2",7,8\n'],
    ['pandas', 'Unnamed: 0,a,b\n0,5,6\n1,7,8\n'],
    ['a shuffled split', ',a,b\n93,5,6\n-4,7,8\n'],
    ['pandas twice', 'Unnamed: 0.1,Unnamed: 0,a,b\n0,4,5,6\n1,3,7,8\n'],
    ['readr', '...1,a,b\n1,5,6\n2,7,8\n'],
    ["R's write.table", '"a" "b"\n"1" 5 6\n"2" 7 8\n'],
    ['names of rows', '"","a","b"\n"Mazda RX4",5,6\n"Fiat 128",7,8\n'],
    ['dates', ',a,b\n2020-01-01,5,6\n2020-01-02,7,8\n'],
    ['columns of a spreadsheet that are empty', 'a,b,,\n5,6,,\n7,8,,\n,,,\n'],
    ['separators at the ends of rows', 'a,b\n5,6,\n7,8,\n'],
  ])('are left out, and said: %s', (_, text) => {
    const table = read(text);
    expect(table.names).toEqual(['a', 'b']);
    expect([...table.values]).toEqual([5, 6, 7, 8]);
    expect(table.remarks.join()).toMatch(/column \d.* is left out/);
  });

  test('in any order, with any numbers', () => {
    const numbers = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(numbers, fc.constantFrom('', 'Unnamed: 0'), (index, heading) => {
        const rows = index.map((n, i) => `${n},${i}.5,${i * i}`);
        const table = read(`${heading},a,b\n${rows.join('\n')}\n`);
        expect(table.names).toEqual(['a', 'b']);
        expect([...table.values]).toEqual(index.flatMap((_, i) => [i + 0.5, i * i]));
      }),
    );
  });

  test('others without a heading are data, and what may be either is refused', () => {
    expect(shapeOf('a,\n1,2.5\n3,4.5\n')).toEqual({
      names: ['a', ''],
      rows: 2,
      values: [1, 2.5, 3, 4.5],
    });
    const repeats = ',a\n0,5\n1,6\n0,7\n';
    expect(refusalOf(() => read(repeats))).toMatch(
      /whole numbers that repeat: .*--drop 1 .*--columns 1-2/,
    );
    expect(read(repeats, { drop: ['1'] }).names).toEqual(['a']);
    expect(read(repeats, { columns: ['1-2'] }).names).toEqual(['', 'a']);
    expect(read('id,a\n1,5\n2,6\n3,8\n').remarks.join()).toContain('--drop id');
    const many = Array.from({ length: 12 }, (_, i) => `${i % 5}.5,${i}`).join('\n');
    expect(read(`a,t\n${many}\n`).remarks.join()).toContain('("t") counts the rows, and is taken');
    const ids = (heading: string, third: string) =>
      read(`${heading},a\n842302,1\n842517,2\n${third},3\n`).remarks.join();
    for (const heading of ['id', 'ID', 'PassengerId', 'customer_id', 'Customer ID'])
      expect(ids(heading, '843009')).toMatch(
        /another whole number in every row, as an id, .*--drop/,
      );
    expect([ids('id', '842302'), ids('id', '0.5'), ids('humid', '843009')]).toEqual(['', '', '']);
  });
});

describe('separators and decimals', () => {
  const numbers = [1.5, -2, 0.25, 300];
  test.each([
    ['sep=;', 'sep=;\na;b\n1.5;-2\n0.25;3e2\n'],
    ['sep=; saved again', 'sep=;;;\na;b\n1.5;-2\n0.25;3e2\n'],
    ['quoted sep=', '"sep=;"\na;b\n1,5;-2\n0,25;3e2\n'],
    ['German', '"a";"b"\r\n"1,5";"-2"\r\n"0,25";"300,0"\r\n'],
    ['tabs and commas', 'a\tb\n1,5\t-2\n0,25\t300\n'],
    ['blanks', '  a   b\n 1.5  -2\n  0.25 300  \n'],
    ['blanks and tabs', 'a b\n1.5\t -2\n0.25 \t\t300\n'],
    ['blanks and decimal commas', 'a b\n1,5 -2\n0,25 300\n'],
    ['bars', 'a|b\n1.5|-2\n0.25|300\n'],
    ['comments', '# made by x, "y\na,b\n1.5,-2\n# "half\n0.25,300\n'],
    ['a comment at the end of a line', 'a b\n1.5 -2 # first\n0.25 300\n'],
    ['comments behind commas', 'a,b\n1.5,-2 # one, two\n  # "three\n0.25,300\n'],
    ['quotes after blanks', '"a", "b"\n"1.5", "-2"\n"0.25", "300"\n'],
    ['minus signs of typographers', 'a,b\n1.5,\u22122\n0.25,300\n'],
    ['other signs of typographers', 'a,b\n1.5,\u20132\n0.25,300\n'],
    ["Stata's headings", "'a','b'\n1.5,-2\n0.25,300\n"],
    ['a semicolon in a heading', 'a; x,b\n1.5,-2\n0.25,300\n', 'a; x'],
    ['tabs that line up', 'a\tb\n1.5\t-2\n0.25\t\t300\n'],
    ['Fortran', 'a b\n0.15D+01 -2.D0\n.25d0 3D2\n'],
  ])('%s', (_, text, first = 'a') => {
    expect(shapeOf(text)).toEqual({ names: [first, 'b'], rows: 2, values: numbers });
  });

  const takesMissing = true;
  const nan = Number.NaN;
  test.each([
    ['tabs', '1.5\t\t3\n3\t4\t\n\t2\t1\n', [1.5, nan, 3, 3, 4, nan, nan, 2, 1]],
    [
      'blanks and tabs',
      '18.0   8   307\t"a car"\n15.0   ?   350\t"a bus"\n',
      [18, 8, 307, 15, nan, 350],
    ],
    ['commas, as a spreadsheet writes it', 'a,b\n#N/A,1\n2,#N/A\n', [nan, 1, 2, nan]],
    ['blanks, the same', 'a b\n#N/A 1\n2 #N/A\n', [nan, 1, 2, nan]],
  ])('a value that is missing between %s', (_, text, values) => {
    const options = { takesMissing, ...(text.includes('car') && { drop: ['4'] }) };
    expect(shapeOf(text, options).values).toEqual(values);
  });

  test.each([
    ['a column of decimal commas', 'a\n1,5\n3,25\n2\n', [1.5, 3.25, 2]],
    ['true and false', 'a,b\nTrue,FALSE\nfalse,TRUE\n', [1, 0, 0, 1]],
    ['the same without headings', 'True,False\nFalse,True\n', [1, 0, 0, 1]],
    ['separators at the ends of rows alone', '1.5,2,\n3,4,\n', [1.5, 2, 3, 4]],
    ['one at the end of the headings', 'a,b,\n1,2\n3,4\n', [1, 2, 3, 4]],
  ])('%s', (_, text, values) => {
    expect(shapeOf(text).values).toEqual(values);
  });

  test.each([
    ...['', 'NA', 'N/A', 'n/a', 'NaN', '-nan', 'NULL', 'null', 'None', '<NA>', '#N/A', '#N/A N/A'],
    ...['#NA', '#NV', '1.#IND', '-1.#QNAN', 'n.a.', '(null)', '\\N', '?', 'missing'],
  ])('%j is a value that is missing', (cell) => {
    expect(shapeOf(`a,b\n1.5,${cell}\n2,3\n`, { takesMissing }).values).toEqual([1.5, nan, 2, 3]);
    expect(refusalOf(() => read(`a,b\n1.5,${cell}\n`))).toMatch(
      /line 2, column 2 \("b"\) .*--drop b/,
    );
  });

  test('whole numbers beside a value that is missing may be headings', () => {
    const why = refusalOf(() => read(',5,8\n3,1,4\n9,2,6\n', { takesMissing }));
    expect(why).toMatch(/line 1 \(, 5, 8\) may name the columns or be data/);
  });

  test('lists within cells do not part them', () => {
    const lists = '1,C;C++;Go,2.5\n3,C;Go,4.5\n5,Go;C,6.5\n';
    expect(read(lists, {}, { name: '2' })).toMatchObject({ rows: 3, columns: 2 });
  });

  test.each([
    ['a;b\n1,250;2\n3,500;4\n', {}, 'holds "1,250", whose comma is read as a decimal mark'],
    ['k,a,b\nx,1,2\ny,3,4\nTotal,4,6\n', { drop: ['k'] }, 'line 4 says "Total" and is taken for'],
    ['a,b\n1,2\n#3,4\n5,6\n', {}, 'line 3 begins with # and is taken for a comment'],
    ['1.5,2,\n3,4,\n', {}, 'column 3 is empty and is left out'],
  ])('what may not be meant is said of %j', (text, options, why) => {
    expect(read(text, options).remarks.join()).toContain(why);
  });

  test('numpy.savetxt', () => {
    const text = '1.257000000000000062e-01 -1.320999999999999952e-01\n1.049e-01 -5.356e-01\n';
    expect(shapeOf(text)).toEqual({
      names: undefined,
      rows: 2,
      values: [0.1257, -0.1321, 0.1049, -0.5356],
    });
  });

  test('every number survives every way of writing it', () => {
    const cell = fc
      .double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 })
      // 1,234 alone may be either.
      .filter((x) => !Object.is(x, -0) && !/^-?\d{1,3}\.\d{3}$/.test(String(x)));
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 });
    const marks = fc.constantFrom(
      [',', '.'],
      [';', ','],
      [';', '.'],
      ['\t', ','],
      [' ', '.'],
      ['  ', ','],
    );
    fc.assert(
      fc.property(rows, marks, fc.boolean(), (values, [mark = '', point = ''], isNamed) => {
        const lines = values.map((row) => row.map((x) => String(x).replace('.', point)).join(mark));
        const text = `${isNamed ? `a${mark}b${mark}c\n` : ''}${lines.join('\n')}`;
        expect([...read(text, { header: isNamed ? 'yes' : 'no' }).values]).toEqual(values.flat());
      }),
    );
  });

  test.each([
    [
      'a;b\n1,5;2\n3;4.5\n',
      'line 3, column 2 ("b") holds "4.5", and line 2 has "1,5"; write all decimals',
    ],
    ['a,b\n"1,234",2\n', 'holds "1,234", whose comma may stand between thousands'],
    ['a,b\n($3),2\n', 'which is no number; write it without the currency'],
    [
      'color,a\n#ff0000,1\n#00ff00,2\n',
      'no rows of numbers; 2 lines, the first of them 2, begin with #',
    ],
    ['a;b\n1,23,456;2\n', 'which is no number; write it without marks between thousands'],
    ['day,b\n2020-01-31,2\n', 'which is no number; leave the column out with --drop day'],
    [
      '506,2,\nCRIM,ZN,MEDV\n0.1,18,24\n0.2,0,21.6\n',
      'line 2 holds no numbers, and the lines below do',
    ],
    ['506,,\nCRIM,ZN,MEDV\n0.1,18,24\n', 'if its words are the headings, remove line 1 above it'],
    ['a,b\n"x" y,2\n', 'is malformed; write a quote within a cell twice, or remove it'],
    ['a,b\n"x,2\n', 'quoted field unterminated; close it, or remove it'],
    ...['19-Sep-03', 'Jan-1-1995', 'Sep 1, 2020', '1974Q1', '31.01.2020', '2020-01-31T12:00'].map(
      (cell): [string, string] => [
        `a,b\n"${cell}",2\n`,
        'number; leave the column out with --drop a',
      ],
    ),
    ['a,b\n12:30:00,2\n', 'which is no number; leave the column out with --drop a'],
    ["'a','b'\n'1','2'\n", 'write it without quotes, or with double ones'],
    ['a,b\n1e39,2\n', 'does not fit float32; write the column in larger units, or leave it out'],
    ['"a\nb",c\nx,2\n', 'which is no number; name a column of classes with --label-column 1, or'],
    ['a,b,c\n1,x,y\n2,z,w\n', '--label-column b, or leave out all that hold text with --drop b c'],
    [
      `${Array.from({ length: 20 }, (_, j) => `c${j}`)}\n${['1', ...Array(18).fill('x'), '2']}\n`,
      'leave out all that hold text with --drop 2-19',
    ],
    [
      'a\tb\n950\t1\n1,250\t2\n',
      'line 3, column 1 ("a") holds "1,250", whose comma may stand between thousands',
    ],
    [
      'MEANS\n=====\nYear Jan Feb\n-----\n1749 58.0 62.6\n\n1750 73.3 75.9\n1751 1.5 2.5\n1752 3 4\n',
      'remove the lines above the table, which seems to begin in line 3',
    ],
    ['150,4,setosa,virginica\n5.1,3.5,1\n4.9,3,1\n', 'remove line 1 if it is none of the table'],
    ['a,b\n1,5,2,25\n3,5,4,25\n', 'if commas are decimal marks, part the cells by semicolons'],
    [
      'Title: x\n\nUnits: y\n\n\nSeries,Year,Value,\nL,1959,5.8\nL,1960,5.1\nL,1961,5.3\n',
      'line 6 has 4 columns and the first row 1; remove the lines above the table, which seems to begin in line 6',
    ],
    [
      'a,b\n1,2\n\nSource: x\n',
      'line 4 has 1 column and the header 2; remove it if it is a remark',
    ],
    ['a,b,k\nm,,\n1,2,3\n', 'line 2 holds no numbers, and the lines below do: if it is a second'],
    [',a,a\n,x,y\ni,,\n0,1,2\n', 'lines 2 to 3 hold no numbers, and the lines below do'],
    ['Report,,\na,b,c\n1,2,3\n', 'if its words are the headings, remove line 1 above it'],
    [
      'a,b\n1,?\n',
      'line 2, column 2 ("b") holds "?"; fill it in, or remove the row, or leave the column out with --drop b',
    ],
    [
      'a,b c\n1,-\n',
      'line 2, column 2 ("b c") holds "-"; fill it in, or remove the row, or leave the column out with --drop \'b c\'',
    ],
    [
      'a,--b\n1,-\n',
      '"--b") holds "-"; fill it in, or remove the row, or leave the column out with --drop 2',
    ],
    ['a,b\n1,\n', 'is empty; fill it in, or remove the row, or leave the column out with --drop b'],
    [
      '1.5,x\n2,y\n',
      'line 1, column 2 holds "x", which is no number; name a column of classes with --label-column 2, or leave it out with --drop 2',
    ],
    [
      'Report\na,b\n1,2\n',
      'line 2 has 2 columns and the header 1; remove the lines above the table',
    ],
    ['a,b\n1,2\n\n,\n3,4\n', 'line 4 is empty'],
    ['a,a\nmin,max\n1,2\n', 'line 2 holds no numbers, and the lines below do: if it is a second'],
  ])('says what is wrong with %j', (text, why) => {
    expect(refusalOf(() => read(text))).toContain(why);
  });
});

describe('encodings', () => {
  const latin = Uint8Array.from('a,who\n1,M\u00fcller\n2,Mu\u00f1oz\n', (c) => c.charCodeAt(0));
  const label = { name: 'who' };

  test('that are not UTF-8 are never replaced: refused, with the line, or read', () => {
    expect(refusalOf(() => readCsv(latin, 'l.csv', label))).toMatch(
      /l\.csv: line 2 is not UTF-8.*"Müller".*--encoding windows-1252/,
    );
    const classes = ['Müller', 'Muñoz'];
    expect(readCsv(latin, 'l.csv', label, { encoding: 'latin1' }).classes).toEqual(classes);
    expect(readCsv(latin, 'l.csv', label, { hints: { encoding: 'windows-1252' } }).classes).toEqual(
      classes,
    );
    expect(refusalOf(() => readCsv(latin, 'l.csv', label, { encoding: 'klingon' }))).toMatch(
      /^bad-input: --encoding "klingon" is not known/,
    );
    expect(refusalOf(() => readCsv(latin, 'l.csv', label, { encoding: 'euc-jp' }))).toMatch(
      /is not text in euc-jp/,
    );
  });

  test('windows-1252 has letters where Latin-1 has none', () => {
    const bytes = Uint8Array.from('a,who\n1,L\x92Or\xe9al\n2,\x80\n3,\x8aime\x9a\n', (c) =>
      c.charCodeAt(0),
    );
    expect(readCsv(bytes, 'w.csv', label, { encoding: 'windows-1252' }).classes).toEqual([
      '€',
      'L’Oréal',
      'Šimeš',
    ]);
    expect(refusalOf(() => readCsv(bytes, 'w.csv', label))).toContain('line 2 is not UTF-8');
  });

  test('UTF-16 with a mark and without', () => {
    const wide = (text: string) =>
      new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer);
    const text = 'a,who\n1,Łódź\n2,Ünye\n';
    const turned = wide(`\ufeff${text}`).map((_, i, all) => all[i ^ 1] as number);
    expect(refusalOf(() => readCsv(wide(text), 'w.csv', label))).toContain('--encoding utf-16le');
    for (const bytes of [wide(`\ufeff${text}`), turned])
      expect(readCsv(bytes, 'w.csv', label).classes).toEqual(['Łódź', 'Ünye']);
    for (const bytes of [wide(`\ufeff${text}`), wide(text)]) {
      expect(readCsv(bytes, 'w.csv', label, { encoding: 'utf-16' }).classes).toEqual([
        'Łódź',
        'Ünye',
      ]);
    }
  });

  test('UTF-8 cut by pieces stays whole', () => {
    const rows = Array.from({ length: 300_000 }, (_, i) => `${i},Žluťoučký${i % 3}`);
    const { classes } = readCsv(utf8(`a,who\n${rows.join('\n')}\n`), 'big.csv', label);
    expect(classes).toEqual(['Žluťoučký0', 'Žluťoučký1', 'Žluťoučký2']);
  });
});

describe('choosing columns', () => {
  const text = 'id,a,b,kind\n7,1,2,x\n8,3,4,y\n';
  const kind = { name: 'kind' };

  test('by name, number, range and list; the order of --columns counts', () => {
    expect(read(text, { drop: ['id'] }, kind)).toMatchObject({
      names: ['a', 'b'],
      dropped: ['id'],
      labelColumn: 'kind',
    });
    expect(read(text, { drop: ['1', 'kind'] }).names).toEqual(['a', 'b']);
    expect(read(text, { drop: ['1,4'] }).names).toEqual(['a', 'b']);
    expect([...read(text, { columns: ['b', 'a'] }).values]).toEqual([2, 1, 4, 3]);
    expect(read(text, { columns: ['2-3'] }, { name: '4' })).toMatchObject({
      names: ['a', 'b'],
      classes: ['x', 'y'],
    });
    expect(read('1.5,2,x\n3,4,y\n', {}, { name: '3' })).toMatchObject({
      columns: 2,
      classes: ['x', 'y'],
    });
    expect(refusalOf(() => read(text, { drop: ['ID'] }))).toMatch(
      /no column "ID" \(--drop\); did you mean "id"/,
    );
    expect(refusalOf(() => read('1.5,2\n3,4\n', {}, { name: 'kind' }))).toContain(
      'name it by its number, 1 to 2',
    );
  });

  test('a column that is asked for by name is one of the headings', () => {
    const table = 'y,0,1\nx,0,1\nx,1,0\nz,0,0\n';
    expect(read(table, {}, { name: 'y' })).toMatchObject({ rows: 3, names: ['0', '1'] });
    expect(read(table, { drop: ['y'] }).rows).toBe(3);
  });

  test('columns of one value are said, unless a model takes them', () => {
    const rows = Array.from({ length: 10 }, (_, i) => `7,${i % 3},-1,0.5`).join('\n');
    expect(read(`a,b,c,d\n${rows}\n`).remarks.join()).toMatch(
      /3 columns, the first of them column 1 \("a"\), hold one value each .* --drop a c d leaves them/,
    );
    expect(read(`a,b,c,d\n${rows}\n`, { drop: ['3-4'] }).remarks.join()).toMatch(
      /column 1 \("a"\) holds one value in all rows, .* --drop a leaves it out/,
    );
    expect(read(`a,b,c,d\n${rows}\n`, { expected: ['a', 'b', 'c', 'd'] }).remarks).toEqual([]);
    expect(read('a,b\n7,1\n7,2\n').remarks).toEqual([]);
  });

  test('classes that are whole numbers are the same however they are written', () => {
    const rows = 'a,k\n1,1.0\n2,1\n3,2.000000e+00\n4,10\n';
    const { labels, classes } = read(rows, {}, { name: 'k' });
    expect([[...(labels ?? [])], classes]).toEqual([
      [0, 0, 1, 2],
      ['1', '2', '10'],
    ]);
    const other = read('a,k\n1,2.0\n', { classes: ['1', '2'] }, { name: 'k' });
    expect([[...(other.labels ?? [])], other.classes]).toEqual([[1], ['1', '2']]);
  });

  test('what may be no column of classes is said', () => {
    const kind = (rows: string[]) =>
      read(`a,k\n${rows.join('\n')}\n`, {}, { name: 'k' }).remarks.join();
    expect(kind(['1,x', '2,NA'])).toContain('column 2 ("k"): "NA" is taken for a class');
    expect(kind(['1,x', '2,None', '3,x'])).toBe('');
    const many = Array.from({ length: 30 }, (_, i) => `1,${i}.5`);
    expect(kind(many)).toContain('holds 30 classes in 30 rows');
  });

  test('expected ones are put in order; others are refused by name', () => {
    const expected = ['b', 'a'];
    const table = read('a,b\n1,2\n3,4\n', { expected });
    expect([...table.values]).toEqual([2, 1, 4, 3]);
    expect(table.remarks.join()).toContain("in the model's order");
    expect(read(',a,b\n0,1,2\n', { expected }).names).toEqual(expected);
    expect(read(text, { expected, known: ['id', 'kind'] }).names).toEqual(expected);
    const other = refusalOf(() => read(text, { expected }, kind));
    expect(other).toMatch(
      /^shape-mismatch: t\.csv has a column "id", which the model does not know .*--drop id/,
    );
    expect(refusalOf(() => read('a,c\n1,2\n', { expected }))).toMatch(
      /has no column "b", and the model takes "b", "a"/,
    );
    expect(read('1.5,2\n', { expected }).remarks.join()).toContain('no headings');
  });

  test('a table in any order of columns gives the same numbers', () => {
    const names = ['a', 'b', 'c', 'd'];
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (order) => {
        const row = (i: number) => order.map((j) => 10 * i + j + 0.5);
        const lines = [order.map((j) => names[j]), row(0), row(1)].map((cells) => cells.join());
        expect([...read(lines.join('\n'), { expected: names }).values]).toEqual(
          [0, 10].flatMap((x) => [0.5, 1.5, 2.5, 3.5].map((y) => x + y)),
        );
      }),
    );
  });

  test('classes keep the numbers of another split', () => {
    const labels = (rows: string, classes?: string[]) => {
      const table = read(`a,k\n${rows}`, classes ? { classes } : {}, { name: 'k' });
      return [[...(table.labels ?? [])], table.classes];
    };
    expect(labels('1,c\n2,b\n', ['a', 'b', 'c'])).toEqual([
      [2, 1],
      ['a', 'b', 'c'],
    ]);
    expect(labels('1,z\n2,b\n', ['a', 'b'])).toEqual([
      [2, 1],
      ['a', 'b', 'z'],
    ]);
  });
});

describe('numbers that float32 cannot hold apart', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Metres of Berlin in degrees: 600 latitudes, which float32 makes 20. */
  const gps = () => {
    const rows = Array.from(
      { length: 600 },
      (_, i) => `${52.52 + ((i * 37) % 600) * 1e-7},${i % 7}`,
    );
    return `lat,lon\n${rows.join('\n')}\n`;
  };

  test('are named, and standardised in float64', async () => {
    const data = join(folder, 'gps.data');
    await writeFile(data, gps());
    const why = await refusal(loadData({ data, split: 'train', range: 'any' }));
    expect(why).toMatch(
      /^bad-data: gps\.data: column 1 \("lat"\) holds 600 values that float32 cannot hold apart: it makes \d\d of them; train with --standardize/,
    );
    const whole = await loadData({ data, split: 'train', range: 'any', float64: true });
    const scales = standardizationOf(whole);
    const seen = standardize(whole, scales);
    expect(new Set(seen.data.filter((_, i) => i % 2 === 0)).size).toBe(600);
    const mean = Array.from(seen.data).reduce((sum, x, i) => sum + (i % 2 === 0 ? x : 0), 0) / 600;
    expect(Math.abs(mean)).toBeLessThan(1e-5);
    const again = toOriginal(seen.data as Float32Array, scales);
    expect(again).toBeInstanceOf(Float64Array);
    again.forEach((x, i) => {
      expect(Math.abs(x - (whole.data[i] as number))).toBeLessThan(1e-11 + 1e-6 * (i % 2));
    });
    const stored = readNpy(writeNpy(again, [600, 2]));
    expect([stored.dtype, stored.data[7]]).toEqual(['<f8', again[7]]);
  });

  test('rounding of a computation is no difference', () => {
    const values = Float64Array.of(0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.7);
    const dataset = { name: 'r', count: 5, shape: [1], data: values, source: '' };
    expect(toFloat32(dataset).data).toEqual(Float32Array.from(values));
    const constant = { ...dataset, count: 4, data: values.subarray(0, 4) };
    expect(
      [...standardize(constant, standardizationOf(constant)).data].every((x) => Math.abs(x) < 1e-6),
    ).toBe(true);
  });

  test('whole numbers are as exact as float64 has them', async () => {
    const data = join(folder, 'ids.csv');
    const times = Array.from({ length: 50 }, (_, i) => 1e15 + ((i * 7) % 50));
    await writeFile(data, `t,x\n${times.map((t, i) => `${t},${i / 7}`).join('\n')}\n`);
    expect(await refusal(loadData({ data, split: 'train', range: 'any' }))).toMatch(
      /column 1 \("t"\) holds 50 values that float32 cannot hold apart/,
    );
    const whole = await loadData({ data, split: 'train', range: 'any', float64: true });
    const scales = standardizationOf(whole);
    expect([scales.mean[0], scales.std[0]]).toEqual([
      1e15 + 24.5,
      Math.fround(Math.sqrt(2499 / 12)),
    ]);
    const seen = standardize(whole, scales);
    expect(seen.data[2]).toBeCloseTo((7 - 24.5) / Math.sqrt(2499 / 12), 6);
  });

  test('one that lies far from the rest is found', () => {
    const data = Float64Array.from({ length: 100 }, (_, i) => (i === 50 ? 1e7 : 1 + i / 1e4));
    const dataset = { name: 'far', count: 100, shape: [1], data, source: '', columns: ['x'] };
    expect(refusalOf(() => standardize(dataset, standardizationOf(dataset)))).toMatch(
      /far: column 1 \("x"\) holds 100 values .* remove what lies far/,
    );
  });

  test.each([
    ['PK\x03\x04', 'x.xlsx', /x.xlsx: cut short \(the list at the end/],
    [
      `${'% by x\n% \n'.repeat(99)}\n@RELATION iris\n`,
      'x.arff',
      /is an ARFF file; remove the lines up to @data/,
    ],
    ['-1 3:0.5 7:1e-3 \n', 'x.txt', /is a LIBSVM file; save/],
    ['# by scikit-learn\n#\n1\n-1 3:0.5 7:1e-3 \n', 'x.txt', /is a LIBSVM file; save/],
    ['%%MatrixMarket matrix coordinate\n4 2 3\n', 'x.mtx', /is a Matrix Market file; save one/],
    ['P2\n2 2\n255\n1 2\n3 4\n', 'x.pgm', /is one PNM image; name the folder/],
    ['<table border="1">\n<tr>\n', 'x.csv', /is HTML or XML/],
    ['{"a": 1}', 'x.json', /is JSON, and no table; write records/],
    ['<!DOCTYPE html>', 'x.csv', /is HTML or XML, perhaps the page/],
    ['\x00\x01\x02\x03', 'x.bin', /is neither an IDX, \.npy nor \.csv file/],
  ])('a file that begins with %j is told what it is', async (text, name, why) => {
    const data = join(folder, name);
    await writeFile(data, text, 'latin1');
    expect(await refusal(loadData({ data, split: 'train' }))).toMatch(why);
  });
});
