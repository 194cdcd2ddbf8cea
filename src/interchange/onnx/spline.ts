// A rational-quadratic spline composed of ops: what the kernel does element by element, with a one-hot
// choice of the bin. Durkan, Bekasov, Murray and Papamakarios 2019.
import type { Tensor } from '../../graph/tensor.ts';
import {
  abs,
  add,
  concat,
  div,
  full,
  greaterEqual,
  less,
  log,
  mul,
  neg,
  reshape,
  type SplineForm,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  transpose,
  unsqueeze,
  where,
} from '../../ops/index.ts';
import { LEAST, UNIT_SLOPE } from '../../ops/reference/spline.ts';

/** Values and logarithms of slopes, [2, ...] for x [...]. */
export function spline([x, parameters]: readonly Tensor[], node: Tensor): Tensor {
  const { bins, bound, inverse } = node.attrs as unknown as SplineForm;
  const values = x as Tensor;
  const width = values.shape.at(-1) as number;
  const lead = values.shape.slice(0, -1);
  // [..., count · W] as [..., W, count]: a row for each element.
  const grouped = reshape(parameters as Tensor, [...lead, 3 * bins - 1, width]);
  const own = transpose(grouped);
  const extentsOf = (from: number) =>
    mul(2 * bound, add(mul(1 - LEAST * bins, softmax(slice(own, -1, from, from + bins))), LEAST));
  const [widths, heights] = [extentsOf(0), extentsOf(bins)];
  const starts = (extents: Tensor) => {
    const found = [full([...extents.shape.slice(0, -1), 1], -bound)];
    for (let k = 1; k < bins; k++) {
      found.push(add(found[k - 1] as Tensor, slice(extents, -1, k - 1, k)));
    }
    return concat(found, -1);
  };
  const [lefts, floors] = [starts(widths), starts(heights)];
  const one = full([...values.shape, 1], 1);
  const inner = add(softplus(add(slice(own, -1, 2 * bins, 3 * bins - 1), UNIT_SLOPE)), LEAST);
  const slopes = bins > 1 ? concat([one, inner, one], -1) : concat([one, one], -1);

  // 1 at the last bin that starts at or before x. Outside, the first one does: its result is not used.
  const isInside = less(abs(values), bound);
  const at = unsqueeze(where(isInside, values, -bound), values.rank);
  const reached = greaterEqual(at, inverse ? floors : lefts);
  const passed =
    bins > 1
      ? concat([slice(reached, -1, 1, bins), full([...values.shape, 1], 0)], -1)
      : full(reached.shape, 0);
  const chosen = sub(reached, passed);
  const pick = (of: Tensor) => sum(mul(chosen, of), -1);
  const [w, h, a, b] = [widths, heights, lefts, floors].map(pick) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const d = pick(slice(slopes, -1, 0, bins));
  const e = pick(slice(slopes, -1, 1, bins + 1));
  const s = div(h, w);
  const bow = sub(add(d, e), mul(2, s));
  const inside = where(isInside, values, -bound);
  const xi = inverse ? root(sub(inside, b), { h, s, d, bow }) : div(sub(inside, a), w);
  const rest = sub(1, xi);
  const both = mul(xi, rest);
  const rise = add(mul(s, square(xi)), mul(d, both));
  const under = add(s, mul(bow, both));
  const top = add(add(mul(e, square(xi)), mul(mul(2, s), both)), mul(d, square(rest)));
  const logSlope = sub(add(mul(2, log(s)), log(top)), mul(2, log(under)));
  const value = inverse ? add(a, mul(xi, w)) : add(b, div(mul(h, rise), under));
  const results = [
    where(isInside, value, values),
    where(isInside, inverse ? neg(logSlope) : logSlope, 0),
  ];
  return concat(
    results.map((result) => unsqueeze(result, 0)),
    0,
  );
}

interface Bin {
  readonly h: Tensor;
  readonly s: Tensor;
  readonly d: Tensor;
  readonly bow: Tensor;
}

/** The place in a bin at which the spline is `y` above its floor. */
function root(y: Tensor, { h, s, d, bow }: Bin): Tensor {
  const bend = mul(y, bow);
  const p = add(mul(h, sub(s, d)), bend);
  const q = sub(mul(h, d), bend);
  const r = neg(mul(s, y));
  return div(mul(-2, r), add(q, sqrt(sub(square(q), mul(mul(4, p), r)))));
}
