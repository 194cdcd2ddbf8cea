// Which products share a kernel, and whether that kernel's invocations wait for each other. No GPU.
import { describe, expect, it } from 'vitest';
import { Autoregressive, affine, type Mapped } from '../src/flows/index.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { input, variable } from '../src/graph/variable.ts';
import { Linear, MLP } from '../src/nn/index.ts';
import * as o from '../src/ops/index.ts';
import { schedule } from '../src/scheduler/index.ts';
import { type AdapterClass, defaultAdapterClass } from '../src/scheduler/lower/adapter.ts';
import { findRaces, reflect } from '../src/testing/index.ts';
import { scalarOf } from '../src/testing/layout.ts';

const gpu = defaultAdapterClass;
const software: AdapterClass = { ...gpu, isSoftware: true, subgroupSize: 4 };
const classes = [
  ['gpu', gpu],
  ['software', software],
] as const;

const mlp = (m: number, ...widths: number[]): Tensor =>
  new MLP(widths, 'tanh').call(input('x', [m, widths[0] as number]));

function planOf(y: Tensor, adapter: AdapterClass) {
  return schedule({ outputs: { y } }, adapter);
}

/** Races of the one kernel of a program; with `without`, after it has lost its barriers. */
function racesOf(outputs: Record<string, Tensor>, without = false): string[] {
  const { kernels } = schedule({ outputs }, { ...gpu, layers: 'always' });
  expect(kernels.map(({ shader }) => shader)).toEqual(['layers']);
  const [{ code: whole, dispatch }] = kernels as [(typeof kernels)[number]];
  const code = without ? whole.replaceAll('workgroupBarrier();', '') : whole;
  const { bindings } = reflect({ label: 'layers', code });
  const values = bindings.map(({ name, size, layout }) => {
    const isWhole = layout && scalarOf(layout) === 'u32';
    const numbers = isWhole ? new Uint32Array(size / 4) : new Float32Array(size / 4);
    return [name, numbers.map((_, i) => i % 7)] as const;
  });
  const races = findRaces({ code, bindings: Object.fromEntries(values), dispatch });
  return races.map(({ message }) => message);
}

describe('chained layers', () => {
  it.each([
    ['of two layers', () => mlp(3, 6, 9, 5)],
    ['of three', () => mlp(5, 2, 12, 7, 3)],
    ['of many rows', () => mlp(260, 3, 5, 2)],
    ['in parts', () => mlp(2, 3, 8, 150)],
    ['of noise', () => new MLP([5, 9, 70], 'relu').call(o.randomNormal([3, 5]))],
  ])('%s have no races, and would without their barriers', (_, make) => {
    expect(racesOf({ y: make() })).toEqual([]);
    expect(racesOf({ y: make() }, true).length).toBeGreaterThan(0);
  });

  it('have none where an inner layer is kept', () => {
    const x = input('x', [5, 6]);
    const h = new Linear(6, 9).call(x, 'relu');
    expect(racesOf({ h, y: new Linear(9, 70).call(h) })).toEqual([]);
  });

  it('keep to themselves on software adapters, where barriers are slow', () => {
    const [kernel] = planOf(mlp(5, 2, 12, 7, 3), software).kernels;
    expect(kernel?.shader).toBe('layers_subgroup');
    expect(kernel?.code).not.toMatch(/workgroupBarrier|var<workgroup>/);
  });

  it.each(classes)('are one kernel where nets are small, on %s', (_, adapter) => {
    for (const m of [1, 4, 64]) {
      const plan = planOf(mlp(m, 2, 64, 64, 2), adapter);
      expect(plan.kernels.length).toBe(1);
      expect(plan.memory.peakBytes).toBe(Math.ceil((m * 2 * 4) / 16) * 16);
      expect(plan.explain()).toMatch(/layers\w* \(2-64-64-2, \d+ rows/);
    }
  });

  it.each(classes)('are one a product where products are large, on %s', (_, adapter) => {
    expect(planOf(mlp(1024, 784, 512, 512), adapter).kernels.length).toBe(2);
    expect(planOf(mlp(16384, 20, 300, 784), adapter).kernels.length).toBe(2);
    expect(planOf(mlp(4, 784, 2050, 2050), adapter).kernels.length).toBe(2);
  });

  it.each(classes)('start from noise that they draw themselves, on %s', (_, adapter) => {
    const y = new MLP([2, 16, 16, 2], 'relu').call(o.randomNormal([8, 2]));
    expect(planOf(y, adapter).kernels.map(({ label }) => label.split(' ')[0])).toEqual(['normal']);
  });

  it.each(classes)('start from a part of what was put side by side, on %s', (_, adapter) => {
    const x = input('x', [8, 6]);
    const whole = o.concat([o.exp(x), o.square(x)], 1);
    const cut = (axis: number, from: number, to: number) =>
      new Linear(axis === 1 ? to - from : 12, 3).call(o.slice(whole, axis, from, to));
    expect(planOf(cut(1, 6, 12), adapter).kernels.length).toBe(1);
    // No part: all of the concatenation has to be there.
    for (const [axis, from, to] of [
      [1, 5, 11],
      [1, 6, 11],
      [0, 0, 6],
    ] as const) {
      expect(planOf(cut(axis, from, to), adapter).kernels.length).toBe(2);
    }
  });

  it.each(classes)(
    'draw from an autoregressive flow of few coordinates in one plan, on %s',
    (_, adapter) => {
      const flow = (features: number) =>
        new Autoregressive({ features, hidden: [16, 16], transformer: affine() });
      expect(
        flow(4)
          .stages('forward')
          .map((stage) => 'map' in stage),
      ).toEqual([false]);
      const [stage] = flow(2).stages('forward') as [{ map: (z: Tensor) => Mapped }];
      const { value, logDet } = stage.map(input('z', [8, 2]));
      const count = (layers?: 'never') =>
        schedule({ outputs: { value, logDet } }, { ...adapter, ...(layers && { layers }) }).kernels
          .length;
      expect(count()).toBeLessThanOrEqual(count('never') - 3);
    },
  );

  it.each(classes)('can be turned off and on, on %s', (_, adapter) => {
    const count = (m: number, layers: 'always' | 'never') =>
      planOf(mlp(m, 20, 30, 40), { ...adapter, layers }).kernels.length;
    expect(count(4, 'never')).toBe(2);
    expect(count(4, 'always')).toBe(1);
    expect(count(16384, 'always')).toBe(1);
  });

  it('leave a product alone that sums its operand, or whose weights differ from batch to batch', () => {
    const adapter: AdapterClass = { ...gpu, layers: 'always' };
    const [x, w] = [variable('x', [3, 5, 4]), variable('w', [3, 4, 6])];
    const y = o.matmul(o.relu(o.matmul(x, w)), variable('v', [6, 2]));
    expect(planOf(y, adapter).kernels.map(({ shader }) => shader)).not.toContain('layers');
  });
});
