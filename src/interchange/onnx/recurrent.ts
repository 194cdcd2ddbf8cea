// Recurrent units as nodes GRU and LSTM, whose axes are [T, 1, B, H] and whose gates stand in another order.
import type { Tensor } from '../../graph/tensor.ts';
import { concat, reshape, slice, transpose } from '../../ops/index.ts';
import { seriesOf, type Units, unitsOf, weightIhOf } from '../recurrent.ts';
import { type Lowering, unlike } from './lowering.ts';

/** Where ONNX's gates stand here: z r n of r z n, and i o f g of i f g o. */
const CELLS = {
  gru: { node: 'GRU', order: [1, 0, 2], attributes: { linear_before_reset: 1 } },
  lstm: { node: 'LSTM', order: [0, 3, 1, 2], attributes: {} },
} as const;

/** A state's first part, [B, 1 + T, H]. */
function states(to: Lowering, node: Tensor): string {
  const units = unitsOf(node);
  if (!units) throw unlike(`the op '${node.op.name}' of what is no layer`);
  const { weightHh, biasIh, biasHh, hidden, start } = units;
  const { node: op, order, attributes } = CELLS[node.op.name as keyof typeof CELLS];
  const ordered = (x: Tensor) =>
    concat(
      order.map((gate) => slice(x, 0, gate * hidden, (gate + 1) * hidden)),
      0,
    );
  const one = (x: Tensor) => reshape(x, [1, ...x.shape]);
  const first = partsOf(units);
  const inputs = [
    transpose(seriesOf(units), [1, 0, 2]),
    one(ordered(weightIhOf(units))),
    one(ordered(weightHh)),
    one(concat([ordered(biasIh), ordered(biasHh)], 0)),
    ...first.map(one),
  ];
  const [x, w, r, b, ...starts] = to.values(inputs) as [string, string, string, string, string];
  // Between them stand the lengths of sequences, which are all of the same.
  const after = to.node(op, [x, w, r, b, '', ...starts], { hidden_size: hidden, ...attributes });
  const flat = to.node('Squeeze', [after, to.integers([1], 'axes')]);
  const rows = to.node('Transpose', [flat], { perm: [1, 0, 2] });
  const before = reshape(first[0] as Tensor, [start.shape[0] as number, 1, hidden]);
  return to.node('Concat', [to.value(before), rows], { axis: 1 });
}

const partsOf = ({ start, hidden }: Units): Tensor[] =>
  Array.from({ length: (start.shape[1] as number) / hidden }, (_, i) =>
    slice(start, 1, i * hidden, (i + 1) * hidden),
  );

export const RECURRENT_ROWS = { gru: states, lstm: states } as const;
