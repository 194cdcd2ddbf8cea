// One optimization step as effects on variables: gradients, safety, update, averages.
import type { Tensor } from '../graph/tensor.ts';
import { named } from '../graph/tensor.ts';
import { packedMembers, packParameters, type Variable, variable } from '../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  concat,
  constant,
  div,
  finite,
  gradient,
  less,
  minimum,
  mul,
  reshape,
  sqrt,
  square,
  step,
  sub,
  sum,
  toFloat,
  where,
  zeros,
} from '../ops/index.ts';
import type { Optimizer } from './optimizers.ts';

export interface MinimizeOptions {
  optimizer: Optimizer;
  /** Scales a gradient whose norm is larger down to this norm. */
  clipNorm?: number;
  /** An update whose gradient norm is above this, or not finite, is skipped and counted. */
  skipNorm?: number;
  /** Decay of an exponential moving average of the parameters. */
  ema?: number;
}

export interface Minimization {
  /** What a step does, the step counter's advance included. */
  readonly effects: Tensor[];
  /** Scalars worth watching. */
  readonly gradientNorm: Tensor;
  readonly learningRate: Tensor;
  /** All parameters end to end. */
  readonly parameters: Variable;
  /** Updates done, and updates skipped (float32 scalars). */
  readonly updates: Variable;
  readonly skipped: Variable;
  /** Σ decay-weighted parameters; divide by 1 - decay^updates. */
  readonly average: Variable | undefined;
  /** Everything a checkpoint has to hold to continue bit for bit, by name. */
  readonly state: Readonly<Record<string, Variable>>;
}

/** Describes one step that lowers `loss` by changing `parameters`. */
export function minimize(
  loss: Tensor,
  parameters: readonly Variable[],
  options: MinimizeOptions,
): Minimization {
  const { optimizer, clipNorm, skipNorm = 1e15, ema } = options;
  const flat = packParameters(parameters);
  const raw = named(packGradient(flat, gradient(loss, parameters)), 'gradient');
  const normSquared = sum(square(raw));
  const gradientNorm = named(sqrt(normSquared), 'gradientNorm');
  const usable = mul(finite(normSquared), less(normSquared, Math.min(3e38, skipNorm ** 2)));
  const clipped = clipNorm ? mul(raw, minimum(div(clipNorm, add(gradientNorm, 1e-12)), 1)) : raw;

  const updates = variable('optimizer.updates', []);
  const skipped = variable('optimizer.skipped', []);
  const at = toFloat(step);
  const learningRate = named(
    typeof optimizer.learningRate === 'number'
      ? constant(optimizer.learningRate)
      : optimizer.learningRate(at),
    'learningRate',
  );
  const state: Record<string, Variable> = {};
  for (const name of optimizer.state) {
    state[name] = variable(`optimizer.${name}`, [flat.size]);
  }
  const next = optimizer.update({
    parameters: flat,
    gradient: clipped,
    learningRate,
    count: add(updates, 1),
    state,
  });
  const keep = (value: Tensor, old: Tensor) => where(usable, value, old);
  const newParameters = keep(next.parameters, flat);
  const effects = [
    assign(flat, newParameters),
    ...optimizer.state.map((name) =>
      assign(state[name] as Variable, keep(next.state[name] as Tensor, state[name] as Variable)),
    ),
    assign(updates, add(updates, usable)),
    assign(skipped, add(skipped, sub(1, usable))),
    assign(step, addUint(step, 1)),
  ];
  let average: Variable | undefined;
  if (ema !== undefined) {
    average = variable('average', [flat.size]);
    const moved = add(mul(ema, average), mul(1 - ema, newParameters));
    effects.push(assign(average, keep(moved, average)));
  }
  const all = Object.fromEntries(Object.entries(state).map(([k, v]) => [`optimizer.${k}`, v]));
  return {
    effects,
    gradientNorm,
    learningRate,
    parameters: flat,
    updates,
    skipped,
    average,
    state: {
      parameters: flat,
      ...all,
      'optimizer.updates': updates,
      'optimizer.skipped': skipped,
      ...(average && { average }),
      step,
    },
  };
}

/** Gradients end to end, in the layout of the flat parameters; zeros between the parts. */
function packGradient(flat: Variable, gradients: readonly Tensor[]): Tensor {
  const parts: Tensor[] = [];
  let at = 0;
  packedMembers(flat).forEach((member, i) => {
    const offset = member.parent?.offset as number;
    if (offset > at) parts.push(zeros([offset - at]));
    parts.push(reshape(gradients[i] as Tensor, [member.size]));
    at = offset + member.size;
  });
  if (at < flat.size) parts.push(zeros([flat.size - at]));
  return concat(parts, 0);
}
