/** What the reference is made of: every public function says what it does, and examples are true. */
import { join } from 'node:path';
import ts from 'typescript5';
import { describe, expect, test } from 'vitest';
import * as library from '../src/index.ts';
import * as testing from '../src/testing/index.ts';
import { ROOT } from './support/cli.ts';

/** As docs/reference/typedoc.json has them. */
const ENTRIES = ['src/index.ts', 'src/sampler/index.ts', 'src/testing/index.ts'];

/** Ops whose example would be a program: why. */
const EXEMPT: Readonly<Record<string, readonly string[]>> = {
  'noise, which is a plan’s': [
    'randomBernoulli',
    'randomGumbel',
    'randomLogistic',
    'randomNormal',
    'randomUniform',
    'uniformGumbel',
  ],
  'the order of rows, which a plan counts': ['batchIndices', 'batchRows', 'permutation'],
  'what a plan leaves behind': ['assign', 'scatterRows', 'store'],
  'of graphs, and not of numbers': ['evaluate', 'gradient', 'vectorJacobian'],
  'of images, windows, states or factors, many numbers each': [
    'causalSolve',
    'conv2d',
    'convTranspose2d',
    'gru',
    'inOrder',
    'lstm',
    'luInverse',
    'luMatrix',
    'patches',
    'windowOf',
    'permuteColumns',
    'rationalQuadratic',
    'weighedMoments',
    'whitenedRows',
  ],
  'with a formula and parameters of their own': ['discretizedLogisticLogProb', 'studentTLogProb'],
};

interface Described {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly example: string | undefined;
}

/** Every function that the entries export, at the top or in a namespace. */
function publicFunctions(): Described[] {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const names = ENTRIES.map((entry) => join(ROOT, entry));
  const program = ts.createProgram(names, { ...options, noEmit: true, skipLibCheck: true });
  const checker = program.getTypeChecker();
  const seen = new Set<ts.Symbol>();
  const isFunction = (at: ts.Declaration) =>
    ts.isFunctionDeclaration(at) ||
    (ts.isVariableDeclaration(at) && checker.getTypeAtLocation(at).getCallSignatures().length > 0);
  const found = (exported: ts.Symbol): Described[] => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    if (seen.has(symbol)) return [];
    seen.add(symbol);
    if (symbol.flags & (ts.SymbolFlags.NamespaceModule | ts.SymbolFlags.ValueModule)) {
      return checker.getExportsOfModule(symbol).flatMap(found);
    }
    const declaration = symbol.declarations?.find(isFunction);
    if (!declaration) return [];
    const tags = symbol.getJsDocTags(checker);
    const example = tags.find(({ name }) => name === 'example')?.text;
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    return [
      {
        name: symbol.name,
        file: declaration.getSourceFile().fileName,
        text,
        example: example ? ts.displayPartsToString(example) : /```ts\n([^`]*)```/.exec(text)?.[1],
      },
    ];
  };
  return names.flatMap((name) => {
    const file = program.getSourceFile(name);
    const symbol = file && checker.getSymbolAtLocation(file);
    return symbol ? checker.getExportsOfModule(symbol).flatMap(found) : [];
  });
}

const functions = publicFunctions();
const ofOps = functions.filter(({ file }) => file.includes('/src/ops/'));

test('every public function says what it does', () => {
  expect(functions.length).toBeGreaterThan(250);
  expect(functions.filter(({ text }) => text.trim() === '').map(({ name }) => name)).toEqual([]);
});

test('every op has an example, a few excepted', () => {
  const without = ofOps.filter(({ example }) => example === undefined).map(({ name }) => name);
  expect(without.sort()).toEqual(Object.values(EXEMPT).flat().sort());
});

/** Examples of one line, an expression and what it is: numbers, in the order of memory, or a word. */
const lines = functions
  .map(({ name, example }) => ({ name, line: example?.trim() ?? '' }))
  .filter(({ line }) => line.includes(' // ') && !line.includes('\n'));
/** What they may use: ops without `ops.`, too. */
const scope: Readonly<Record<string, unknown>> = { ...library, ...testing, ...library.ops };

const valuesOf = (made: unknown): unknown => {
  if (made instanceof library.Tensor) return [...(evaluated(made)?.data ?? [])];
  return ArrayBuffer.isView(made) ? [...(made as Float32Array)] : made;
};
const evaluated = (tensor: library.Tensor) => library.ops.evaluate([tensor], new Map())[0];

describe('examples', () => {
  test('are found', () => expect(lines.length).toBeGreaterThan(110));

  test.each(lines)('$name', ({ line }) => {
    const [code, wanted] = line.split(' // ') as [string, string];
    const run = new Function(...Object.keys(scope), `return ${code}`);
    const [found, told] = [valuesOf(run(...Object.values(scope))), JSON.parse(wanted)].map(
      (value) => [value].flat(),
    ) as [unknown[], unknown[]];
    expect(found.length).toBe(told.length);
    for (const [i, value] of told.entries()) {
      // They are written with four decimals.
      if (typeof value === 'number' && Math.abs(value) > 1e-3)
        expect(found[i]).toBeCloseTo(value, 4);
      else expect(found[i]).toEqual(value);
    }
  });
});
