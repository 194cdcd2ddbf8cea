// How a parameter begins, found out by asking its initializer with numbers that are known.
import type { Variable } from '../../graph/variable.ts';
import { boxMuller } from '../../random.ts';
import { tensorLiteral } from './literal.ts';

/** Initial values that no rule tells are written out, up to so many. */
const MOST_NUMBERS = 4096;
const NEAR = 1e-6;

const short = (value: number) => String(Number(value.toPrecision(7)));

/**
 * The argument of `_parameter` that says it.
 *
 * @returns undefined where nothing short does: the values have to come from a file
 */
export function initialOf({ init, shape, size }: Variable): string | undefined {
  if (!init) return 'fill=0.0';
  let draws = 0;
  const ask = (u: number) =>
    Array.from(
      init(shape, () => {
        draws++;
        return u;
      }),
    );
  const at = ask(0.25);
  const perNumber = draws / Math.max(1, size);
  const same = (values: readonly number[], wanted: number) =>
    values.every((x) => Math.abs(x - wanted) <= NEAR * Math.max(1e-6, Math.abs(wanted)));
  const [first = 0] = at;
  if (draws === 0) {
    if (at.every((x) => x === first)) return `fill=${short(first)}`;
    return size <= MOST_NUMBERS ? `values=${tensorLiteral(at, shape, 'f32')}` : undefined;
  }
  if (!same(at, first)) return undefined;
  const other = ask(0.875);
  if (perNumber === 1 && same(other, -1.5 * first)) return `uniform=${short(-2 * first)}`;
  const std = first / boxMuller(() => 0.25, 1);
  if (
    perNumber === 2 &&
    same(
      other,
      boxMuller(() => 0.875, std),
    )
  )
    return `normal=${short(std)}`;
  return undefined;
}
