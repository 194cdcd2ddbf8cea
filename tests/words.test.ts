// Columns of words in tables: which are categories, in what order their words come, and what is refused.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Category } from '../src/categories.ts';
import { checkDataset } from '../src/data/dataset.ts';
import { datasetOf } from '../src/data/own.ts';
import { withCategories } from '../src/data/words.ts';
import { readCsv, type TableOptions } from '../src/formats/csv.ts';
import { readParquet } from '../src/formats/parquet.node.ts';
import { readRecords } from '../src/formats/records.ts';
import { refusalOf } from './support/refusal.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (text: string, options?: TableOptions) =>
  readCsv(utf8(text), 't.csv', undefined, { takesWords: true, ...options });
const JOBS = 'age,job,sex\n30,nurse,f\n41,cook,m\n35,nurse,f\n50,smith,m\n';

describe('columns of words', () => {
  test('are categories of words in order', () => {
    const { names, words, values, remarks } = read(JOBS);
    expect(names).toEqual(['age', 'job', 'sex']);
    expect(words).toEqual([
      { place: 1, column: 'job', levels: ['cook', 'nurse', 'smith'] },
      { place: 2, column: 'sex', levels: ['f', 'm'] },
    ]);
    expect([...values]).toEqual([30, 1, 0, 41, 0, 1, 35, 1, 0, 50, 2, 1]);
    expect(remarks).toEqual([
      't.csv: columns "job" (3 words), "sex" (2) are taken for categories; --drop job sex leaves them out, --label-column sets one apart as classes',
    ]);
  });

  test('become a feature a word, missing ones together', () => {
    const table = read('age,job\n30,nurse\n,cook\n35,?\n50,smith\n', { takesMissing: true });
    const { names, values, categories } = withCategories(table, table.words);
    expect(names).toEqual(['age', 'job=cook', 'job=nurse', 'job=smith']);
    expect(categories).toEqual([{ column: 'job', at: 1, levels: ['cook', 'nurse', 'smith'] }]);
    const none = Number.NaN;
    expect([...values]).toEqual([
      ...[30, 0, 1, 0, none, 1, 0, 0],
      ...[35, none, none, none, 50, 0, 0, 1],
    ]);
  });

  test.each([
    ['quoted, with line breaks', 'a,b\n1,"x\ny"\n2,"z"\n3,"x\ny"\n', ['x\ny', 'z']],
    ['however composed', 'a,b\n1,e\u0301\n2,z\n3,\u00e9\n', ['\u00e9', 'z']],
    ['of numbers in order', 'a,b\n1,p10\n2,p9\n3,p10\n', ['p9', 'p10']],
    ['yes and no', 'a,b\n1,yes\n2,no\n3,no\n', ['no', 'yes']],
    ['ranges', 'a,b\n1,20-29\n2,30-39\n3,20-29\n', ['20-29', '30-39']],
    ['without headings', '1.5,x\n2.5,y\n3.5,x\n', ['x', 'y']],
  ])('%s', (_, text, levels) => {
    expect(read(text).words.map((each) => each.levels)).toEqual([levels]);
  });

  test('may be all that there is, with headings or without', () => {
    const letters = 'p,x\ne,b\np,x\ne,x\np,b\n';
    expect(read(letters)).toMatchObject({ names: undefined, rows: 5 });
    expect(read(`kind,cap\n${letters}`)).toMatchObject({ names: ['kind', 'cap'], rows: 5 });
  });

  test('may be of numbers, if somebody says so', () => {
    const text = 'zip,a\n1010,1.5\n1020.0,2.5\n1010.0,3.5\n';
    const { words, values } = read(text, { categorical: ['zip'] });
    expect(words).toEqual([{ place: 0, column: 'zip', levels: ['1010', '1020'] }]);
    expect([...values]).toEqual([0, 1.5, 1, 2.5, 0, 3.5]);
    expect(refusalOf(() => read(text, { categorical: ['zap'] }))).toContain(
      'has no column "zap" (--categorical); did you mean "zip"?',
    );
  });

  test('of records, too', () => {
    const records = '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "x"}]';
    const found = readRecords(utf8(records), 't.json', undefined, { takesWords: true });
    expect(found.words).toEqual([{ place: 1, column: 'b', levels: ['x', 'y'] }]);
    expect([...found.values]).toEqual([1, 0, 2, 1, 3, 0]);
  });

  test('a word too many in a column of numbers is none', () => {
    const text = 'a,b\n1,2\n3,oops\n5,6\n7,8\n';
    expect(refusalOf(() => read(text))).toContain(
      'line 3, column 2 ("b") holds "oops", which is no number; correct it, or remove the row, or leave the column out with --drop b, or take its values for categories with --categorical b',
    );
  });

  test('numbers among words are told from columns of words alone', () => {
    const text = 'a,b,c\n1,A 5,x\n2,17,y\n3,B 6,x\n';
    expect(refusalOf(() => read(text))).toContain(
      'take its values for categories with --categorical b, name a column of classes with --label-column b, or leave it out with --drop b',
    );
  });

  test('of codes it is said that they may be categories', () => {
    const { remarks } = read('zip,a\n00501,1.5\n90210,2.5\n');
    expect(remarks.join()).toContain(
      '--categorical zip takes it for categories, --drop zip leaves',
    );
    const many = Array.from({ length: 300 }, (_, i) => `${i},1.5\n`).join('');
    expect(refusalOf(() => read(`zip,a\n${many}`, { categorical: ['zip'] }))).toContain(
      'take it out of --categorical, or leave the column out with --drop zip',
    );
  });

  const names = Array.from({ length: 60 }, (_, i) => `${i}.5,n${i}a\n`).join('');
  test.each([
    [`a,b\n${names}`, 'column 2 ("b") holds 60 different words in 60 rows, as names do'],
    ['a,b\n1,2020-01-01\n2,2020-01-02\n', 'holds "2020-01-01", which is no number; leave'],
    ['a,b\n1,x\n2,\n3,y\n', 'line 3, column 2 ("b") is empty; fill it in, or remove the row'],
    ['a,b\n1,x\n2,NA\n3,y\n', 'line 3, column 2 ("b") is "NA"; fill it in, or remove the row'],
  ])('refused: %#', (text, why) => {
    expect(refusalOf(() => read(text))).toContain(why);
  });

  test('more than 256 words are refused before all are read', () => {
    const many = Array.from({ length: 2000 }, (_, i) => `${i}.5,w${i % 300}x\n`).join('');
    expect(refusalOf(() => read(`a,b\n${many}`))).toContain(
      'line 258, column 2 ("b") holds "w256x", and so more than 256 different words',
    );
  });

  test('a family of numbers alone is told which take them', () => {
    const options = { takesWords: false, wordsRemedy: ', or train a vae' };
    expect(refusalOf(() => read(JOBS, options))).toContain('--drop job sex, or train a vae');
  });

  test('of a table with empty cells a family is named that takes both', () => {
    const options = { missingRemedy: ', M', wordsRemedy: ', W', bothRemedy: ', B' };
    const of = (text: string, takesWords: boolean, takesMissing: boolean) =>
      refusalOf(() => read(text, { ...options, takesWords, takesMissing }));
    expect(of('a,b\n1,x\n2,y\n,z\n', true, false)).toMatch(/is empty; .* --drop a, B$/);
    expect(of('a,b\n1,x\n2,y\n,z\n', false, true)).toMatch(/, B$/);
    expect(of('a,b\n1,x\n2,y\n3,z\n', false, true)).toMatch(/, W$/);
    expect(of('a,b\n1,5\n2,6\n,7\n', true, false)).toMatch(/, M$/);
    expect(of('a,b\n1,A 5\n2,17\n,B 6\n,C 7\n', true, true)).toMatch(/--drop b$/);
  });

  test('that tell rows apart are named together', () => {
    const rows = Array.from({ length: 40 }, (_, i) => `a${i}x,${i}.5,b${i}y\n`).join('');
    expect(refusalOf(() => read(`a,b,c\n${rows}`))).toBe(
      'bad-format: t.csv: columns "a", "c" hold 40, 40 different words in 40 rows, as names do; leave them out with --drop a c, or take them for categories with --categorical a c',
    );
  });

  test('"None" is missing unless it is said to be a word', () => {
    const text = 'a,b\n1,None\n2,low\n3,None\n4,high\n';
    const missing = read(text, { takesMissing: true });
    expect(missing.words[0]?.levels).toEqual(['high', 'low']);
    expect(missing.remarks).toContain(
      't.csv: column 2 ("b") holds "None" in 2 of 4 rows, which is taken for a missing value; --categorical b takes it for a word',
    );
    expect(refusalOf(() => read(text))).toMatch(/or take it for a word with --categorical b$/);
    const asked = read(text, { takesMissing: true, categorical: ['b'] });
    expect(asked.words[0]?.levels).toEqual(['high', 'low', 'None']);
    const levels = asked.words[0]?.levels ?? [];
    const categories = [{ column: 'b', at: 1, levels }];
    const later = read(text, { takesMissing: true, expected: ['a', 'b'], categories });
    expect([...later.values]).toEqual([...asked.values]);
  });

  test('that differ in case alone are told', () => {
    const { remarks } = read('a,b\n1,yes\n2,Yes\n3,no\n4,<=50K\n5,>50K\n');
    expect(remarks.slice(1)).toEqual([
      't.csv: column 2 ("b") holds "yes" and "Yes", which are taken for two words; write them alike if they are one',
    ]);
  });

  test('of Parquet, plain or in a dictionary, are those of text', async () => {
    const bytes = readFileSync(new URL('fixtures/parquet/words.parquet', import.meta.url));
    const options = { takesWords: true, takesMissing: true };
    const found = await readParquet(bytes, 'w.parquet', undefined, options);
    const jobs = ['cook', 'nurse', 'smith', 'cook', '', 'smith', 'cook', 'nurse', 'smith'];
    const lines = jobs.map((job, i) => [i === 2 ? '' : 20.5 + i, job, job, i % 2 === 0].join());
    const text = read(`age,job,same,yes\n${lines.join('\n')}\n`, options);
    expect(found.words).toEqual(text.words);
    expect([...found.values]).toEqual([...text.values]);
    expect(found.words[1]?.levels).toEqual(['cook', 'nurse', 'smith']);
  });

  test('of records may be null', () => {
    const rows = [
      { a: 1, b: 'x' },
      { a: null, b: 'y' },
      { a: 3, b: null },
    ];
    const text = rows.map((row) => JSON.stringify(row)).join('\n');
    for (const written of [text, JSON.stringify(rows)]) {
      const found = readRecords(utf8(written), 't.json', undefined, {
        ...{ takesWords: true, takesMissing: true },
      });
      expect([...found.values]).toEqual([1, 0, Number.NaN, 1, 3, Number.NaN]);
    }
  });

  test('of one word is told', () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i}.5,x\n`).join('');
    const { words, remarks } = read(`a,b\n${rows}`);
    expect(words).toEqual([{ place: 1, column: 'b', levels: ['x'] }]);
    expect(remarks.at(-1)).toContain(
      'column 2 ("b") holds one value in all rows, from which nothing is learned; --drop b leaves it out',
    );
  });

  test('a total in the last row is seen', () => {
    const { remarks } = read('a,b,c\n1,x,5\n2,y,5\n4,x,6\n7,Total,16\n');
    expect(remarks.join('\n')).toContain('line 5 says "Total" and is taken for a row of data');
    expect(remarks.join('\n')).toContain('line 5 holds the sum of all rows above it');
  });
});

test('a data set of a program has categories among its features', () => {
  const data = { ...datasetOf([1, 0, 2, 0, 1, 3], [3]) };
  const a = { column: 'a', at: 0, levels: ['x', 'y'] };
  expect(checkDataset({ ...data, categories: [a] }, 'any').categories).toEqual([a]);
  for (const wrong of [{ at: 2 }, { levels: [] }, { levels: ['x', 'x'] }, { at: 0.5 }]) {
    const categories = [{ ...a, ...wrong }];
    expect(refusalOf(() => checkDataset({ ...data, categories }, 'any'))).toContain(
      'data: categories must be a list of {"column": "job"',
    );
  }
});

describe('a table that goes with another', () => {
  const known = {
    expected: ['age', 'job', 'sex'],
    categories: [
      { column: 'job', at: 1, levels: ['cook', 'nurse', 'smith', 'pilot'] },
      { column: 'sex', at: 5, levels: ['f', 'm'] },
    ],
  };

  test('has its words under the same numbers, and says nothing of them', () => {
    const { values, words, remarks } = read('sex,job,age\nm,pilot,30\nf,cook,2\n', known);
    expect([...values]).toEqual([30, 3, 1, 2, 0, 0]);
    expect(words[0]?.levels).toEqual(['cook', 'nurse', 'smith', 'pilot']);
    expect(remarks).toEqual(["t.csv: its columns are put in the model's order"]);
  });

  test('is refused where it has others', () => {
    expect(refusalOf(() => read('age,job,sex\n30,singer,f\n', known))).toContain(
      'line 2, column 2 ("job") holds "singer", which the data that the model learned from do not have ("cook", "nurse", "smith", "pilot")',
    );
  });

  test('is told the first words of many', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `w${i}`);
    const categories = [{ column: 'b', at: 1, levels }];
    expect(refusalOf(() => read('a,b\n1,x\n', { expected: ['a', 'b'], categories }))).toContain(
      '("w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", …)',
    );
  });

  test('may lack what was dropped by number, where neither has headings', () => {
    const known = { takes: 2, categories: [{ column: '3', at: 1, levels: ['x', 'y'] }] };
    const hints = { drop: ['1'] };
    const rows = [0, 1, 2, 3].map((i) => [`${5 * i}`, `${i}.5`, i % 2 ? 'y' : 'x']);
    const text = (from: number) => rows.map((row) => row.slice(from).join()).join('\n');
    const [whole, less] = [read(text(0), { ...known, hints }), read(text(1), { ...known, hints })];
    expect([...less.values]).toEqual([...whole.values]);
    expect([...whole.values]).toEqual([0.5, 0, 1.5, 1, 2.5, 0, 3.5, 1]);
    expect([whole.remarks[0], less.remarks[0]]).toEqual([
      't.csv: it has no headings; as in training: --drop 1',
      't.csv: it has no headings, and 2 columns, as many as the model takes: --drop 1 of its training is left aside',
    ]);
    // Classes beside them may be there or not.
    const labels = { name: '1', isOptional: true };
    const labelled = rows.map(([id, a, b], i) => [`k${i % 2}`, id, a, b]);
    const of = (columns: readonly number[]) =>
      readCsv(
        utf8(labelled.map((row) => columns.map((j) => row[j]).join()).join('\n')),
        't.csv',
        labels,
        { ...known, takesWords: true, hints: { drop: ['2'] } },
      );
    for (const columns of [
      [0, 1, 2, 3],
      [0, 2, 3],
      [2, 3],
    ]) {
      expect([...of(columns).values]).toEqual([...whole.values]);
    }
    // What is predicted may be missing, too: then two columns of three may be either.
    expect(
      refusalOf(() => read('1.5,x\n2.5,y\n', { ...known, hints, mayBeOneLess: true })),
    ).toContain('say which with --columns 1-2 or --drop 1');
  });

  test('has them by place where one of the two has no headings', () => {
    const rows = '30,pilot,m\n2,cook,f\n';
    const wanted = [30, 3, 1, 2, 0, 0];
    expect([...read(rows, known).values]).toEqual(wanted);
    const lacks: TableOptions = { ...known, mayLack: 'age', header: 'no' };
    expect([...read('pilot,m\ncook,f\n', lacks).values]).toEqual([3, 1, 0, 0]);
    const unnamed = known.categories.map((each, i) => ({ ...each, column: String(i + 3) }));
    for (const headings of ['', 'a,b,c\n']) {
      expect([...read(headings + rows, { categories: unnamed }).values]).toEqual(wanted);
    }
  });

  test('may have headings that repeat', () => {
    const text = 'n,w,w,m\n1,a,c,7\n2,b,d,8\n3,b,c,9\n';
    const { words, values } = read(text);
    expect(words.map(({ column }) => column)).toEqual(['2', '3']);
    const categories = [
      { column: '2', at: 1, levels: ['a', 'b'] },
      { column: '3', at: 3, levels: ['c', 'd'] },
    ];
    const expected = ['n', '2', '3', 'm'];
    expect(read(text, { expected, categories }).values).toEqual(values);
    // A column of numbers has its heading all the same.
    const mixed = 'w,w,m\n1,a,7\n2,b,8\n';
    const some = {
      expected: ['w', '2', 'm'],
      categories: [{ ...categories[0], at: 1 } as Category],
    };
    expect([...read(mixed, some).values]).toEqual([1, 0, 7, 2, 1, 8]);
  });

  test('has words where the other has, and numbers where it has numbers', () => {
    const numbers = { expected: ['a', 'b'], categories: [] };
    expect(refusalOf(() => read('a,b\n1,x\n2,y\n', numbers))).toContain('holds "x", which is no');
    const asked = { ...numbers, categorical: ['b'] };
    expect(refusalOf(() => read('a,b\n1,3\n2,4\n', asked))).toContain(
      '--categorical: column 2 ("b") holds numbers to the model; leave it out',
    );
  });
});
