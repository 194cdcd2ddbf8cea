/**
 * The cases that a slow engine is asked in every run: what differs between engines (shaders, limits,
 * losses, readings), every family of ops and kernels once, training and its resumption. With
 * `LATENTGPU_TEST_CASES=all` every case.
 */
import type { Case } from './cases.ts';

/** Suites, with those of their cases that are selected. */
const SELECTED: Readonly<Record<string, RegExp>> = {
  device: /./,
  shaders: /./,
  'kernels by themselves': /^Philox|^every product variant/,
  'ops, elementwise': /^all, in quads|\[5, 7\]/,
  products: /^of all sizes and layouts, gpu/,
  reductions: /^of long rows, cut into parts/,
  'random numbers': /^are those of the reference, |^repeat with the seed/,
  gradients: /^of every elementwise op/,
  'own shaders': /^inverts triangular matrices of every kind/,
  'chained layers': /^every activation/,
  distributions: /^normal/,
  certificates: /^(LU, odd|half coupling, affine|MAF, spline)$/,
  'flow training': /^starts from data/,
  trainer: /^the same seed|^a state taken in the middle/,
  'a model of your own': /./,
  // Firefox looks at the GPU ten times a second: whatever reads often takes long there.
  faults: /: silent$/,
};

/** @param but suites that are not asked, selected or not */
export function selected(cases: readonly Case[], but: readonly string[] = []): Case[] {
  const asked = cases.filter(({ suite }) => !but.includes(suite));
  if (process.env.LATENTGPU_TEST_CASES === 'all') return asked;
  const list = asked.filter(({ suite, name }) => SELECTED[suite]?.test(name));
  const missing = Object.keys(SELECTED).filter(
    (name) => !but.includes(name) && !list.some(({ suite }) => suite === name),
  );
  if (missing.length > 0) throw new Error(`no case is called so: ${missing.join(', ')}`);
  return list;
}

/**
 * Suites that vary what a program computes, for minutes. Chrome compiles WGSL and runs it by the same Dawn
 * as Node.js, where all of their cases are run; in its page each is asked for what is selected, or one case.
 */
const VARIED = new Set([
  'batch normalisation',
  'beyond range',
  'bounds',
  'causal nets',
  'certificates',
  'chained layers',
  'choosing',
  'classes that a model is told',
  'codes in layers',
  'codes of a batch together',
  'convolutions',
  'distributions',
  'embeddings',
  'estimators',
  'evaluation',
  'flow training',
  'flows',
  'flows in a VAE',
  'fusion',
  'gradients',
  'groups of parameters',
  'half weights',
  'inference by gradients',
  'masked nets',
  'missing values',
  'models',
  'norms',
  'objectives',
  'ops, elementwise',
  'own shaders',
  'passages',
  'Poisson draws',
  'posteriors',
  'products',
  'random numbers',
  'reductions',
  'rows within rows',
  'running folds',
  'scans',
  'scatterRows',
  'segments',
  'shared dispatches',
  'sorting',
  'subgroup folds',
  'variational flows',
]);

/** Cases of other suites that vary a program, or do what tests/demo-bench.test.ts does in the same browser. */
const VARIATIONS: Readonly<Record<string, RegExp>> = {
  faults: /, with streamed data$/,
  leaks: /^10,000 steps/,
  attention: /^of heads/,
  'kernels by themselves': /^every product variant/,
  tuning: /^every candidate/,
  bench: /^measures numbers that hold together|^draws cost against size/,
};

/** What an engine is asked that differs from Node.js in everything but Dawn. */
export function selectedForDawn(cases: readonly Case[]): Case[] {
  if (process.env.LATENTGPU_TEST_CASES === 'all') return [...cases];
  const missing = [
    ...[...VARIED].filter((name) => !cases.some(({ suite }) => suite === name)),
    ...Object.entries(VARIATIONS)
      .filter(([name, of]) => !cases.some((each) => each.suite === name && of.test(each.name)))
      .map(([name]) => name),
  ];
  if (missing.length > 0) throw new Error(`nothing is called so: ${missing.join(', ')}`);
  return cases.filter(({ suite, name }, i) => {
    if (VARIATIONS[suite]?.test(name)) return false;
    if (!VARIED.has(suite)) return true;
    const isFirst = cases.findIndex((other) => other.suite === suite) === i;
    return SELECTED[suite]?.test(name) ?? isFirst;
  });
}
