/**
 * Where every elementwise op is tried: a row an op, a domain an input. An op without a row fails the
 * tests that walk through this table.
 */
import { broadcastShapes } from '../../src/graph/shape.ts';
import { type DType, opNamed, Tensor } from '../../src/graph/tensor.ts';
import { Random } from '../../src/random.ts';

export interface Domain {
  readonly low: number;
  readonly high: number;
  /** Values that come first: the large, the tiny, the edges. */
  readonly special: readonly number[];
  /** Whole numbers only. */
  readonly whole?: boolean;
}

export interface Trial {
  /** Where the values of each input are taken from. */
  readonly domains: readonly Domain[];
  /** Each input's type. */
  readonly operands: readonly ('f32' | 'u32')[];
  readonly dtype: DType;
  /** Inputs through which no gradient flows by intent: noise, masks, settings. */
  readonly given: readonly number[];
  /** Where derivatives are tried: away from kinks, of moderate size. */
  readonly smooth: readonly Domain[];
}

const range = (low: number, high: number, ...special: number[]): Domain => ({ low, high, special });
const words = (low: number, high: number, ...special: number[]): Domain => ({
  low,
  high,
  special,
  whole: true,
});

const any = range(-8, 8, 0, 1, -1, 1e-20, -1e-20, 1e15, -1e15, 3, -0.5, 1e-6, 2.5, -4096);
const ties = range(-2, 2, 0, 1, 1, -1, 1e15, 0, 1e-20, -1e15, -1, 2, 1);
const moderate = range(-5, 5, 0, 1, -1, 1e-20, -1e-6, 3);
const positive = range(0.05, 8, 1, 1e-20, 1e15, 0.9999, 1.0001, 4, 1e-6);
const unit = range(0, 1, 0, 1, 0.5, 1e-6);
const scale = range(-3, 2, 0, 1, -1, 1e-6);
const uint = words(0, 2 ** 31, 0, 1, 2 ** 32 - 1, 2 ** 31, 65535, 65536, 7);
const smooth = range(-2, 2);
const level = range(8, 8, 8);
const freedom = range(0.5, 30, 3, 1, 1e5, 4, 1e3);
const freely = { smooth: [smooth, smooth, smooth, range(1, 6)] };

function row(domains: readonly Domain[], rest: Partial<Omit<Trial, 'domains'>> = {}): Trial {
  return {
    domains,
    operands: domains.map(() => 'f32'),
    dtype: 'f32',
    given: [],
    smooth: domains.map(() => smooth),
    ...rest,
  };
}

const uints = (domains: readonly Domain[], dtype: DType = 'u32') =>
  row(domains, { operands: domains.map(() => 'u32'), dtype });
const nonzero = range(0.1, 8, 1, -1, 1e15, -1e-15, 3, -0.5);
const away = range(0.3, 2.2);

export const trials: Record<string, Trial> = {
  add: row([any, ties]),
  sub: row([any, ties]),
  mul: row([any, ties]),
  div: row([any, nonzero], { smooth: [smooth, away] }),
  neg: row([any]),
  abs: row([any], { smooth: [away] }),
  sign: row([any], { smooth: [away] }),
  floor: row([any], { smooth: [range(1.1, 1.9)] }),
  square: row([any]),
  sqrt: row([range(0, 8, 0, 1, 1e-20, 1e15, 2)], { smooth: [away] }),
  rsqrt: row([positive], { smooth: [away] }),
  reciprocal: row([nonzero], { smooth: [away] }),
  maximum: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  minimum: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  pow: row([range(0.02, 6, 1, 2, 1e-3), range(-3, 3, 0, 1, -1, 2, 0.5)], {
    smooth: [away, smooth],
  }),
  less: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  lessEqual: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  greater: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  greaterEqual: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  equal: row([ties, any], { smooth: [range(1, 2), range(-2, 0.5)] }),
  finite: row([any]),
  positive: row([positive], { smooth: [away] }),
  where: row([words(0, 1, 1, 0, 1), any, ties], {
    given: [0],
    smooth: [words(0, 1), smooth, smooth],
  }),
  whereUint: row([words(0, 1, 1, 0, 1), uint, uint], {
    operands: ['f32', 'u32', 'u32'],
    dtype: 'u32',
  }),
  exp: row([range(-80, 80, 0, 1, -100, 1e-20, -1e-6)]),
  log: row([positive], { smooth: [away] }),
  log1p: row([range(-0.99, 8, 0, 1e-20, -1e-6, 1e15, 1)], { smooth: [range(-0.5, 2)] }),
  expm1: row([range(-80, 80, 0, 1, -100, 1e-20, -1e-6)]),
  sin: row([range(-100, 100, 0, 1e-20, 3.125, -1e4)]),
  cos: row([range(-100, 100, 0, 1e-20, 1.5, -1e4)]),
  erf: row([range(-5, 5, 0, 1e-20, 40, -1e-6)]),
  logAddExp: row([any, ties]),
  logGamma: row([range(0.01, 9, 1, 2, 1e-6, 1e5, 0.5, 3, 1.5)], { smooth: [away] }),
  digamma: row([range(0.01, 9, 1, 2, 1e-6, 1e5, 1.46, 3)], { smooth: [away] }),
  logGammaSlope: row([range(0.05, 60, 1, 39.9, 40, 0.1), range(-3, 4, 0, 1, -50)], {
    given: [0, 1],
  }),
  logNdtrSlope: row([range(-9, 9, 0, -1e-6, 1e-20, -1000, 30, -40)]),
  logNdtr: row([range(-9, 9, 0, -1e-6, 1e-20, -1000, 30, -40)]),
  ndtri: row([range(0.001, 0.999, 0.5, 1e-20, 1e-6, 0.9999999, 0.25)], {
    smooth: [range(0.1, 0.9)],
  }),
  normalPiece: row([range(0, 9, 0, 40, 1000, 1e5), range(0, 4, 1e-6, 1, 64, 1e-3)], {
    smooth: [range(0.1, 3), range(0.1, 3)],
  }),
  normalPieceMoment: row([range(0, 9, 0, 40, 1000, 1e5), range(0, 4, 1e-6, 1, 64, 1e-3)], {
    smooth: [range(0.1, 3), range(0.1, 3)],
  }),
  normalPieceQuantile: row(
    [range(0, 9, 0, 40, 1000, 1e5), range(0, 4, 1e-6, 1, 64, 1e-3), range(0.01, 0.99, 1e-6)],
    { given: [0, 1, 2] },
  ),
  trigamma: row([range(0.01, 9, 1, 2, 1e-6, 1e5, 3)], { given: [0] }),
  toFloat: uints([uint], 'f32'),
  toUint: row([range(0, 1e6, 0, 0.999, 1, 4294967040, 16777217)], { dtype: 'u32' }),
  toIndex: row([range(0, 9, 0, 1, -1, 0.5, 4294967040, 16777217, 7, 1e20)], { dtype: 'u32' }),
  addUint: uints([uint, uint]),
  mulUint: uints([uint, uint]),
  divUint: uints([uint, words(1, 1000, 1, 2 ** 32 - 1, 3)]),
  modUint: uints([uint, words(1, 1000, 1, 2 ** 32 - 1, 3)]),
  equalUint: uints([words(0, 3, 2 ** 32 - 1), words(0, 3, 2 ** 32 - 1)], 'f32'),
  copy: row([any]),
  reluGrad: row([any], { smooth: [away] }),
  relu: row([any], { smooth: [away] }),
  tanhGrad: row([range(-1, 1, 0, 1, -1)]),
  tanh: row([any]),
  sigmoidGrad: row([unit]),
  sigmoid: row([any]),
  softplusGrad: row([range(0, 30, 0, 1e-20, 1e-6)], { smooth: [away] }),
  softplus: row([any]),
  geluGrad: row([any]),
  gelu: row([any]),
  siluGrad: row([any]),
  silu: row([any]),
  leakyReluGrad: row([any, range(0.01, 0.5)], { given: [1], smooth: [away, away] }),
  leakyRelu: row([any, range(0.01, 0.5)], { given: [1], smooth: [away, away] }),
  logSigmoid: row([any]),
  reparameterize: row([moderate, scale, moderate], { given: [2] }),
  standardNormalLogProb: row([any]),
  normalLogProbDmean: row([moderate, moderate, scale]),
  normalLogProbDlogStd: row([moderate, moderate, scale]),
  normalLogProb: row([moderate, moderate, scale]),
  bernoulliLogProbDlogits: row([any, unit]),
  bernoulliLogProb: row([any, unit], { smooth: [smooth, range(0, 1)] }),
  klStandardNormalDlogStd: row([moderate, scale]),
  klStandardNormal: row([moderate, scale]),
  klNormalDmeanQ: row([moderate, scale, moderate, scale]),
  klNormalDlogStdQ: row([moderate, scale, moderate, scale]),
  klNormalDmeanP: row([moderate, scale, moderate, scale]),
  klNormalDlogStdP: row([moderate, scale, moderate, scale]),
  klNormal: row([moderate, scale, moderate, scale]),
  logisticLogProbDmean: row([moderate, moderate, scale]),
  logisticLogProbDlogScale: row([moderate, moderate, scale]),
  logisticLogProb: row([moderate, moderate, scale]),
  studentTLogProbDmean: row([moderate, moderate, scale, freedom], freely),
  studentTLogProbDlogStd: row([moderate, moderate, scale, freedom], freely),
  studentTLogProbDdf: row([moderate, moderate, scale, freedom], freely),
  studentTLogProb: row([moderate, moderate, scale, freedom], freely),
  discretizedLogisticLogProbDmean: row([unit, unit, scale, level]),
  discretizedLogisticLogProbDlogScale: row([unit, unit, scale, level]),
  discretizedLogisticLogProb: row([unit, unit, scale, level], {
    given: [0, 3],
    smooth: [range(0.2, 0.8), range(0, 1), smooth, level],
  }),
  permute: uints([words(0, 99, 0, 99), words(100, 5000, 100, 2 ** 31 - 1), uint, uint]),
};

/** The row of an op; an op without one is an error. */
export function trialOf(name: string): Trial {
  const found = Object.hasOwn(trials, name) ? trials[name] : undefined;
  if (!found) throw new Error(`tests/support/domains.ts has no row for the op '${name}'`);
  return found;
}

/** `size` values of a domain, the special ones first; which, depends on the seed. */
export function draw(domain: Domain, size: number, seed: number): number[] {
  const random = new Random(11, seed, 0);
  const { low, high, special, whole } = domain;
  return Array.from({ length: size }, (_, i) => {
    // Every other value is special until all have had their turn, so that inputs meet in all ways.
    const listed = i % 2 === seed % 2 ? special[(i + seed) >> 1] : undefined;
    if (listed !== undefined) return whole ? listed : Math.fround(listed);
    const value = random.uniform(low, whole ? high + 1 : high);
    return whole ? Math.floor(value) : Math.fround(value);
  });
}

/** A node of an elementwise op, whatever its builder is called. */
export function apply(name: string, inputs: readonly Tensor[]): Tensor {
  const shape = broadcastShapes(name, ...inputs.map((x) => x.shape));
  return new Tensor(opNamed(name), inputs, shape, trialOf(name).dtype);
}
