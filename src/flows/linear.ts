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
  equalUint,
  exp,
  iota,
  matmul,
  mul,
  neg,
  permuteColumns,
  reshape,
  sub,
  sum,
  transpose,
  triangle,
  triangularInverse,
} from '../ops/index.ts';
import { Bijection, checkEvents, eventSize, type Mapped } from './bijection.ts';
import { luFactors, type Matrix, randomRotation } from './matrices.ts';

/** What linear maps have in common: two matrices and the logarithms of a diagonal. */
abstract class LinearMap extends Bijection {
  readonly shape: Shape;
  readonly cost = { forward: 'parallel', inverse: 'parallel' } as const;
  readonly channels: number;

  constructor(shape: Shape) {
    super();
    this.shape = shape;
    this.channels = shape.at(-1) as number;
  }

  /** log of the absolute diagonal, [C]. */
  protected abstract readonly logScale: Variable;
  /** Wᵀ [C, C], which rows of x are multiplied by. */
  abstract weight(): Tensor;
  /** (W⁻¹)ᵀ [C, C]: folded once, whatever the number of rows. */
  abstract inverseWeight(): Tensor;

  private get logDet(): Tensor {
    return mul(eventSize(this.shape) / this.channels, sum(this.logScale));
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

const identity = (n: number): Tensor => equalUint(iota(n), reshape(iota(n), [n, 1]));
/** A diagonal matrix. */
const diagonal = (d: Tensor): Tensor => mul(identity(d.size), d);

/** `singular` names the pivot that vanishes. */
function checkPivots(packed: Matrix, n: number): void {
  for (let i = 0; i < n; i++) {
    const pivot = Math.abs(packed[i * n + i] as number);
    if (pivot > 1e-12 && Number.isFinite(pivot)) continue;
    throw new LatentGpuError(
      'bad-config',
      `the start of a linear flow is singular (pivot ${i} is ${packed[i * n + i]}); start from an invertible matrix`,
    );
  }
}

/**
 * W = P L (U + diag(s)): P and the signs of s are fixed, L and U are unit and strict triangles, log |s|
 * is trained. log |det W| = Σ log |s|.
 */
export class LuLinear extends LinearMap {
  /** Only what lies below the diagonal counts. */
  readonly lower: Variable;
  /** Only what lies above it counts. */
  readonly upper: Variable;
  protected readonly logScale: Variable;
  readonly sign: Variable;
  readonly order: Variable;
  readonly back: Variable;

  /** @param start W to start from, row major; or a seed of a random rotation */
  constructor(shape: Shape, start: Matrix | number = 0) {
    super(shape);
    const n = this.channels;
    const { order, packed } = luFactors(
      typeof start === 'number' ? randomRotation(n, start) : start,
      n,
    );
    checkPivots(packed, n);
    const pivots = Array.from({ length: n }, (_, i) => packed[i * (n + 1)] as number);
    const part = (keeps: (i: number, j: number) => boolean) =>
      Float32Array.from(packed, (x, at) => (keeps(Math.floor(at / n), at % n) ? x : 0));
    const held = (
      name: string,
      extents: Shape,
      values: ArrayLike<number>,
      options: { role: 'parameter' | 'buffer'; dtype?: 'u32' },
    ) => variable(name, extents, { ...options, init: () => values });
    const trained = { role: 'parameter' } as const;
    this.lower = held(
      'lower',
      [n, n],
      part((i, j) => j < i),
      trained,
    );
    this.upper = held(
      'upper',
      [n, n],
      part((i, j) => j > i),
      trained,
    );
    this.logScale = held(
      'logScale',
      [n],
      pivots.map((x) => Math.log(Math.abs(x))),
      trained,
    );
    this.sign = held('sign', [n], pivots.map(Math.sign), { role: 'buffer' });
    // Row i of L U is row order[i] of W: back[i] says where row i of W is found.
    const back = Uint32Array.from(order, (_, i) => order.indexOf(i));
    this.order = held('order', [n], back, { role: 'buffer', dtype: 'u32' });
    this.back = held('back', [n], order, { role: 'buffer', dtype: 'u32' });
  }

  private get upperFactor(): Tensor {
    const scale = mul(this.sign, exp(this.logScale));
    return add(triangle(this.upper, { upper: true, strict: true }), diagonal(scale));
  }

  weight(): Tensor {
    const lower = add(triangle(this.lower, { strict: true }), identity(this.channels));
    const product = matmul(lower, this.upperFactor);
    return permuteColumns(transpose(product), this.order, this.back);
  }

  /** W⁻¹ = U⁻¹ L⁻¹ Pᵀ; its transpose has the rows of (U⁻¹ L⁻¹)ᵀ in another order. */
  inverseWeight(): Tensor {
    const lower = triangularInverse(this.lower, { unitDiagonal: true });
    const upper = triangularInverse(this.upperFactor, { upper: true });
    return transpose(permuteColumns(matmul(upper, lower), this.order, this.back));
  }
}

/**
 * W = Q R with Q a product of Householder reflections and R an upper triangle with positive diagonal
 * exp(logScale). log |det W| = Σ logScale. The reflections are applied as one matrix,
 * Q = I - Vᵀ T V with T⁻¹ the upper triangle of V Vᵀ and half its diagonal (Puglisi 1992).
 */
export class QrLinear extends LinearMap {
  /** One reflection a row, of any length but 0. */
  readonly vectors: Variable;
  readonly upper: Variable;
  protected readonly logScale: Variable;

  /** @param reflections at most C of them reach every rotation and reflection */
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

/** The diagonal of a matrix, zeros beside it. */
const diagonalOf = (a: Tensor): Tensor => mul(a, identity(a.shape[0] as number));
