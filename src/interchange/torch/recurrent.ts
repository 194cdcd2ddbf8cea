// Recurrent units as functions of their series, in functions.py.
import type { Tensor } from '../../graph/tensor.ts';
import { unitsOf } from '../recurrent.ts';
import { call, type Expression, method } from './expression.ts';
import { type Lowering, unlike } from './lowering.ts';

/** What is shown of the states, [B, 1 + T, H]. */
function states(to: Lowering, node: Tensor): Expression {
  const units = unitsOf(node);
  if (!units) throw unlike(`the op '${node.op.name}' of what is no layer`);
  const { x, isRepeated, steps, weightIh, weightHh, biasIh, biasHh, start } = units;
  const [rows, width] = [to.extents(start)[0] as string, weightIh.shape[1] as number];
  const own = to.operand(x, node);
  const each = [rows, isRepeated ? '1' : String(steps), String(width)];
  const isSeries = to.extents(x).join() === each.join();
  const series = isSeries ? own : method(own, 'reshape', ...each);
  const told = isRepeated ? method(series, 'expand', '-1', String(steps), '-1') : series;
  const held = [weightIh, weightHh, biasIh, biasHh].map((tensor) => to.operand(tensor, node).text);
  return call(to.helper(node.op.name), told.text, to.whole(start, node), ...held);
}

export const RECURRENT_ROWS = { gru: states, lstm: states } as const;
