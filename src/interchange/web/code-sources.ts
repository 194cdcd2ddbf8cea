// Where the codes of a program come from: a model's own prior, or a density that was fitted to them.
import type { Tensor } from '../../graph/tensor.ts';
import { input } from '../../graph/variable.ts';
import { type DrawAbility, need } from '../../models/index.ts';
import { add, concat, expand, mul, randomNormal, slice } from '../../ops/index.ts';
import type { CodeDensity } from '../../training/code-density.ts';
import type { Lowering } from './lowering.ts';

/** A part that draws codes, and what its streams are called by: `clusterMean`. */
export interface CodeSource {
  readonly part: 'codes' | 'clusters';
  readonly prefix: '' | 'cluster';
  /** [B, M]. */
  make(): Tensor;
}

/** @param size of a code, M */
export function ownSources(
  draw: DrawAbility,
  size: number,
  to: Lowering,
  rows: number,
): CodeSource[] {
  return [
    { part: 'codes', prefix: '', make: () => draw.codes(noiseOf(draw, size, to, rows)) },
    ...ofGroups(draw, to, rows, (codes) => codes),
  ];
}

/** Draws of a fitted density, as `sample --prior fitted` makes them. */
export function fittedSources(
  { model, standardization }: CodeDensity,
  to: Lowering,
  rows: number,
): CodeSource[] {
  const row = (values: ArrayLike<number>, name: string) => {
    const held = input(name, [values.length]);
    to.bind(held, to.weight(`fitted.standardize.${name}`, held, values));
    return held;
  };
  const inUnits = (codes: Tensor) =>
    add(mul(codes, row(standardization.std, 'std')), row(standardization.mean, 'mean'));
  const { bijection } = model.can;
  if (bijection) {
    const { flow } = bijection;
    const heat = input('temperature', []);
    to.input('temperature', heat);
    const make = () =>
      inUnits(flow.bijection.forward(flow.base.draw([rows], { temperature: heat }).value).value);
    return [{ part: 'codes', prefix: '', make }];
  }
  const draw = need(model, 'draw', 'the fitted prior');
  const decode = need(model, 'decode', 'the fitted prior');
  const drawn = (codes: Tensor) => inUnits(decode.draw?.(codes) ?? decode.mean(codes));
  const size = need(model, 'code', 'the fitted prior').size;
  const make = () => drawn(draw.codes(randomNormal([rows, size])));
  return [{ part: 'codes', prefix: '', make }, ...ofGroups(draw, to, rows, drawn)];
}

/** Noise of codes; of layers of them, each at its temperature. */
export function noiseOf({ layers }: DrawAbility, size: number, to: Lowering, rows: number): Tensor {
  const noise = randomNormal([rows, size]);
  if (!layers) return noise;
  const heat = input('temperatures', [layers.length]);
  to.input('temperatures', heat);
  const scale = layers.map((own, l) => expand(slice(heat, 0, l, l + 1), [own]));
  return mul(noise, concat(scale, 0));
}

function ofGroups(
  { groups }: DrawAbility,
  to: Lowering,
  rows: number,
  drawn: (codes: Tensor) => Tensor,
): CodeSource[] {
  if (!groups) return [];
  const chosen = input('chosen', [rows, groups.count]);
  to.input('chosen', chosen);
  return [{ part: 'clusters', prefix: 'cluster', make: () => drawn(groups.codes(chosen)) }];
}
