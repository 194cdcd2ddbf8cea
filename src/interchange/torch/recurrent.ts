// Recurrent units as functions of their series, in functions.py.
import type { Tensor } from '../../graph/tensor.ts';
import { type Product, type Units, unitsOf } from '../recurrent.ts';
import { atom, call, type Expression, method } from './expression.ts';
import { type Lowering, unlike } from './lowering.ts';

/** What is shown of the states, [B, 1 + T, H]. */
function states(to: Lowering, node: Tensor): Expression {
  const units = unitsOf(node);
  if (!units) throw unlike(`the op '${node.op.name}' of what is no layer`);
  const { products, weightHh, biasIh, biasHh, start } = units;
  const text = (tensor: Tensor) => to.operand(tensor, node).text;
  const weightIh = beside(
    products.map(({ weight }) => atom(text(weight))),
    1,
  );
  const held = [weightIh.text, ...[weightHh, biasIh, biasHh].map(text)];
  return call(to.helper(node.op.name), series(to, node, units), to.whole(start, node), ...held);
}

const beside = (parts: readonly Expression[], axis: number): Expression =>
  parts.length === 1
    ? (parts[0] as Expression)
    : call('torch.cat', `[${parts.map(({ text }) => text).join(', ')}]`, String(axis));

/** x of every step, [B, T, I], what is told beside it among its numbers. */
function series(to: Lowering, node: Tensor, units: Units): string {
  const { products, sum, isRepeated, steps, start } = units;
  const rows = to.extents(start)[0] as string;
  const width = products.reduce((all, { weight }) => all + (weight.shape[1] as number), 0);
  const each = [rows, isRepeated ? '1' : String(steps), String(width)];
  const [{ x }, ...more] = products;
  const [own, from] =
    more.length === 0
      ? [to.operand(x, node), to.extents(x)]
      : [
          beside(
            products.map((product) => wide(to, node, product, sum)),
            -1,
          ),
          [...to.extents(sum).slice(0, -1), String(width)],
        ];
  const read = shaped(own, from, each);
  return isRepeated ? method(read, 'expand', '-1', String(steps), '-1').text : read.text;
}

const shaped = (x: Expression, from: readonly string[], shape: readonly string[]): Expression =>
  from.join() === shape.join() ? x : method(x, 'reshape', ...shape);

/** What is multiplied, for each sum. */
function wide(to: Lowering, node: Tensor, { x, weight, made }: Product, sum: Tensor): Expression {
  const width = String(weight.shape[1]);
  const of = (tensor: Tensor) => [...to.extents(tensor).slice(0, -1), width];
  const [own, all] = [of(made), of(sum)];
  const told = x
    ? to.operand(x, node)
    : call('torch.eye', width, `dtype=${to.typeOf}`, `device=${to.deviceOf}`);
  const each = shaped(told, x ? to.extents(x) : [width, width], own);
  return own.join() === all.join() ? each : method(each, 'expand', ...all);
}

export const RECURRENT_ROWS = { gru: states, lstm: states } as const;
