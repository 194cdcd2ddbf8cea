// Effects: what a step leaves behind in variables.
import { LatentGpuError } from '../errors.ts';
import { sameShape } from '../graph/shape.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import type { Variable } from '../graph/variable.ts';
import { reshape } from './views.ts';

const assignOp = defineOp({
  name: 'assign',
  kind: 'assign',
  reference: ([value]) => value as never,
});

/**
 * At the end of the step, `target` holds `value`. Everything else in the step reads the old one.
 *
 * ```ts
 * const total = variable('total', [], { role: 'state' });
 * const plan = await runtime.compile({ effects: [ops.assign(total, ops.add(total, 1))] });
 * await plan.run(10); // total holds 10
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for a value of another shape or type
 */
export function assign(target: Variable, value: Tensor): Tensor {
  const fits = sameShape(target.shape, value.shape) && target.dtype === value.dtype;
  if (!fits || target.dtype === 'u8' || target.isHalf) {
    throw new LatentGpuError(
      'shape-mismatch',
      `assign: ${value} does not fit ${target}; shapes and types must agree, and neither bytes nor float16 can be assigned`,
    );
  }
  return new Tensor(assignOp, [value], target.shape, target.dtype, { target });
}

const storeOp = defineOp({ name: 'store', kind: 'store', reference: ([value]) => value as never });

/**
 * Element `index` of the vector `target` takes the scalar `value`: how a loss history is kept.
 *
 * ```ts
 * const history = variable('history', [4096], { role: 'state' });
 * const effect = ops.store(history, ops.modUint(ops.step, 4096), loss);
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for what is no vector, unsigned index and scalar of its type
 */
export function store(target: Variable, index: Tensor, value: Tensor): Tensor {
  const fits = target.rank === 1 && !target.isHalf && index.rank === 0 && value.rank === 0;
  if (!fits || index.dtype !== 'u32' || value.dtype !== target.dtype) {
    throw new LatentGpuError(
      'shape-mismatch',
      `store: needs a vector, an unsigned scalar index and a scalar of the vector's type, not ${target}, ${index} and ${value}`,
    );
  }
  return new Tensor(storeOp, [value, index], [], value.dtype, { target });
}

const scatterOp = defineOp({
  name: 'scatterRows',
  kind: 'scatter',
  reference: ([rows]) => rows as never,
});

/**
 * Rows of `target` [N, P] at `index` [B] (unsigned integers below N, each at most once: of equal ones it
 * is not defined which stays; beyond them nothing is written) take those of `rows` [B, P]; all others stay. The counterpart of `gather`,
 * at the end of the step as with `assign`.
 *
 * ```ts
 * const table = variable('table', [100, 8], { role: 'buffer' });
 * const effect = ops.scatterRows(table, index, ops.mul(0.5, ops.gather(table, index)));
 * ```
 *
 * @throws LatentGpuError `shape-mismatch` for rows that do not fit the table, or more of them than it has
 */
export function scatterRows(target: Variable, index: Tensor, rows: Tensor): Tensor {
  const [count, width] = rows.shape;
  const isTable = target.rank === 2 && target.dtype !== 'u8' && !target.isHalf;
  const fits = rows.rank === 2 && rows.dtype === target.dtype && width === target.shape[1];
  if (!isTable || !fits || !sameShape(index.shape, [count as number]) || index.dtype !== 'u32') {
    throw new LatentGpuError(
      'shape-mismatch',
      `scatterRows: needs a table [N, P], unsigned indices [B] and rows [B, P] of the table's type, not ${target}, ${index} and ${rows}`,
    );
  }
  if ((count as number) > (target.shape[0] as number)) {
    throw new LatentGpuError(
      'shape-mismatch',
      `scatterRows: ${count} rows for the ${target.shape[0]} of ${target}; a row can change once in a step`,
    );
  }
  const column = reshape(index, [count as number, 1]);
  return new Tensor(scatterOp, [rows, column], rows.shape, rows.dtype, { target });
}
