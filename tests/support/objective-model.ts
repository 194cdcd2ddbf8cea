/** A small model with a code of any kind, and the objective that settings make for it. */
import {
  Bernoulli,
  Normal,
  OneHot,
  StandardNormal,
  UniformOneHot,
} from '../../src/distributions/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input, type Variable } from '../../src/graph/variable.ts';
import { type Batch, MLP, Module } from '../../src/nn/index.ts';
import * as objectives from '../../src/objectives/index.ts';
import { constant, slice } from '../../src/ops/index.ts';
import { flatten, nest, settle } from '../../src/schema/index.ts';
import { reals } from './engine.ts';

export const [B, D] = [4, 5];

export type Kind = 'normal' | 'full' | 'bits' | 'classes';

/** A small model with a code of each kind, and an objective of its own. */
export class Model extends Module implements objectives.LatentModel {
  readonly encoder: MLP;
  readonly decoder: MLP;
  readonly objective: objectives.Objective | undefined;
  private readonly kind: Kind;

  constructor(kind: Kind, objective?: objectives.Objective) {
    super();
    this.kind = kind;
    const widths = { normal: [4, 2], full: [5, 2], bits: [3, 3], classes: [6, 6] } as const;
    const [heads, code] = widths[kind];
    this.encoder = new MLP([D, heads], 'tanh');
    this.decoder = new MLP([code, D], 'tanh');
    this.objective = objective;
  }

  posterior({ x }: Batch) {
    const out = this.encoder.call(x);
    const part = (from: number, to: number) => slice(out, -1, from, to);
    switch (this.kind) {
      case 'normal':
        return new Normal(part(0, 2), part(2, 4));
      case 'full':
        return new objectives.FullPosterior(part(0, 2), part(2, 4), part(4, 5));
      case 'bits':
        return new Bernoulli(out);
      case 'classes':
        return new OneHot(out, 3);
    }
  }

  decode(z: Tensor): Bernoulli {
    return new Bernoulli(this.decoder.call(z));
  }

  prior() {
    if (this.kind === 'bits') return new Bernoulli(constant(0.4));
    return this.kind === 'classes' ? new UniformOneHot(2, 3) : new StandardNormal([2]);
  }
}

export const traits = {
  normal: { features: D },
  full: { features: D, posterior: 'full' },
  bits: { features: D, code: 'bernoulli', groups: 3 },
  classes: { features: D, code: 'categorical', groups: 2, classes: 3 },
} as const satisfies Record<Kind, objectives.ObjectiveTraits>;

/** Settled keys, as a command line gives them. */
export function configOf(kind: Kind, given: Record<string, unknown>): objectives.ObjectiveConfig {
  const { code = 'normal', posterior = 'normal' } = traits[kind] as objectives.ObjectiveTraits;
  const values = settle(
    objectives.OBJECTIVE_KEYS,
    flatten(objectives.OBJECTIVE_KEYS, { objective: given }, '--set'),
    { 'code.kind': code, 'posterior.kind': posterior },
  );
  return (nest(values) as { objective: objectives.ObjectiveConfig }).objective;
}

export function built(kind: Kind, given: Record<string, unknown>) {
  const objective = new objectives.Objective(configOf(kind, given), traits[kind]);
  const model = new Model(kind, objective);
  const [x, epoch] = [input('x', [B, D]), input('epoch', [])];
  const terms = objective.of(model, { x, epoch });
  const values = new Map<Variable, ArrayLike<number>>([
    [x, reals('x', B * D, 0, 1)],
    [epoch, [1.5]],
  ]);
  for (const [name, p] of model.namedParameters()) values.set(p, reals(name, p.size, -0.8, 0.8));
  for (const [, buffer] of model.namedBuffers()) values.set(buffer, [0.3]);
  for (const { tensor, value } of Object.values(objective.live)) values.set(tensor, [value]);
  return { objective, model, terms, values };
}
