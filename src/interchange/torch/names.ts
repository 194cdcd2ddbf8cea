// What values are called in Python: after what they are to whoever uses them.
import type { Tensor } from '../../graph/tensor.ts';

const KEYWORDS =
  'False None True and as assert async await break class continue def del elif else except finally for ' +
  'from global if import in is lambda nonlocal not or pass raise return try while with yield';
/** What a file has of its own. */
const OWN = 'self batch noise torch math json F nn B Parts Noise';

export const snake = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/^_+|_+$/g, '')
    .replace(/^(?=\d)/, 'n');

/** What an operand is to an op, by its place. */
const ROLES: Readonly<Record<string, readonly (string | undefined)[]>> = {
  reparameterize: ['mean', 'log_std', 'epsilon'],
  normalLogProb: [undefined, 'mean', 'log_std'],
  bernoulliLogProb: ['logits'],
  logisticLogProb: [undefined, 'mean', 'log_scale'],
  discretizedLogisticLogProb: [undefined, 'mean', 'log_scale'],
  studentTLogProb: [undefined, 'mean', 'log_std', 'df'],
  klStandardNormal: ['mean', 'log_std'],
  klNormal: ['mean', 'log_std', 'prior_mean', 'prior_log_std'],
  spline: [undefined, 'parameters'],
};

/** What an op's result is, where its name does not say. */
const RESULTS: Readonly<Record<string, string>> = {
  reparameterize: 'z',
  standardNormalLogProb: 'log_p',
  normalLogProb: 'log_p',
  bernoulliLogProb: 'log_p',
  logisticLogProb: 'log_p',
  discretizedLogisticLogProb: 'log_p',
  studentTLogProb: 'log_p',
  klStandardNormal: 'kl',
  klNormal: 'kl',
  logSumExp: 'log_sum',
  sum: 'total',
  max: 'most',
  add: 'sum',
  sub: 'difference',
  mul: 'product',
  matmul: 'product',
  batchNorm: 'standard',
  div: 'ratio',
  neg: 'minus',
  expand: 'spread',
  reshape: 'shaped',
  transpose: 'turned',
  slice: 'part',
  concat: 'joined',
  normal: 'epsilon',
  uniform: 'uniform',
  gumbel: 'gumbel',
  logistic: 'logistic',
  luMatrix: 'matrix',
  iota: 'places',
  gru: 'states',
  lstm: 'states',
  scaleGradient: 'held',
  stopGradient: 'given',
};

export class Names {
  private readonly taken = new Set([...KEYWORDS.split(' '), ...OWN.split(' ')]);

  constructor(taken: Iterable<string> = []) {
    for (const name of taken) this.taken.add(name);
  }

  /** A name that nobody has: the given one, or with a number after it. */
  free(name: string): string {
    let found = name;
    for (let n = 2; this.taken.has(found); n++) found = `${name}_${n}`;
    this.taken.add(found);
    return found;
  }

  /**
   * @param layer path of the layer whose result it is
   * @param users who read it
   * @param isShown whether an operand has no name of its own, and may lend it
   */
  of(
    node: Tensor,
    layer: string | undefined,
    users: readonly Tensor[],
    isShown: (x: Tensor) => boolean,
  ): string {
    const role = users
      .map((user) => ROLES[user.op.name]?.[user.inputs.indexOf(node)])
      .find((name) => name !== undefined);
    let of = node;
    while (SUMMARIES.has(of.op.name) && isShown(of.inputs[0] as Tensor))
      of = of.inputs[0] as Tensor;
    const is = role ?? layer ?? RESULTS[of.op.name] ?? of.op.name;
    return this.free(snake(node.name || is));
  }
}

/** Ops whose result is what they are made of, in another form. */
const SUMMARIES = new Set(['sum', 'reshape', 'expand', 'transpose', 'stopGradient', 'slice']);
