// A model's loss, and what comes before its first step, as the body of Python methods.
import type { Tensor } from '../../graph/tensor.ts';
import { input, type Variable } from '../../graph/variable.ts';
import type { Model } from '../../models/index.ts';
import type { Batch } from '../../nn/index.ts';
import { mean, seed, step } from '../../ops/index.ts';
import type { LossTerms } from '../../optim/index.ts';
import { rowCounts } from '../graphs.ts';
import type { Holdings } from './holdings.ts';
import { Lowering, type Twins, unlike } from './lowering.ts';
import { snake } from './names.ts';
import { TABLE } from './table.ts';

export interface Method {
  readonly lines: readonly string[];
  readonly helpers: ReadonlySet<string>;
  /** What of a batch it reads beside x. */
  readonly reads: readonly string[];
}

/** What a batch is fed as. */
type Fed = Batch & { readonly step: Tensor };

/** What is lowered in training: of a model that learns by passes, what its evaluation tells first. */
export function lossOf(model: Model, batch: Batch): LossTerms {
  const { learner } = model;
  if (!('sweep' in learner)) return learner.loss(batch);
  const [first] = model.can.quantities?.(batch) ?? [];
  if (!first) throw unlike('passes over the data and nothing that is told of a row');
  return { loss: mean(first.of) };
}

function fedOf({ features }: Model, rows: number): Fed {
  return {
    x: input('x', [rows, features]),
    labels: input('labels', [rows], 'u32'),
    epoch: input('epoch', []),
    step,
  };
}

/** Both graphs, on batches of two sizes. */
function twins<T>(
  model: Model,
  make: (batch: Batch) => T,
): readonly [Fed, Fed, T, T, [number, number]] {
  const rows = rowCounts(
    [...model.parameters(), ...model.namedBuffers().map(([, b]) => b)],
    model.features,
  );
  const [a, b] = rows;
  if (a === undefined || b === undefined) throw unlike('extents that are those of its rows');
  const [first, second] = [fedOf(model, a), fedOf(model, b)];
  return [first, second, make(first), make(second), [a, b]];
}

const READ = ['x', 'labels', 'epoch', 'step'] as const;

function lowered(fed: Fed, roots: Twins['roots'], rows: [number, number], holdings: Holdings) {
  const names = new Map(READ.map((name) => [fed[name] as Tensor, name as string]));
  // The seed is that of PyTorch.
  names.set(seed, 'seed');
  const lowering = new Lowering(
    { rows, roots },
    {
      table: TABLE,
      fed: names,
      variables: (variable) => holdings.expression(variable),
    },
  );
  const text = lowering.lines.join('\n');
  const reads = READ.slice(1).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  const counts = /\bB\b/.test(text) ? ['B = x.shape[0]'] : [];
  const fetched = ['x', ...reads].map((name) => `${name} = batch["${name}"]`);
  const noise = /\bnoise\./.test(text) ? ['noise = Noise(x, noise)'] : [];
  return {
    lines: [...fetched, ...counts, ...noise, ...lowering.lines],
    helpers: lowering.helpers,
    reads,
  };
}

/** What an effect leaves where. */
const targetOf = (effect: Tensor): Variable => {
  if (effect.op.kind === 'assign') return effect.attrs.target as Variable;
  throw unlike(`an effect '${effect.op.name}'`);
};

/** `terms`: the loss, what is lowered in its place, metrics, and what the step leaves behind. */
export function lossMethod(model: Model, holdings: Holdings): Method {
  const [fed, , a, b, rows] = twins(model, (batch) => lossOf(model, batch));
  if ((a.also ?? []).length > 0)
    throw unlike('numbers of each training row, which learn beside the parameters');
  const named = ({ loss, surrogate, metrics = {} }: LossTerms): [string, Tensor][] => [
    ['loss', loss],
    ...(surrogate && surrogate !== loss ? [['surrogate', surrogate] as [string, Tensor]] : []),
    ...Object.entries(metrics).map(([name, of]): [string, Tensor] => [snake(name), of]),
  ];
  const others = named(b);
  const terms = named(a);
  const effects = a.effects ?? [];
  const roots: [string, Tensor, Tensor][] = [
    ...terms.map(([name, of], i): [string, Tensor, Tensor] => [name, of, others[i]?.[1] as Tensor]),
    ...effects.map((effect, i): [string, Tensor, Tensor] => [
      `next_${snake(targetOf(effect).name.replace(/^.*\./, ''))}`,
      effect.inputs[0] as Tensor,
      b.effects?.[i]?.inputs[0] as Tensor,
    ]),
  ];
  const method = lowered(fed, roots, rows, holdings);
  const left = effects.map(
    (effect, i) =>
      `(${holdings.expression(targetOf(effect))}, ${roots[terms.length + i]?.[0]}.detach())`,
  );
  const leaves =
    left.length > 0 ? ['if self.training:', `    self.left = [${left.join(', ')}]`] : [];
  const result = terms.map(([name]) => `"${name}": ${name}`).join(', ');
  return { ...method, lines: [...method.lines, ...leaves, `return {${result}}`] };
}

/** `start`: what is done once with the first batch. */
export function startMethod(model: Model, holdings: Holdings): Method | undefined {
  const { learner } = model;
  const [fed, , a, b, rows] = twins(model, (batch) => learner.start?.(batch) ?? []);
  if (a.length === 0) return undefined;
  const roots = a.map((effect, i): [string, Tensor, Tensor] => [
    `first_${snake(targetOf(effect).name)}`,
    effect.inputs[0] as Tensor,
    b[i]?.inputs[0] as Tensor,
  ]);
  const method = lowered(fed, roots, rows, holdings);
  const copies = a.map(
    (effect, i) => `${holdings.expression(targetOf(effect))}.copy_(${roots[i]?.[0]})`,
  );
  return { ...method, lines: [...method.lines, ...copies] };
}
