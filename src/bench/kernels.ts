// The kernels that are measured, built from the public operations: what is timed is what users get.

import { Normal } from '../distributions/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Initializer, type Variable, variable } from '../graph/variable.ts';
import {
  add,
  assign,
  batchIndices,
  bernoulliLogProb,
  conv2d,
  gather,
  logSumExp,
  matmul,
  mul,
  randomBernoulli,
  randomNormal,
  relu,
  reparameterize,
  reshape,
  seed,
  slice,
  sum,
  transpose,
  vectorJacobian,
} from '../ops/index.ts';
import { adam } from '../optim/index.ts';
import type { Program } from '../scheduler/run/schedule.ts';

export interface KernelCase {
  readonly program: Program;
  /** Bytes that any implementation must move: each input and output once. */
  readonly bytes: number;
  /** Operations, where the ops' own counts would not do. */
  readonly flops?: number;
}

export interface KernelRow {
  readonly name: string;
  /** Too much for a software adapter. */
  readonly hardwareOnly?: boolean;
  build(): KernelCase;
}

/** Reals in [-2, 2) without a pattern; a multiplicative hash is enough, and quick. */
const spread: Initializer = (shape) => {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < values.length; i++) values[i] = (Math.imul(i + 1, 0x9e3779b1) >> 8) / 2 ** 22;
  return values;
};

const real = (name: string, shape: number[], init: Initializer = spread): Variable =>
  variable(name, shape, { init });

/** Zeros and ones. */
const bits: Initializer = (shape, random) =>
  Float32Array.from(spread(shape, random), (x) => Number(x > 0));

type Layout = 'NN' | 'NT' | 'TN';

export function product(
  layout: Layout,
  m: number,
  k: number,
  n: number,
  hardwareOnly = false,
): KernelRow {
  return {
    name: `product ${layout} ${m}×${k}×${n}`,
    hardwareOnly,
    build: () => {
      const a = layout === 'TN' ? transpose(real('a', [k, m])) : real('a', [m, k]);
      const b = layout === 'NT' ? transpose(real('b', [n, k])) : real('b', [k, n]);
      return {
        program: { outputs: { c: matmul(a, b) } },
        flops: 2 * m * k * n,
        bytes: 4 * (m * k + k * n + m * n),
      };
    },
  };
}

function linear(batch: number, from: number, to: number): KernelRow {
  return {
    name: `linear + ReLU ${batch}×${from}→${to}`,
    build: () => {
      const w = real('w', [to, from]);
      const b = real('b', [to]);
      const y = relu(add(matmul(real('x', [batch, from]), transpose(w)), b));
      return {
        program: { outputs: { y } },
        flops: 2 * batch * from * to,
        bytes: 4 * (batch * from + from * to + to + batch * to),
      };
    },
  };
}

/** Images [batch, extent, extent, from] and weights [to, from, 3, 3]: a layer, or one of its gradients. */
function convolution(
  what: 'forward + ReLU' | 'to images' | 'to weights',
  [batch, extent, from, to]: readonly [number, number, number, number],
): KernelRow {
  return {
    name: `convolution ${what} ${batch}×${extent}²×${from}→${to}`,
    build: () => {
      const x = real('x', [batch, extent, extent, from]);
      const w = real('w', [to, from, 3, 3]);
      const y = real('y', [batch, extent, extent, to]);
      const form = conv2d(x, w);
      const wrt = what === 'to images' ? x : w;
      const result = what === 'forward + ReLU' ? relu(form) : vectorJacobian([form], [y], [wrt])[0];
      return {
        program: { outputs: { result: result as Tensor } },
        flops: 2 * y.size * 9 * from,
        bytes: 4 * (x.size + w.size + y.size),
      };
    },
  };
}

/** x·y + x. */
export function elementwise(rows: number, columns: number): KernelRow {
  return {
    name: `elementwise ${rows}×${columns}`,
    build: () => {
      const x = real('x', [rows, columns]);
      const y = real('y', [rows, columns]);
      return {
        program: { outputs: { z: add(mul(x, y), x) } },
        bytes: 12 * rows * columns,
      };
    },
  };
}

/** Multiplications and additions, one after another, on few numbers. */
function chain(length: number, size: number): KernelRow {
  return {
    name: `chain of ${length}, ${size}`,
    build: () => {
      const x = real('x', [size]);
      let y: Tensor = x;
      for (let i = 0; i < length / 2; i++) y = add(mul(y, 0.5), x);
      return { program: { outputs: { y } }, bytes: 8 * size };
    },
  };
}

export function reduction(
  name: string,
  fold: (x: Tensor, axis: number) => Tensor,
  shape: [number, number],
  axis: 0 | 1,
): KernelRow {
  return {
    name: `${name} of ${axis === 1 ? 'rows' : 'columns'} ${shape.join('×')}`,
    build: () => ({
      program: { outputs: { y: fold(real('x', shape), axis) } },
      bytes: 4 * (shape[0] * shape[1] + (shape[1 - axis] as number)),
    }),
  };
}

/** Log-densities summed over the features. */
function bernoulli(batch: number, features: number): KernelRow {
  return {
    name: `Bernoulli ${batch}×${features}`,
    build: () => {
      const logits = real('logits', [batch, features]);
      const x = real('x', [batch, features], bits);
      return {
        program: { outputs: { y: sum(bernoulliLogProb(logits, x), 1) } },
        bytes: 4 * (2 * batch * features + batch),
      };
    },
  };
}

/** Normal log-densities summed over the last axis, then a log-sum-exp over the samples. */
function importanceWeights(batch: number, samples: number, latent: number): KernelRow {
  return {
    name: `normal, log-sum-exp ${batch}×${samples}×${latent}`,
    build: () => {
      const z = real('z', [batch, samples, latent]);
      const mean = real('mean', [batch, 1, latent]);
      const logStd = real('logStd', [batch, 1, latent]);
      const logDensity = new Normal(mean, logStd).logProb(z);
      return {
        program: { outputs: { y: logSumExp(logDensity, 1) } },
        bytes: 4 * (batch * samples * latent + 2 * batch * latent + batch),
      };
    },
  };
}

function adamUpdate(size: number): KernelRow {
  return {
    name: `Adam update ${size}`,
    build: () => {
      const [parameters, gradient, m, count] = [
        real('parameters', [size]),
        real('gradient', [size]),
        real('m', [size]),
        variable('count', [], { init: () => [100] }),
      ];
      const v = real('v', [size], (shape) => new Float32Array(shape[0] as number).fill(0.1));
      const optimizer = adam({ lr: 1e-6 });
      const next = optimizer.update({
        parameters,
        gradient,
        learningRate: mul(count, 1e-8),
        count,
        state: { m, v },
      });
      return {
        program: {
          effects: [
            assign(parameters, next.parameters),
            assign(m, next.state.m as Tensor),
            assign(v, next.state.v as Tensor),
          ],
        },
        bytes: 4 * 7 * size,
      };
    },
  };
}

/** A shuffled batch of bytes, drawn as zeros and ones. */
function binarisedBatch(count: number, batch: number, features: number): KernelRow {
  return {
    name: `gather, binarise ${batch}×${features}`,
    build: () => {
      const table = variable('table', [count, features], { dtype: 'u8', role: 'data' });
      const words = [0, 1].map((i) => reshape(slice(seed, 0, i, i + 1), [])) as [Tensor, Tensor];
      const rows = gather(table, batchIndices(count, batch, words));
      return {
        program: { outputs: { x: randomBernoulli(rows) } },
        bytes: 5 * batch * features,
      };
    },
  };
}

function reparameterised(rows: number, latent: number): KernelRow {
  return {
    name: `reparameterise ${rows}×${latent}`,
    build: () => {
      const mean = real('mean', [rows, latent]);
      const logStd = real('logStd', [rows, latent]);
      return {
        program: { outputs: { z: reparameterize(mean, logStd, randomNormal([rows, latent])) } },
        bytes: 12 * rows * latent,
      };
    },
  };
}

function draws(size: number, hardwareOnly = false): KernelRow {
  return {
    name: `normal draws ${size}`,
    hardwareOnly,
    build: () => ({ program: { outputs: { x: randomNormal([size]) } }, bytes: 4 * size }),
  };
}

const rows: readonly KernelRow[] = [
  product('NN', 512, 512, 512),
  product('NT', 512, 512, 512),
  product('TN', 512, 512, 512),
  product('NN', 512, 784, 512),
  product('NN', 4096, 4096, 4096, true),
  // The VAE's, batch 100: two layers forward, a gradient of inputs and one of weights.
  linear(100, 784, 300),
  product('NT', 100, 300, 784),
  product('NN', 100, 784, 300),
  product('TN', 784, 100, 300),
  product('NT', 100, 20, 300),
  convolution('forward + ReLU', [32, 28, 32, 64]),
  convolution('to images', [32, 28, 32, 64]),
  convolution('to weights', [32, 28, 32, 64]),
  elementwise(1024, 1024),
  chain(200, 1024),
  reduction('sum', sum, [4096, 512], 1),
  reduction('sum', sum, [4096, 512], 0),
  reduction('log-sum-exp', logSumExp, [4096, 512], 1),
  bernoulli(1000, 784),
  importanceWeights(4096, 50, 20),
  adamUpdate(489_984),
  binarisedBatch(10_000, 500, 784),
  reparameterised(10_000, 20),
  draws(2 ** 20),
  // More than a GPU's caches hold.
  draws(2 ** 25, true),
];

/** Names of all kernels that an adapter of this kind is measured with. */
export function kernelNames(isSoftware: boolean): string[] {
  return rows.filter((row) => !(isSoftware && row.hardwareOnly)).map(({ name }) => name);
}

/** One of {@link kernelNames}. */
export function kernelRow(name: string): KernelRow {
  const row = rows.find((r) => r.name === name);
  if (!row) throw new Error(`there is no kernel '${name}'`);
  return row;
}
