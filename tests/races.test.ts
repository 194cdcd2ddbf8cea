// Kernels that share workgroup memory, run on the CPU by a detector of missing barriers.
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../src/graph/tensor.ts';
import { input } from '../src/graph/variable.ts';
import { chooseMatmul } from '../src/kernels/matmul.ts';
import {
  cholesky as choleskyShader,
  libLuColumnsQuads,
  libRunningLogsumexp,
  libRunningSum,
  luInverse,
  putLines,
  scan as scanShader,
  sortRuns,
  triangularInverse,
} from '../src/kernels/shaders.gen.ts';
import { specialize } from '../src/kernels/specialize.ts';
import { logSumExp, max, sum } from '../src/ops/index.ts';
import { schedule } from '../src/scheduler/index.ts';
import { type AdapterClass, defaultAdapterClass } from '../src/scheduler/lower/adapter.ts';
import { type Bindings, findRaces, reflect } from '../src/testing/index.ts';

/** Races with every barrier in place, and with one barrier taken out: none, and some. */
function check(code: string, dispatch: readonly number[], bindings: Bindings): void {
  const find = (text: string) => findRaces({ code: text, bindings, dispatch });
  expect(find(code).map(({ message }) => message)).toEqual([]);
  expect(find(code.replaceAll('workgroupBarrier();', '')).length).toBeGreaterThan(0);
}

/** Small whole numbers. */
const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => i % 7);

/** The one kernel that computes `y`. */
function checkPlanned(y: Tensor, adapter: AdapterClass, by: RegExp): void {
  const { kernels } = schedule({ outputs: { y } }, adapter);
  expect(kernels.length).toBe(1);
  const { code, dispatch, variant } = kernels[0] as (typeof kernels)[number];
  expect(variant).toMatch(by);
  // The scheduler names its buffers as it likes.
  const { bindings } = reflect({ label: variant, code });
  const values = bindings.map(({ name, access, size }) => {
    return [name, access === 'read' ? numbers(size / 4) : new Float32Array(size / 4)] as const;
  });
  check(code, dispatch, Object.fromEntries(values));
}

describe('races', () => {
  it.each(['tiled-32x32', 'tiled-64x64', 'tiled-16x64', 'tiled-64x16', 'tiled-64x64-few'])(
    '%s has none in any layout',
    (variant) => {
      const [m, n, k] = [33, 34, 20];
      for (const [left, right] of [
        [false, false],
        [false, true],
        [true, false],
      ] as const) {
        const [a, b] = [left ? 36 : k, right ? k : 36];
        const problem = {
          batch: 1,
          m,
          n,
          k,
          a: { transposed: left, ld: a, offset: 0, batchStride: 0, size: a * (left ? k : m) },
          b: { transposed: right, ld: b, offset: 0, batchStride: 0, size: b * (right ? n : k) },
          sumA: true,
        };
        const { shader, constants, hooks, imports, dispatch } = chooseMatmul(
          problem,
          defaultAdapterClass,
          variant,
        );
        check(specialize(shader, { constants, hooks, imports }), dispatch, {
          a: numbers(problem.a.size),
          b: numbers(problem.b.size),
          output: new Float32Array(m * 36),
        });
      }
    },
  );

  // The detector exchanges no registers, but which memory is touched does not depend on them.
  const subgroups = { ...defaultAdapterClass, subgroupSize: 4, subgroupFolds: true };
  it.each(
    [sum, max, logSumExp].flatMap((fold) => [
      { fold, adapter: defaultAdapterClass, axis: 1, by: /^\d+ lanes$/ },
      { fold, adapter: subgroups, axis: 1, by: /by subgroups/ },
      { fold, adapter: subgroups, axis: 0, by: /by subgroups/ },
    ]),
  )('$fold.name along axis $axis, $by, has none', ({ fold, adapter, axis, by }) => {
    const x = input('x', axis === 0 ? [70, 3] : [3, 70]);
    checkPlanned(fold(x, axis), adapter, by);
  });

  it('columns that lanes solve together have none', () => {
    const matrix = new Float32Array(64).fill(0.5);
    const columns = { N: 8, BLOCK: 4, LANES: 2, WORKGROUP: 4 };
    const hooks = { cells: libLuColumnsQuads };
    const packed = specialize(luInverse, { constants: columns, hooks });
    const sign = new Float32Array(8).fill(1);
    const rows = Uint32Array.from([3, 1, 2, 0, 5, 4, 7, 6]);
    const triangular = specialize(triangularInverse, { constants: { ...columns, BATCH: 1 } });
    const cholesky = specialize(choleskyShader, { constants: { N: 8, BATCH: 1, WORKGROUP: 4 } });
    const definite = matrix.map((x, at) => (at % 9 === 0 ? 4 : x));
    for (const [code, inputs] of [
      [cholesky, { a: definite, l: new Float32Array(64) }],
      [packed, { factors: matrix, sign, rows, result: new Float32Array(64) }],
      [triangular, { a: matrix, x: new Float32Array(64) }],
    ] as const) {
      const find = (text: string) => findRaces({ code: text, bindings: inputs, dispatch: [1] });
      expect(find(code).map(({ message }) => message)).toEqual([]);
      expect(find(code.replaceAll('storageBarrier();', '')).length).toBeGreaterThan(0);
    }
  });

  it.each([
    { inner: 1, fold: libRunningSum, stage: 24 },
    { inner: 3, fold: libRunningLogsumexp, stage: 1 },
  ])('running folds by $fold.name, $inner side by side, have none', ({ inner, fold, stage }) => {
    const constants = {
      ...{ OUTER: 3, N: 27, INNER: inner, LENGTH: 27, RUN: 3, LANES: 4, WORKGROUP: 8 },
      STAGE: stage,
    };
    const code = specialize(scanShader, { constants, hooks: { fold } });
    const size = 81 * inner;
    check(code, [5], { x: numbers(size), y: new Float32Array(size) });
  });

  it('sorted runs, and elements put to their places, have none', () => {
    const runs = { LINES: 2, N: 13, RUN: 8, KEEP: 8, OUT: 13, WORKGROUP: 8 };
    const code = specialize(sortRuns, { constants: runs });
    const x = Uint32Array.from({ length: 26 }, (_, i) => (7 * i) % 26);
    check(code, [2], { x, result: new Uint32Array(52) });
    const places = { LINES: 2, N: 9, COUNT: 5, LANES: 4, WORKGROUP: 4 };
    const put = specialize(putLines, { constants: places });
    const index = Uint32Array.from({ length: 10 }, (_, i) => (2 * i) % 9);
    const find = (text: string) =>
      findRaces({
        code: text,
        bindings: { x: numbers(10), index, y: new Float32Array(18) },
        dispatch: [2],
      });
    expect(find(put).map(({ message }) => message)).toEqual([]);
    expect(find(put.replaceAll('storageBarrier();', '')).length).toBeGreaterThan(0);
  });

  it('rows within rows, by quads, have none', () => {
    const x = input('x', [3, 5, 7]);
    checkPlanned(logSumExp(sum(x, 2), 1), defaultAdapterClass, /nested by quads/);
  });

  it.each([
    ['for (var t = 1u; t < 8u; t *= 2u) {', ''],
    ['var t = 1u; while (t < 8u) {', 't *= 2u;'],
  ])('a barrier counts at the top of %j', (loop, step) => {
    const code = `
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
var<workgroup> part: array<u32, 8>;
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32) {
  part[i] = x[i];
  ${loop}
    workgroupBarrier(); // comments between
    let before = select(0u, part[i - min(t, i)], i >= t);
    workgroupBarrier();
    part[i] += before;
    ${step}
  }
  y[i] = part[i];
}`;
    check(code, [1], { x: new Uint32Array(8), y: new Uint32Array(8) });
  });

  it('structures are copied as wholes', () => {
    const code = `struct S { a: f32, c: vec2f, b: f32 }
@group(0) @binding(0) var<uniform> s: S;
@group(0) @binding(1) var<storage, read_write> y: array<S>;
@compute @workgroup_size(1) fn main() { y[0] = s; }`;
    const s = { a: 1, c: [2, 3], b: 4 };
    expect(findRaces({ code, bindings: { s, y: [s] }, dispatch: 1 })).toEqual([]);
  });
});
