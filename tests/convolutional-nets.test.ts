/** Nets of convolutions, and recurrent ones, without a GPU: what they make of shapes, and what they refuse. */
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../src/graph/tensor.ts';
import { variable } from '../src/graph/variable.ts';
import { buildModel, modelConfig, type Vae } from '../src/models/index.ts';
import * as nn from '../src/nn/index.ts';
import * as o from '../src/ops/index.ts';
import { schedule } from '../src/scheduler/index.ts';
import { assignments, settleRun } from '../src/training/index.ts';
import { reals } from './support/engine.ts';

function vae(shape: readonly number[], ...set: string[]): Vae {
  const values = settleRun('vae', [assignments('vae', ['latent=3', ...set])], { shape });
  return buildModel(modelConfig('vae', { shape: [...shape] }, values), 1) as Vae;
}

const both = (kind: string, ...keys: string[]) =>
  ['encoder', 'decoder'].flatMap((net) => [
    `${net}.kind=${kind}`,
    ...keys.map((k) => `${net}.${k}`),
  ]);

describe('encoders and decoders of convolutions and of recurrent units', () => {
  test.each([
    [[28, 28], both('conv')],
    [[7, 9, 3], both('conv', 'channels=4,6,8', 'strides=2,1,2', 'kernel=3', 'residual=1')],
    [[13], both('conv1d', 'kernel=5')],
    [[16, 3], both('conv1d', 'channels=5', 'strides=4')],
    [
      [6, 6],
      [...both('conv', 'kernel=3'), 'likelihood.kind=normal', 'likelihood.sigma=pixel'],
    ],
    [
      [6, 6],
      [...both('conv', 'kernel=3'), 'likelihood.kind=categorical', 'likelihood.levels=5'],
    ],
    [[8], both('linear')],
    [[8], both('recurrent')],
    [
      [5, 2],
      [...both('recurrent', 'hidden=8,4'), 'likelihood.kind=normal', 'likelihood.sigma=pixel'],
    ],
    [
      [6],
      [
        ...both('recurrent', 'hidden=4', 'cell=lstm'),
        'likelihood.kind=categorical',
        'likelihood.levels=5',
      ],
    ],
  ] as const)('go from data of [%s] to codes and back: %s', (shape, set) => {
    const model = vae(shape, ...set);
    const features = shape.reduce((a, b) => a * b, 1);
    const x = variable('x', [2, features]);
    expect(model.numbers({ x }).shape).toEqual([2, 6]);
    const z = variable('z', [4, 2, 3]);
    expect(model.decode(z).logProb(o.expand(x, [4, 2, features])).shape).toEqual([4, 2]);
    expect(model.decode(z).mean.shape).toEqual([4, 2, features]);
  });

  test('a mean of a pixel depends on the pixels around it alone, where nothing full is between', () => {
    // Two numbers a feature: means first, in the order of pixels and colours.
    const decoder = vae(
      [4, 4, 2],
      ...both('conv', 'channels=4', 'strides=1', 'kernel=3'),
      'likelihood.kind=normal',
      'likelihood.sigma=pixel',
    ).decoder;
    const bias = decoder.parameters().at(-1) as Tensor;
    const z = variable('z', [1, 3]);
    const values = new Map<Tensor, ArrayLike<number>>(
      decoder.parameters().map((p) => [p, new Float32Array(p.size)]),
    );
    values.set(z, [1, 2, 3]);
    values.set(bias, [10, 20, -1, -2]);
    const [y] = o.evaluate([decoder.call(z)], values);
    const pairs = (a: number, b: number) => Array.from({ length: 32 }, (_, i) => (i % 2 ? b : a));
    expect(Array.from(y?.data ?? [])).toEqual([...pairs(10, 20), ...pairs(-1, -2)]);
  });

  test.each([
    [
      [28, 28],
      ['encoder.kind=conv', 'encoder.kernel=29'],
      /encoder.kernel is 29, larger than an image of 28×28/,
    ],
    [
      [4, 4],
      ['encoder.kind=conv', 'encoder.strides=2,2,2', 'encoder.channels=4,4,4', 'encoder.kernel=3'],
      /encoder.strides are 2, 2, 2, too many for an image of 4×4/,
    ],
    [[10], ['decoder.kind=conv'], /the data are vectors of 10, no images/],
    [[8, 8, 3], ['encoder.kind=recurrent'], /the data are images of 8×8×3/],
    [
      [8],
      ['decoder.kind=recurrent', 'decoder.hidden=6'],
      /decoder.hidden is \[6\].*multiples of 4/,
    ],
    [[8, 8, 3], ['encoder.kind=conv1d'], /the data are images of 8×8×3/],
    [
      [8, 8],
      ['encoder.kind=conv', 'encoder.channels=4'],
      /channels has 1 numbers and encoder.strides 2/,
    ],
  ] as const)('refuse data of [%s] with %s', (shape, set, message) => {
    expect(() => vae(shape, ...set)).toThrow(
      expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(message) }),
    );
  });
});

describe('parts for nets of convolutions', () => {
  const x = variable('x', [2, 4, 6, 8]);
  const given = new Map<Tensor, ArrayLike<number>>([[x, reals('x', x.size)]]);
  const dataOf = (y: Tensor, module?: nn.Module) => {
    const values = new Map(given);
    for (const p of module?.parameters() ?? []) values.set(p, p.init?.(p.shape, () => 0.7) ?? []);
    return o.evaluate([y], values)[0]?.data as Float64Array;
  };

  test('norms leave mean 0 and variance 1 of what they are over', () => {
    const group = new nn.GroupNorm(2, 8);
    const y = dataOf(group.call(x), group);
    const layer = new nn.LayerNorm(8);
    const rows = dataOf(layer.call(x), layer);
    const moments = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
    };
    // The second group of channels of the second image.
    const own = Array.from(y).filter((_, i) => i >= 192 && i % 8 >= 4);
    expect(moments(own)[0]).toBeCloseTo(0, 10);
    expect(moments(own)[1]).toBeCloseTo(1, 4);
    expect(moments(Array.from(rows.slice(8, 16)))[0]).toBeCloseTo(0, 10);
    expect(moments(Array.from(rows.slice(8, 16)))[1]).toBeCloseTo(1, 4);
    expect(() => new nn.GroupNorm(3, 8)).toThrow(/cannot be cut into 3 groups/);
  });

  test('images are taken up and down', () => {
    expect(nn.upsample(x, 3).shape).toEqual([2, 12, 18, 8]);
    const there = dataOf(nn.averagePool(nn.upsample(x, 3), 3));
    dataOf(x).forEach((value, i) => {
      expect(there[i]).toBeCloseTo(value, 12);
    });
    expect(() => nn.averagePool(x, 3)).toThrow(/3 does not divide/);
    expect(() => nn.maxPool(x, 3)).toThrow(/maxPool: 3 does not divide/);
    expect(dataOf(nn.maxPool(nn.upsample(x, 3), 3))).toEqual(dataOf(x));
  });

  test('blocks keep shapes, and pass on what they get', () => {
    for (const block of [new nn.ResidualBlock(8), new nn.GatedBlock(8, 3)]) {
      const own = block.call(x);
      expect(own.shape).toEqual(x.shape);
      const silent = new Map(given);
      for (const p of block.parameters()) silent.set(p, new Float32Array(p.size));
      expect(o.evaluate([own], silent)[0]?.data).toEqual(dataOf(x));
    }
    const conv = new nn.Conv1d(8, 5, { stride: 2 });
    expect(conv.call(o.reshape(x, [2, 24, 8])).shape).toEqual([2, 12, 5]);
    expect(conv.namedParameters().map(([name]) => name)).toEqual(['weight', 'bias']);
  });
});

test('a convolution of more numbers than kernels count is refused, and not computed wrongly', () => {
  const planned = (images: number) => () =>
    schedule({
      outputs: {
        y: o.conv2d(variable('x', [images, 16, 16, 64]), variable('w', [1, 64, 3, 3]), {
          padding: 'same',
        }),
      },
    });
  // 256 places an image, 576 numbers in the window of each.
  const most = Math.floor((2 ** 32 - 1) / (256 * 576));
  expect(planned(most + 1)).toThrow(/windows of a convolution over \[29128, 16, 16, 64\]/);
  expect(planned(64)).not.toThrow();
});
