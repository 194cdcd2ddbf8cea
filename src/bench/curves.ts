// Cost against size: what is drawn as a curve, and over which sizes.
import { logSumExp, sum } from '../ops/index.ts';
import { elementwise, type KernelRow, product, reduction } from './kernels.ts';
import { ELBO, type TrainingSpec } from './objective-steps.ts';
import { prepareSampling, prepareTraining } from './steps.ts';
import type { Measured, Subjects } from './subjects.ts';
import { measuredStep, prepareKernel } from './subjects.ts';

export interface CurveSpec {
  readonly name: string;
  /** What its sizes count. */
  readonly axis: string;
  /** What a repetition makes `size` of, where it does. */
  readonly makes?: 'images';
  /** What is drawn; default: the time. */
  readonly rate?: 'GFLOP/s' | 'GB/s';
  /** Ascending, to where the fastest GPU is still quick; a curve ends where this adapter is not. */
  readonly sizes: readonly number[];
  /** The largest that a software adapter, which has the host's memory, is asked for. */
  readonly mostOnSoftware?: number;
  /** Cost grows at most as this power of the size. */
  readonly power: number;
  prepare(size: number, subjects: Subjects): Promise<Measured>;
}

/** Samples of a step in a curve: there are many points. */
const SAMPLE_MS = 30;

const powersOfTwo = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i));

function ofKernel(spec: Omit<CurveSpec, 'prepare'>, row: (size: number) => KernelRow): CurveSpec {
  return {
    ...spec,
    prepare: (size, subjects) =>
      prepareKernel(`${spec.name}, ${size}`, row(size).build(), subjects),
  };
}

const BATCHES = [10, 20, 50, 100, 200, 500, 1000];
/** Columns of what is reduced. */
const COLUMNS = 512;

export const curveSpecs: readonly CurveSpec[] = [
  ofKernel(
    {
      name: 'product n×n×n against n',
      axis: 'n',
      rate: 'GFLOP/s',
      sizes: powersOfTwo(5, 12),
      power: 3,
    },
    (n) => product('NN', n, n, n),
  ),
  // Two inputs and an output; the largest of them is as much as WebGPU binds by default, 128 MiB.
  ofKernel(
    {
      name: 'elementwise against bytes',
      axis: 'bytes',
      rate: 'GB/s',
      sizes: powersOfTwo(10, 25).map((n) => 12 * n),
      mostOnSoftware: 12 * 2 ** 23,
      power: 1,
    },
    (bytes) => elementwise(bytes / 12 / 256, 256),
  ),
  ofKernel(
    {
      name: 'sum of rows against bytes',
      axis: 'bytes',
      rate: 'GB/s',
      sizes: powersOfTwo(1, 16).map((rows) => 4 * COLUMNS * rows),
      mostOnSoftware: 2 ** 26,
      power: 1,
    },
    (bytes) => reduction('sum', sum, [bytes / (4 * COLUMNS), COLUMNS], 1),
  ),
  ofKernel(
    {
      name: 'log-sum-exp of rows against bytes',
      axis: 'bytes',
      rate: 'GB/s',
      sizes: powersOfTwo(1, 16).map((rows) => 4 * COLUMNS * rows),
      mostOnSoftware: 2 ** 26,
      power: 1,
    },
    (bytes) => reduction('log-sum-exp', logSumExp, [bytes / (4 * COLUMNS), COLUMNS], 1),
  ),
  {
    name: 'VAE step against batch',
    axis: 'batch',
    makes: 'images',
    sizes: BATCHES,
    power: 1,
    prepare: (batch, s) => training({ batch, objective: ELBO }, `batch ${batch}`, s),
  },
  {
    name: 'VAE step against width',
    axis: 'hidden units',
    sizes: powersOfTwo(5, 12),
    power: 1,
    prepare: (width, s) => training({ batch: 100, objective: ELBO, width }, `width ${width}`, s),
  },
  {
    name: 'IWAE step against K',
    axis: 'K',
    sizes: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    power: 1,
    prepare: (samples, s) =>
      training({ batch: 20, objective: { bound: 'iwae', samples } }, `K=${samples}`, s),
  },
  {
    name: 'free posterior step against N',
    axis: 'rows',
    sizes: [1000, 10_000, 100_000],
    power: 0,
    prepare: (rows, s) =>
      training({ batch: 100, objective: ELBO, posterior: { kind: 'free' }, rows }, `N=${rows}`, s),
  },
  {
    name: 'sampling against count',
    axis: 'images',
    makes: 'images',
    sizes: powersOfTwo(0, 14).filter((_, i) => i % 2 === 0),
    power: 1,
    prepare: async (count, subjects) =>
      measuredStep(await prepareSampling(`sample ${count}`, count, subjects, SAMPLE_MS)),
  },
];

async function training(spec: TrainingSpec, name: string, subjects: Subjects): Promise<Measured> {
  return measuredStep(await prepareTraining(name, spec, subjects, SAMPLE_MS));
}

/** Names of all curves. */
export const CURVES: readonly string[] = curveSpecs.map(({ name }) => name);
