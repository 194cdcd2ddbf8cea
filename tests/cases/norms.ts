/** Norms: by their definition in float64, and their gradients. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Variable, variable } from '../../src/graph/variable.ts';
import { GroupNorm, LayerNorm, type Module } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { concurrentCases } from '../rig/cases.ts';
import { check, reals } from '../support/engine.ts';
import { referenceOf } from '../support/run.ts';

interface Norm {
  readonly module: () => Module & { call(x: Tensor): Tensor };
  readonly shape: readonly number[];
  /** Which elements are standardised together, by the place of each. */
  readonly group: (at: number) => number;
}

const norms: Record<string, Norm> = {
  'a layer of five': { module: () => new LayerNorm(5), shape: [3, 5], group: (at) => at / 5 },
  'a layer, axes in front': {
    module: () => new LayerNorm(4),
    shape: [2, 3, 4],
    group: (at) => at / 4,
  },
  'groups of channels of images': {
    module: () => new GroupNorm(2, 6),
    shape: [2, 3, 5, 6],
    group: (at) => 2 * Math.floor(at / 90) + Math.floor((at % 6) / 3),
  },
  'one group': { module: () => new GroupNorm(1, 3), shape: [2, 7, 3], group: (at) => at / 21 },
};

const EPSILON = 1e-5;

concurrentCases('norms', (c) => {
  for (const [name, { module, shape, group }] of Object.entries(norms)) {
    c(name, async (t) => {
      const norm = module();
      const [weight, bias] = norm.parameters() as [Variable, Variable];
      const x = variable('x', shape);
      const values = new Map([x, weight, bias].map((v) => [v, reals(v.name, v.size, -2, 2)]));
      const of = (v: Variable) => values.get(v) as Float32Array;
      const features = weight.size;
      const together = new Map<number, number[]>();
      of(x).forEach((value, at) => {
        const own = Math.floor(group(at));
        together.set(own, [...(together.get(own) ?? []), value]);
      });
      const expected = Array.from(of(x), (value, at) => {
        const own = together.get(Math.floor(group(at))) as number[];
        const mean = own.reduce((a, b) => a + b, 0) / own.length;
        const variance = own.reduce((sum, each) => sum + (each - mean) ** 2, 0) / own.length;
        const scale = of(weight)[at % features] as number;
        const shift = of(bias)[at % features] as number;
        return (scale * (value - mean)) / Math.sqrt(variance + EPSILON) + shift;
      });
      const y = norm.call(x);
      t.close(referenceOf({ y }, values).y, expected, { absolute: 1e-12 });
      const weighing = variable('weighing', shape);
      values.set(weighing, reals('weighing', weighing.size, -1, 1));
      const loss = o.sum(o.mul(weighing, y));
      const wrt = [x, weight, bias];
      const gradients = o.gradient(loss, wrt);
      const named = Object.fromEntries(gradients.map((g, i) => [`of ${wrt[i]?.name}`, g]));
      await check(t, { outputs: { y, ...named } }, values);
      // Central differences of the reference: the derivative is the derivative.
      const slopes = referenceOf(named, values);
      const at = (own: Map<Variable, ArrayLike<number>>) =>
        referenceOf({ loss }, own as never).loss[0] as number;
      for (const v of wrt) {
        for (let i = 0; i < v.size; i += 7) {
          const moved = (by: number) => {
            const own = Float64Array.from(of(v));
            own[i] = (own[i] as number) + by;
            return at(new Map<Variable, ArrayLike<number>>([...values, [v, own]]));
          };
          const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
          t.close([slopes[`of ${v.name}`]?.[i] as number], [slope], {
            absolute: 1e-6,
            relative: 1e-6,
          });
        }
      }
    });
  }
});
