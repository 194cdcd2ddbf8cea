/** What the reference is made of: every public function and class says what it does, by an example that is true. */
import { describe, expect, test } from 'vitest';
import * as inPages from '../src/index.ts';
import * as library from '../src/node.ts';
import * as testing from '../src/testing/index.ts';
import { publicSymbols, runnable, typeErrors } from './support/reference.ts';

const symbols = publicSymbols();
const nodeOnly = Object.keys(library).filter((name) => !(name in inPages));
const isOp = ({ file }: { readonly file: string }) => file.includes('/src/ops/');

test('every public function and class says what it does', () => {
  expect(symbols.length).toBeGreaterThan(400);
  expect(symbols.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
});

test('what Node.js has beside a page is in it', () => {
  const names = symbols.map(({ name }) => name);
  expect(nodeOnly.length).toBeGreaterThan(7);
  for (const name of nodeOnly) expect(names).toContain(name);
});

test('every one has an example', () => {
  expect(symbols.filter(({ example }) => !example).map(({ name }) => name)).toEqual([]);
});

/** Lines that are an expression and what it is: numbers, in the order of memory, or a word. */
const programs = symbols.flatMap((symbol) => {
  const code = symbol.example && runnable(symbol.example);
  return code ? [{ ...symbol, code }] : [];
});

test('examples type-check', () => {
  const names = Object.keys(library);
  const own = Object.keys(testing).filter((name) => !names.includes(name));
  const imports = {
    '../src/node.ts': names,
    '../src/testing/index.ts': own,
    '../src/sampler/index.ts': ['load'],
  };
  // Those of ops that are run have ops without `ops.`.
  const isRunOp = (symbol: (typeof symbols)[number]) =>
    isOp(symbol) && programs.some(({ name, file }) => name === symbol.name && file === symbol.file);
  const errors = typeErrors(
    symbols.filter((symbol) => !isRunOp(symbol)),
    imports,
  );
  expect(errors).toEqual([]);
});

const valuesOf = (made: unknown): unknown => {
  if (made instanceof library.Tensor) return [...(evaluated(made)?.data ?? [])];
  return ArrayBuffer.isView(made) ? [...(made as Float32Array)] : made;
};
const evaluated = (tensor: library.Tensor) => library.ops.evaluate([tensor], new Map())[0];

describe('examples', () => {
  test('are found', () => expect(programs.length).toBeGreaterThan(300));

  test.each(programs)('$name', async ({ code, file }) => {
    const scope = { ...library, ...testing, ...(isOp({ file }) && library.ops) };
    const run = new Function(...Object.keys(scope), `return ${code}`)(...Object.values(scope));
    for (const [made, wanted] of (await run()) as [unknown, unknown][]) {
      const [found, told] = [valuesOf(made), wanted].map((value) => [value].flat()) as [
        unknown[],
        unknown[],
      ];
      expect(found.length).toBe(told.length);
      for (const [i, value] of told.entries()) {
        // They are written with four decimals.
        if (typeof value === 'number' && Math.abs(value) > 1e-3)
          expect(found[i]).toBeCloseTo(value, 4);
        else if (value === 0) expect(found[i]).toBeCloseTo(0, 12);
        else expect(found[i]).toEqual(value);
      }
    }
  });
});
