// Linear maps of the last axis, kept as factors whose determinant is read off a diagonal: a matrix on
// vectors, an invertible 1×1 convolution on images (Kingma and Dhariwal 2018, 3.2; the lectures' LU
// and QR). The factors make up W of z = W x, the direction that training takes.
import { LatentGpuError } from '../errors.ts';
import type { Shape } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Variable, variable } from '../graph/variable.ts';
import { constantInit } from '../nn/index.ts';
import {
  add,
  exp,
  identity,
  luInverse,
  luMatrix,
  matmul,
  mul,
  neg,
  reshape,
  sub,
  sum,
  transpose,
  triangle,
  triangularInverse,
} from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Mapped } from './bijection.ts';
import { luFactors, type Matrix, randomRotation } from './matrices.ts';

/** What linear maps have in common: a matrix for either direction and the log of a diagonal. */
abstract class LinearMap extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly channels: number;

  constructor(shape: Shape) {
    super();
    this.shape = shape;
    this.channels = shape.at(-1) as number;
  }

  /** log |det W|, a scalar. */
  protected abstract logDeterminant(): Tensor;
  /** Wᵀ [C, C], which rows of x are multiplied by. */
  abstract weight(): Tensor;
  /** (W⁻¹)ᵀ [C, C]: folded once, whatever the number of rows. */
  abstract inverseWeight(): Tensor;

  private get logDet(): Tensor {
    return mul(eventSize(this.shape) / this.channels, this.logDeterminant());
  }

  private apply(x: Tensor, weight: Tensor): Tensor {
    checkEvents(this.constructor.name, x, this.shape);
    return reshape(matmul(reshape(x, [-1, this.channels]), weight), x.shape);
  }

  forward(z: Tensor): Mapped {
    return { value: this.apply(z, this.inverseWeight()), logDet: neg(this.logDet) };
  }

  inverse(x: Tensor): Mapped {
    return { value: this.apply(x, this.weight()), logDet: this.logDet };
  }
}

/** A diagonal matrix. */
const diagonal = (d: Tensor): Tensor => mul(identity(d.size), d);
/** The diagonal of a matrix, zeros beside it. */
const diagonalOf = (a: Tensor): Tensor => mul(a, identity(a.shape[0] as number));

function checkPivots(packed: Matrix, n: number): void {
  for (let i = 0; i < n; i++) {
    const pivot = packed[i * n + i] as number;
    if (Math.abs(pivot) > 1e-12 && Number.isFinite(pivot)) continue;
    throw new LatentGpuError(
      'bad-config',
      `the start of a linear flow is singular (pivot ${i} is ${pivot}); start from an invertible matrix`,
    );
  }
}

/**
 * W = P L (U + diag(s)): P and the signs of s are fixed; L, U and log |s| are trained, packed into one
 * matrix. log |det W| = Σ log |s|.
 *
 * @example new flows.LuLinear([4, 4, 3]).forward(ops.zeros([2, 4, 4, 3])).value.shape // [2, 4, 4, 3]
 */
export class LuLinear extends LinearMap {
  /** All of it, [C, C]: L below the diagonal, U above it, log |s| on it. */
  readonly factors: Variable;
  readonly sign: Variable;
  /** Which row of L (U + diag(s)) is each row of W, and the inverse of that order. */
  readonly rows: Variable;
  readonly places: Variable;

  /**
   * @param start W to start from, row major; or a seed of a random rotation
   * @throws LatentGpuError `bad-config` for a matrix of another size, or one that is singular
   */
  constructor(shape: Shape, start: Matrix | number = 0) {
    super(shape);
    const n = this.channels;
    const matrix = typeof start === 'number' ? randomRotation(n, start) : start;
    if (matrix.length !== n * n) {
      throw new LatentGpuError(
        'bad-config',
        `a linear flow of ${n} channels starts from ${n}×${n} numbers, not ${matrix.length}`,
      );
    }
    const { order, packed } = luFactors(matrix, n);
    checkPivots(packed, n);
    const isDiagonal = (at: number) => at % (n + 1) === 0;
    const pivots = packed.filter((_, at) => isDiagonal(at));
    const factors = packed.map((x, at) => (isDiagonal(at) ? Math.log(Math.abs(x)) : x));
    this.factors = variable('factors', [n, n], { role: 'parameter', init: () => factors });
    const buffer = { role: 'buffer' } as const;
    this.sign = variable('sign', [n], { ...buffer, init: () => pivots.map(Math.sign) });
    const places = Uint32Array.from(order);
    const rows = places.map((_, i) => places.indexOf(i));
    const held = (name: string, values: Uint32Array) =>
      variable(name, [n], { ...buffer, dtype: 'u32', init: () => values });
    this.rows = held('rows', rows);
    this.places = held('places', places);
  }

  protected logDeterminant(): Tensor {
    return sum(diagonalOf(this.factors));
  }

  weight(): Tensor {
    return transpose(luMatrix(this.factors, this));
  }

  inverseWeight(): Tensor {
    return transpose(luInverse(this.factors, this));
  }
}

/**
 * W = Q R with Q a product of Householder reflections and R an upper triangle with positive diagonal
 * exp(logScale). log |det W| = Σ logScale. The reflections are applied as one matrix,
 * Q = I - Vᵀ T V with T⁻¹ the upper triangle of V Vᵀ and half its diagonal (Puglisi 1992).
 *
 * @example new flows.QrLinear([3], { reflections: 2 }).inverse(ops.zeros([5, 3])).value.shape // [5, 3]
 */
export class QrLinear extends LinearMap {
  /** One reflection a row, of any length but 0. */
  readonly vectors: Variable;
  readonly upper: Variable;
  readonly logScale: Variable;

  /**
   * @param options `reflections`: at most C of them reach every rotation and reflection; default: C
   * @throws LatentGpuError `bad-config` for fewer than 1 reflections, or more than channels
   */
  constructor(shape: Shape, options: { reflections?: number; seed?: number } = {}) {
    super(shape);
    const n = this.channels;
    const { reflections = n, seed = 0 } = options;
    if (!(Number.isInteger(reflections) && reflections >= 1 && reflections <= n)) {
      throw new LatentGpuError(
        'bad-config',
        `a QR flow of ${n} channels takes 1 to ${n} reflections, not ${reflections}`,
      );
    }
    const start = randomRotation(n, seed).subarray(0, reflections * n);
    const zero = { role: 'parameter', init: constantInit(0) } as const;
    this.vectors = variable('vectors', [reflections, n], {
      role: 'parameter',
      // Nearly the same direction in pairs would start near the identity; these start far from it.
      init: () =>
        Float32Array.from(start, (x, i) => x + 0.5 * (start[(i + n) % start.length] as number)),
    });
    this.upper = variable('upper', [n, n], zero);
    this.logScale = variable('logScale', [n], zero);
  }

  protected logDeterminant(): Tensor {
    return sum(this.logScale);
  }

  /** Q [C, C]. */
  private rotation(): Tensor {
    const v = this.vectors;
    const gram = matmul(v, transpose(v));
    const half = mul(diagonalOf(gram), 0.5);
    const t = triangularInverse(add(triangle(gram, { upper: true, strict: true }), half), {
      upper: true,
    });
    return sub(identity(this.channels), matmul(transpose(v), matmul(t, v)));
  }

  private get upperFactor(): Tensor {
    return add(triangle(this.upper, { upper: true, strict: true }), diagonal(exp(this.logScale)));
  }

  weight(): Tensor {
    return transpose(matmul(this.rotation(), this.upperFactor));
  }

  /** W⁻¹ = R⁻¹ Qᵀ, so its transpose is Q R⁻ᵀ. */
  inverseWeight(): Tensor {
    const inverse = triangularInverse(this.upperFactor, { upper: true });
    return matmul(this.rotation(), transpose(inverse));
  }
}
