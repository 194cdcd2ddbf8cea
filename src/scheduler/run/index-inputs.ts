// What a plan's inputs index, so that numbers which the host is given are looked at before they are sent.
import { LatentGpuError } from '../../errors.ts';
import { type Tensor, throughViews } from '../../graph/tensor.ts';
import type { Variable } from '../../graph/variable.ts';

/** The tables of which rows are picked by a variable itself. */
export function tablesIndexedBy(index: Variable, nodes: readonly Tensor[]): Tensor[] {
  return nodes
    .filter(({ op, inputs }) => op.kind === 'gather' && throughViews(inputs[1] as Tensor) === index)
    .map(({ inputs }) => inputs[0] as Tensor);
}

/** @throws LatentGpuError `bad-input` for an index that a table has no row for */
export function checkIndex(
  index: Variable,
  values: ArrayLike<number>,
  tables: readonly Tensor[],
): void {
  for (const table of tables) {
    const rows = table.shape[0] as number;
    for (let i = 0; i < values.length; i++) {
      if ((values[i] as number) < rows) continue;
      throw new LatentGpuError(
        'bad-input',
        `${index}: element ${i} is ${values[i]}, and ${table}, of which it picks rows, has ${rows}, numbered from 0`,
      );
    }
  }
}
