/**
 * The functions of shaders/lib under every arithmetic that WGSL allows, not only this machine's: they
 * are traced, regrouped as compilers do, and computed here.
 */
import { describe, expect, test } from 'vitest';
import { opNamed, type Snippet } from '../src/graph/tensor.ts';
import { type Variable, variable } from '../src/graph/variable.ts';
import { libPhilox } from '../src/kernels/shaders.gen.ts';
import { shaderNamed } from './support/shaders.ts';
import '../src/ops/index.ts';
import { specialize } from '../src/kernels/specialize.ts';
import { type Bound, bounds } from '../src/ops/reference/bounds.ts';
import { logisticFromBits } from '../src/ops/reference/logistic.ts';
import {
  exponentialFromBits,
  gumbelFromBits,
  normalFromBits,
  philox,
  uniformFromBits,
  type Words,
} from '../src/ops/reference/philox.ts';
import { compare } from '../src/testing/tolerance.ts';
import { evaluate, type Node, type Type, type Unit } from './support/arithmetic/nodes.ts';
import { fused, type Regrouping, regrouped } from './support/arithmetic/regroup.ts';
import { Library, type Value } from './support/arithmetic/trace.ts';
import { apply, draw, trials } from './support/domains.ts';
import { numericsTrials } from './support/numerics.ts';
import { bounded } from './support/oracle.ts';

const REGROUPINGS: readonly Regrouping[] = [
  'as written',
  'common factors',
  'reversed',
  'numbers last',
];
const UNITS: readonly Unit[] = [
  { isFused: false, flushes: false },
  { isFused: true, flushes: false },
  { isFused: true, flushes: true },
];

/** What each arithmetic makes of a function's results, with its name. */
function* everyArithmetic(
  library: Library,
  results: readonly Node[],
  given: readonly ArrayLike<number>[],
): Generator<{ arithmetic: string; values: Float64Array[] }> {
  for (const regrouping of REGROUPINGS) {
    const rewritten = regrouped(library.graph, results, regrouping);
    for (const unit of UNITS) {
      const roots = unit.isFused ? fused(library.graph, rewritten) : rewritten;
      const arithmetic = `${regrouping}, ${unit.isFused ? 'fused' : 'parted'}${unit.flushes ? ', flushed' : ''}`;
      yield { arithmetic, values: roots.map((root) => evaluate(root, unit, given)) };
    }
  }
}

const libraries = new Map<string, Library>();

function libraryOf(module: string): Library {
  const have = libraries.get(module) ?? new Library(specialize(shaderNamed(module)));
  libraries.set(module, have);
  return have;
}

/** A function of quads, all lanes alike. */
function traced(library: Library, fn: string, inputs: readonly Type[]): Node {
  const args = inputs.map((type, i): Value => Array(4).fill(library.graph.given(type, i)));
  return (library.call(fn, args) as readonly Node[])[0] as Node;
}

interface Expected {
  readonly value: ArrayLike<number>;
  readonly error: ArrayLike<number>;
}

function holds(
  module: string,
  fn: string,
  type: Type,
  given: readonly ArrayLike<number>[],
  { value, error }: Expected,
): void {
  const library = libraryOf(module);
  const result = traced(
    library,
    fn,
    given.map(() => type),
  );
  // Denormal numbers may count as 0.
  const absolute = Float64Array.from(error, (bound) => bound + 2 ** -126);
  for (const { arithmetic, values } of everyArithmetic(library, [result], given)) {
    const { pass, message } = compare(values[0], value, { absolute });
    expect(pass, `${fn}, ${arithmetic}: ${message}`).toBe(true);
  }
}

const within = (value: Float64Array, { absolute, relative }: Bound): Expected => ({
  value,
  error: value.map((x) => absolute + relative * Math.abs(x)),
});

/** Words without a pattern, and those at the edges. */
const words = Uint32Array.from({ length: 4096 }, (_, i) => {
  const edges = [0, 1, 2, 511, 512, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 512, 2 ** 32 - 1];
  return edges[i] ?? Math.imul(i + 1, 0x9e3779b1);
});

describe('under every arithmetic', () => {
  test.each(numericsTrials)('%s over its whole range', (fn, reference, x) => {
    holds('lib/numerics', fn, 'f32', [x], within(Float64Array.from(x, reference), bounds[fn]));
  });

  // WGSL's own functions are whatever they are.
  const elementwise = Object.entries(trials).filter(([name, { operands }]) => {
    const { module, fn } = opNamed(name).snippet as Snippet;
    return operands.every((type) => type === 'f32') && libraryOf(module.name).has(fn);
  });
  test.each(elementwise)('the op %s', (name, { domains }) => {
    const inputs = domains.map((_, i) => variable(`${name} ${i}`, [512]));
    const given = domains.map((domain, i) => Float64Array.from(draw(domain, 512, i)));
    const known = new Map<Variable, ArrayLike<number>>(
      inputs.map((x, i) => [x, given[i] as Float64Array]),
    );
    const [expected] = bounded([apply(name, inputs)], known);
    const { fn, module } = opNamed(name).snippet as Snippet;
    const { value, error } = expected as NonNullable<typeof expected>;
    holds(module.name, fn, 'f32', given, { value: value.data, error: error.data });
  });

  test.each([
    ['uniform4', uniformFromBits],
    ['exponential4', exponentialFromBits],
    ['gumbel4', gumbelFromBits],
    ['logistic4', logisticFromBits],
  ] as const)('%s', (fn, reference) => {
    const value = Float64Array.from(words, reference);
    holds('lib/random', fn, 'u32', [words], within(value, bounds[fn]));
  });

  test('normal4', () => {
    const library = libraryOf('lib/random');
    const given = [0, 1, 2, 3].map((i) =>
      words.map((_, k) => words[(k + 97 * i) % 4096] as number),
    );
    const args = given.map((_, i) => library.graph.given('u32', i));
    const results = library.call('normal4', [args]) as readonly Node[];
    const expected = Array.from(words, (_, k) =>
      normalFromBits(...(given.map((lane) => lane[k]) as Words)),
    );
    for (const { arithmetic, values } of everyArithmetic(library, results, given)) {
      values.forEach((lane, i) => {
        const value = expected.map((four) => four[i] as number);
        const { pass, message } = compare(lane, value, bounds.normal4);
        expect(pass, `lane ${i}, ${arithmetic}: ${message}`).toBe(true);
      });
    }
  });

  test.each([0, 1])('Philox, converting: %i', (PHILOX_CONVERTS) => {
    const library = new Library(specialize(libPhilox, { constants: { PHILOX_CONVERTS } }));
    const given = [0, 1, 2, 3, 4, 5].map((i) => words.filter((_, k) => k % 16 === i));
    const [a, b, c, d, e, f] = given.map((_, i) => library.graph.given('u32', i)) as Node[];
    const results = library.call('philox', [
      [a, b, c, d],
      [e, f],
    ] as Value[]) as readonly Node[];
    const expected = Array.from(given[0] as Uint32Array, (_, k) => {
      const [c0, c1, c2, c3, k0, k1] = given.map((lane) => lane[k] as number) as Words & number[];
      return philox([c0, c1, c2, c3], [k0 as number, k1 as number]);
    });
    for (const { arithmetic, values } of everyArithmetic(library, results, given)) {
      values.forEach((lane, i) => {
        expect([...lane], `word ${i}, ${arithmetic}`).toEqual(expected.map((four) => four[i]));
      });
    }
  });
});
