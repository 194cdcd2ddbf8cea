// Sums of rows and of their products about a point, batch by batch on the GPU.
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { add, assign, matmul, sub, sum, transpose } from '../ops/index.ts';
import type { Runtime } from '../scheduler/index.ts';

/** Of N rows, in float64. */
export interface MomentsRead {
  readonly count: number;
  /** Mean of x less the point, [D]. */
  readonly shift: Float64Array;
  /** Mean of (x - x̄)(x - x̄)ᵀ, [D, D]. */
  readonly covariance: Float64Array;
}

export class MomentSums {
  private readonly first: Variable;
  private readonly second: Variable;
  private readonly rows: Variable;
  private readonly about: Tensor;
  private readonly features: number;

  /** @param about a point near the mean, [D]: sums about it keep their digits */
  constructor(features: number, about: Tensor) {
    this.features = features;
    this.about = about;
    this.first = variable('first', [features]);
    this.second = variable('second', [features, features]);
    this.rows = variable('rows', []);
  }

  /** Effects that add rows x [B, D]. */
  gather(x: Tensor): Tensor[] {
    const { first, second, rows } = this;
    const centred = sub(x, this.about);
    return [
      assign(first, add(first, sum(centred, 0))),
      assign(second, add(second, matmul(transpose(centred), centred))),
      assign(rows, add(rows, x.shape[0] as number)),
    ];
  }

  /** What was added up, which then begins anew. */
  async take(runtime: Runtime): Promise<MomentsRead> {
    const { first, second, rows, features } = this;
    const [sums, squares, counted] = (await Promise.all(
      [first, second, rows].map((each) => runtime.read(each)),
    )) as [Float32Array, Float32Array, Float32Array];
    for (const each of [first, second, rows]) runtime.write(each, new Float32Array(each.size));
    const count = counted[0] as number;
    const shift = Float64Array.from(sums, (s) => s / count);
    const covariance = Float64Array.from(squares, (s, at) => {
      const [i, j] = [Math.floor(at / features), at % features];
      return s / count - (shift[i] as number) * (shift[j] as number);
    });
    return { count, shift, covariance };
  }
}
