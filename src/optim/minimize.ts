// One optimization step as effects on variables: gradients, safety, update, averages.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { named } from '../graph/tensor.ts';
import { topological } from '../graph/traverse.ts';
import {
  isVariable,
  packedMembers,
  packParameters,
  type Variable,
  variable,
} from '../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  concat,
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
import { type Followed, joinedByTable, targetsOf } from './followed.ts';
import { GroupedUpdate, type ParameterGroup } from './groups.ts';
import type { Optimizer } from './optimizers.ts';
import { movingOf, Turn, type Turns } from './turns.ts';

export interface MinimizeOptions {
  optimizer: Optimizer;
  /** Parameters with another optimizer than the rest: a rate, a decay, a schedule of their own. */
  groups?: readonly ParameterGroup[];
  /** Scales a gradient whose norm is larger down to this norm. */
  clipNorm?: number;
  /** An update whose gradient norm is above this, or not finite, is skipped and counted. */
  skipNorm?: number;
  /** Decay of an exponential moving average of the parameters. */
  ema?: number;
  /** Groups of parameters that take turns. Default: all are updated in every step. */
  turns?: Turns;
  /**
   * Parameters that stay as they are, `model.encoder.parameters()` say: nothing is differentiated for them,
   * and no decay moves them. Running statistics are no parameters, and move all the same.
   */
  frozen?: readonly Variable[];
  /** What else learns by gradients of the loss; its gradients count among those of a norm. */
  also?: readonly Followed[];
}

export interface Minimization {
  /** What a step does, the step counter's advance included. */
  readonly effects: Tensor[];
  /** Scalars worth watching; the rate is that of parameters in no group. */
  readonly gradientNorm: Tensor;
  readonly learningRate: Tensor;
  /** 1, or 0 where the step is to leave everything as it is (float32 scalar). */
  readonly usable: Tensor;
  /** All parameters end to end. */
  readonly parameters: Variable;
  /** Updates done, of each group where they take turns; and updates skipped (float32 scalars). */
  readonly updates: readonly Variable[];
  readonly skipped: Variable;
  /** Which of the groups that take turns owns an element of the parameters; 0 if none do. */
  readonly groupAt: (element: number) => number;
  /** Of `also`: the buffers that they train. */
  readonly tables: readonly Variable[];
  /** Σ decay-weighted parameters; divide by 1 - decay^updates. */
  readonly average: Variable | undefined;
  /** Everything a checkpoint has to hold to continue bit for bit, by name. */
  readonly state: Readonly<Record<string, Variable>>;
}

/**
 * Describes one step that lowers `loss` by changing `parameters`.
 *
 * ```ts
 * const { effects } = optim.minimize(loss, model.parameters(), { optimizer: optim.adam(), clipNorm: 1 });
 * const plan = await runtime.compile({ outputs: { loss }, effects });
 * await plan.run(100);
 * ```
 *
 * @throws LatentGpuError `bad-config` for turns or frozen parameters that are none of `parameters`, or
 *   nothing left to move; for groups of what is none of them, or in two
 */
export function minimize(
  loss: Tensor,
  parameters: readonly Variable[],
  options: MinimizeOptions,
): Minimization {
  const { optimizer, clipNorm, skipNorm = 1e15, ema, also = [] } = options;
  const frozen = frozenOf(options.frozen, parameters, also.length > 0);
  const flat = packParameters(parameters);
  const moving = parameters.filter((parameter) => !frozen.has(parameter));
  const turn = options.turns && new Turn(flat, options.turns, also.length > 0);
  checkReached(loss, [...moving, ...also.map(({ of }) => of)]);
  const all = gradient(loss, [...moving, ...also.map(({ of }) => of)]);
  const packed = packGradient(flat, new Map(moving.map((p, i) => [p, all[i] as Tensor])));
  const beside = joinedByTable(
    also.map((followed, i) => ({ followed, gradient: all[moving.length + i] as Tensor })),
  ).map(({ followed, gradient }) => ({
    followed,
    gradient: turn ? where(turn.active[0], gradient, 0) : gradient,
  }));
  const raw = named(turn ? where(turn.mask, packed, 0) : packed, 'gradient');
  const normSquared = beside.reduce(
    (total, { gradient }) => add(total, sum(square(gradient))),
    sum(square(raw)),
  );
  const gradientNorm = named(sqrt(normSquared), 'gradientNorm');
  const usable = mul(finite(normSquared), less(normSquared, Math.min(3e38, skipNorm ** 2)));
  const clip = clipNorm && minimum(div(clipNorm, add(gradientNorm, 1e-12)), 1);
  const clipped = (g: Tensor) => (clip ? mul(g, clip) : g);

  const updates = turn
    ? turn.active.map((_, g) => variable(`optimizer.updates.${g}`, []))
    : [variable('optimizer.updates', [])];
  const skipped = variable('optimizer.skipped', []);
  const at = toFloat(step);
  const rules = new GroupedUpdate(
    flat,
    optimizer,
    options.groups ?? [],
    also.flatMap(({ table }) => table?.values ?? []),
    at,
  );
  const learningRate = named(rules.rates[0] as Tensor, 'learningRate');
  const state: Record<string, Variable> = {};
  for (const name of rules.state) {
    state[name] = variable(`optimizer.${name}`, [flat.size]);
  }
  const next = rules.update({
    parameters: flat,
    gradient: clipped(raw),
    count: add(turn ? turn.own(updates) : (updates[0] as Variable), 1),
    state,
  });
  const taken = turn ? mul(usable, turn.mask) : usable;
  const moved = frozen.size > 0 ? mul(taken, movingOf(flat, frozen)) : taken;
  const keep = (value: Tensor, old: Tensor) => where(moved, value, old);
  const usableBeside = turn ? mul(usable, turn.active[0]) : usable;
  const updatesBeside = beside.map(({ followed, gradient }) => {
    const rule = rules.ruleOf(followed.table?.values);
    return followed.update(clipped(gradient), { ...rule, usable: usableBeside });
  });
  const newParameters = keep(next.parameters, flat);
  const effects = [
    assign(flat, newParameters),
    ...rules.state.map((name) =>
      assign(state[name] as Variable, keep(next.state[name] as Tensor, state[name] as Variable)),
    ),
    ...updates.map((held, g) =>
      assign(held, add(held, turn ? mul(usable, turn.active[g] as Tensor) : usable)),
    ),
    assign(skipped, add(skipped, sub(1, usable))),
    assign(step, addUint(step, 1)),
    ...updatesBeside.flat(),
  ];
  let average: Variable | undefined;
  if (ema !== undefined) {
    average = variable('average', [flat.size]);
    const next = add(mul(ema, average), mul(1 - ema, newParameters));
    // Of what is frozen as well: it is divided by what all have gathered.
    effects.push(assign(average, where(taken, next, average)));
  }
  const moments = [
    ...Object.entries(state).map(([name, held]) => [`optimizer.${name}`, held] as const),
    ...updatesBeside.flatMap((effects, i) =>
      targetsOf(effects, 'state').map((held) => [`also.${i}.${held.name}`, held] as const),
    ),
  ];
  return {
    effects,
    gradientNorm,
    learningRate,
    usable,
    parameters: flat,
    updates,
    skipped,
    groupAt: (element) => turn?.groupAt(element) ?? 0,
    tables: targetsOf(updatesBeside.flat(), 'buffer'),
    average,
    state: {
      parameters: flat,
      ...Object.fromEntries(moments),
      ...Object.fromEntries(updates.map((held) => [held.name, held])),
      'optimizer.skipped': skipped,
      ...(average && { average }),
      step,
    },
  };
}

/** @throws LatentGpuError `bad-config` */
function frozenOf(
  frozen: readonly Variable[] = [],
  parameters: readonly Variable[],
  isMore: boolean,
): ReadonlySet<Variable> {
  if (!Array.isArray(frozen)) {
    throw new LatentGpuError('bad-config', 'frozen: give a list, model.encoder.parameters()');
  }
  const all = new Set(parameters);
  const stray = frozen.find((parameter) => !all.has(parameter));
  if (stray) {
    throw new LatentGpuError('bad-config', `frozen: ${stray} is none of the model's parameters`);
  }
  const found = new Set(frozen);
  if (found.size === 0 || found.size < all.size || isMore) return found;
  throw new LatentGpuError(
    'bad-config',
    'frozen: all parameters are, and nothing is left to train',
  );
}

/** @throws LatentGpuError `bad-config` for a loss that none of what learns has a part in */
function checkReached(loss: Tensor, learning: readonly Tensor[]): void {
  const reached = new Set(topological([loss]));
  if (learning.some((each) => reached.has(each))) return;
  const stray = [...reached].find((each) => isVariable(each) && each.role === 'parameter');
  const other = stray ? `, and on ${stray}, which is no field of the model` : '';
  throw new LatentGpuError(
    'bad-config',
    `the loss hangs on none of the parameters that are to learn${other}; nothing could be learned`,
  );
}

/** Gradients end to end, in the layout of the flat parameters; zeros between them and where there is none. */
function packGradient(flat: Variable, gradients: ReadonlyMap<Variable, Tensor>): Tensor {
  const parts: Tensor[] = [];
  let at = 0;
  for (const member of packedMembers(flat)) {
    const own = gradients.get(member);
    if (!own) continue;
    const offset = member.parent?.offset as number;
    if (offset > at) parts.push(zeros([offset - at]));
    parts.push(reshape(own, [member.size]));
    at = offset + member.size;
  }
  if (at < flat.size) parts.push(zeros([flat.size - at]));
  return concat(parts, 0);
}
