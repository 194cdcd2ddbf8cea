/** Constructions of bijections: every part, every mask with every transformer, compositions. */
import {
  ActNorm,
  Autoregressive,
  additive,
  affine,
  BatchNorm,
  type Bijection,
  CausalConvolution,
  Chain,
  type ConditionerFactory,
  Coupling,
  Exp,
  emergingConvolution,
  eventSize,
  Inverted,
  Logit,
  LuLinear,
  MASKS,
  MultiScale,
  Permutation,
  QrLinear,
  Reshape,
  Squeeze,
  spline,
  type Transformer,
} from '../../src/flows/index.ts';
import type { Variable } from '../../src/graph/variable.ts';
import { ConvNet, MLP } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import type { Runtime } from '../../src/scheduler/run/runtime.ts';
import { reals } from './engine.ts';

export interface Construction {
  /** @param seed of orders and rotations */
  readonly make: (seed: number) => Bijection;
  /** Extents of the context of one event. */
  readonly context?: readonly number[];
}

/** A net that flattens images. */
export const mlp: ConditionerFactory = (from, to) => {
  const [inputs, outputs] = [eventSize(from), eventSize(to)];
  const net = new MLP([inputs, 8, outputs], 'tanh');
  const call = net.call.bind(net);
  net.call = (x) => {
    const batch = x.shape[0] as number;
    return o.reshape(call(o.reshape(x, [batch, inputs])), [batch, ...to]);
  };
  return net;
};

const convNet: ConditionerFactory = (from, to) =>
  new ConvNet(from.at(-1) as number, to.at(-1) as number, { hidden: [6], activation: 'tanh' });

export const coupling = (
  shape: number[],
  options: Partial<ConstructorParameters<typeof Coupling>[0]> = {},
): Bijection => new Coupling({ shape, transformer: affine(), net: mlp, ...options });

export const maf = (
  features: number,
  options: Partial<ConstructorParameters<typeof Autoregressive>[0]> = {},
): Bijection =>
  new Autoregressive({
    features,
    hidden: [24],
    transformer: affine(),
    activation: 'tanh',
    ...options,
  });

/** A step of Glow, as far as its parts are concerned. */
const glowStep = (shape: number[], seed: number): Bijection =>
  new Chain([
    coupling(shape, { net: convNet, transformer: affine('sigmoid') }),
    new LuLinear(shape, seed),
    new ActNorm(shape),
  ]);

const transformers: Record<string, Transformer> = {
  affine: affine(),
  'affine, sigmoid': affine('sigmoid'),
  additive,
  spline: spline({ bins: 3 }),
};

/** Every mask with every transformer, of odd sizes; the flipped ones on images without a middle. */
const couplings = Object.fromEntries(
  MASKS.flatMap((mask, m) =>
    Object.entries(transformers).map(([name, transformer], i): [string, Construction] => {
      const flip = (m + i) % 2 === 1;
      const shape = mask === 'checkerboard' ? (flip ? [3, 2, 2] : [3, 3, 1]) : [flip ? 5 : 7];
      const what = `${mask} coupling, ${name}${flip ? ', flipped' : ''}`;
      return [what, { make: () => coupling(shape, { mask, transformer, flip }) }];
    }),
  ),
);

const autoregressive = Object.fromEntries(
  Object.entries(transformers).map(([name, transformer]): [string, Construction] => [
    `MAF, ${name}`,
    { make: () => maf(name === 'spline' ? 3 : 5, { transformer }) },
  ]),
);

export const constructions: Readonly<Record<string, Construction>> = {
  'actnorm on vectors': { make: () => new ActNorm([5]) },
  'actnorm on images': { make: () => new ActNorm([2, 3, 4]) },
  'batchnorm on vectors': { make: () => new BatchNorm([4]) },
  'batchnorm on images': { make: () => new BatchNorm([3, 2, 3]) },
  reversal: { make: () => Permutation.reversal([7]) },
  'random permutation of channels': { make: (seed) => Permutation.random([2, 2, 5], 3 + seed) },
  'LU, one feature': { make: (seed) => new LuLinear([1], 1 + seed) },
  'LU, odd': { make: (seed) => new LuLinear([7], 2 + seed) },
  'LU as 1×1 convolution': { make: (seed) => new LuLinear([3, 2, 4], 3 + seed) },
  'LU, wider than a workgroup': { make: (seed) => new LuLinear([11], 4 + seed) },
  'QR, all reflections': { make: (seed) => new QrLinear([6], { seed: 4 + seed }) },
  'QR, two reflections': { make: (seed) => new QrLinear([5], { reflections: 2, seed: 5 + seed }) },
  'QR as 1×1 convolution': { make: (seed) => new QrLinear([2, 2, 3], { seed: 6 + seed }) },
  ...couplings,
  'channel coupling': { make: () => coupling([2, 3, 4]) },
  'channel coupling, odd, flipped': { make: () => coupling([2, 2, 3], { flip: true }) },
  'alternating channels': { make: () => coupling([2, 3, 3], { mask: 'alternating' }) },
  'convolutional coupling': { make: () => coupling([4, 3, 2], { net: convNet }) },
  'convolutional checkerboard coupling': {
    make: () => coupling([3, 5, 1], { net: convNet, mask: 'checkerboard' }),
  },
  'conditional coupling': { make: () => coupling([5], { context: 3 }), context: [3] },
  'conditional channel coupling': {
    make: () => coupling([2, 2, 2], { context: 2 }),
    context: [2],
  },
  'conditional convolutional coupling of splines': {
    make: () => coupling([3, 2, 2], { context: 3, net: convNet, transformer: spline({ bins: 2 }) }),
    context: [3],
  },
  'channel coupling, told an image': {
    make: () => coupling([3, 2, 3], { context: 2, net: convNet }),
    context: [3, 2, 2],
  },
  'checkerboard coupling, told an image': {
    make: () => coupling([3, 3, 1], { context: 1, net: convNet, mask: 'checkerboard' }),
    context: [3, 3, 1],
  },
  ...autoregressive,
  'MAF, one feature': { make: () => maf(1) },
  'MAF, reversed order': { make: () => maf(5, { order: [4, 3, 2, 1, 0] }) },
  'MAF, two hidden layers': { make: () => maf(4, { hidden: [9, 11] }) },
  'conditional MAF': { make: () => maf(4, { context: 2 }), context: [2] },
  IAF: { make: () => new Inverted(maf(5)) },
  'inverted coupling': { make: () => new Inverted(coupling([5])) },
  'inverted chain': {
    make: (seed) => new Inverted(new Chain([coupling([4]), new QrLinear([4], { seed })])),
  },
  'couplings with permutations': {
    make: (seed) =>
      new Chain([
        coupling([6]),
        Permutation.random([6], 1 + seed),
        coupling([6], { flip: true }),
        new ActNorm([6]),
      ]),
  },
  'LU between couplings': {
    make: (seed) =>
      new Chain([new LuLinear([5], 8 + seed), coupling([5]), new LuLinear([5], 9 + seed)]),
  },
  'MAF, reversal, MAF': {
    make: () => new Chain([maf(4), Permutation.reversal([4]), maf(4)]),
  },
  'MAF, batchnorm, conditional MAF': {
    make: () => new Chain([maf(3), new BatchNorm([3]), maf(3, { context: 2 })]),
    context: [2],
  },
  'IAF after MAF': { make: () => new Chain([maf(3), new Inverted(maf(3))]) },
  'causal convolution': { make: () => new CausalConvolution([4, 3, 2]) },
  'causal convolution, reversed': {
    make: () => new CausalConvolution([3, 4, 2], { reversed: true }),
  },
  'causal convolution, 5×5, one channel': {
    make: () => new CausalConvolution([5, 4, 1], { kernel: 5 }),
  },
  'emerging convolution': { make: () => emergingConvolution([3, 3, 3]) },
  squeeze: { make: () => new Squeeze([4, 2, 3]) },
  reshape: { make: () => new Reshape([12], [2, 3, 2]) },
  logit: { make: () => new Logit([5], 0.05) },
  exp: { make: () => new Exp([5]) },
  'a vector flow of images': {
    make: (seed) => new Chain([maf(8), new Reshape([8], [2, 2, 2]), new LuLinear([2, 2, 2], seed)]),
  },
  'one level': {
    make: (seed) => new Chain([glowStep([2, 2, 4], 1 + seed), new Squeeze([4, 4, 1])]),
  },
  'two levels': {
    make: (seed) =>
      new MultiScale([
        {
          steps: new Chain([glowStep([2, 2, 4], 1 + seed), new Squeeze([4, 4, 1])]),
          prior: coupling([2, 2, 4], { net: convNet }),
        },
        { steps: new Chain([glowStep([1, 1, 8], 2 + seed), new Squeeze([2, 2, 2])]) },
      ]),
  },
};

/** Parameters far from their start. */
export function disturbed(bijection: Bijection): Map<Variable, Float32Array> {
  return new Map(
    bijection.parameters().map((p) => {
      const start = p.init?.(p.shape, () => 0.5) ?? [];
      const by = reals(`${p.name}${p.shape}`, p.size, -0.3, 0.3);
      return [p, by.map((x, i) => x + Number(start[i] ?? 0))];
    }),
  );
}

export function disturb(runtime: Runtime, bijection: Bijection): void {
  for (const [parameter, values] of disturbed(bijection)) runtime.write(parameter, values);
}
