// A density of a trained model's codes, fitted after the fact: what the encoder leaves behind seldom lies as
// the prior has it ("weak marginals give bad generations"; Ghosh et al. 2020 fit a mixture). It is a model of
// the table of families, trained on codes as on any other data.
import type { LoadedDataset } from '../data/dataset.ts';
import {
  logScale,
  type Standardization,
  standardizationOf,
  standardize,
} from '../data/standardize.ts';
import { type Device, openDevice } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Variable } from '../graph/variable.ts';
import {
  buildModel,
  familyOf,
  logDensities,
  type Model,
  type ModelConfig,
  unpackBuffers,
  unpackParameters,
  type WeightValues,
} from '../models/index.ts';
import { binarizedRows } from './binarize.ts';
import { assignments, runConfig, settleRun } from './config.ts';
import { fit } from './fit.ts';
import { initialOf, trainerOf } from './learn.ts';
import { makeOptimizer, totalSteps } from './optimizer.ts';
import type { Progress } from './report.ts';
import type { TrainerState } from './state.ts';
import { Trainer } from './trainer.ts';

/** What may be fitted: families, with keys that are settled, and others that are usual here. */
const FITS = {
  gmm: { family: 'gmm', keys: [], usual: [] },
  // Few rows of codes would not fill a flow's usual epochs. On codes of 20 numbers, as many steps of a constant
  // 1e-3 end 1.3 nats lower, and 2,000 of them 0.8 (docs/numbers.md).
  realnvp: {
    family: 'realnvp',
    keys: [],
    usual: ['steps=600', 'schedule.kind=cosine', 'optimizer.lr=3e-3'],
  },
  normal: { family: 'gmm', keys: ['components=1', 'covariance=full'], usual: [] },
} as const;

export type CodeFit = keyof typeof FITS;
export const CODE_FITS = Object.keys(FITS) as CodeFit[];

/** A density of codes, as it lies in a folder. */
export interface CodeDensity {
  readonly config: ModelConfig;
  readonly model: Model;
  readonly values: ReadonlyMap<Variable, Float32Array>;
  readonly buffers: ReadonlyMap<Variable, WeightValues>;
  /** It sees codes standardised. */
  readonly standardization: Standardization;
}

export interface CodeFitOptions {
  readonly fit: CodeFit;
  /** `key=value`, of the family. */
  readonly set?: readonly string[];
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress, total: number) => void;
  /** Gives the device. Default: {@link openDevice} */
  readonly open?: () => Promise<Device>;
}

/** Codes [count, M]. */
export interface CodeRows {
  readonly values: Float32Array;
  readonly count: number;
}

/**
 * Fits a density to codes, and tells the log-densities of others that it has not seen, in nats.
 *
 * @throws LatentGpuError `bad-config`, `bad-data` for keys and codes that do not go together,
 *   `interrupted`
 */
export async function fitCodes(
  codes: CodeRows,
  held: CodeRows,
  { fit: kind, set = [], seed = 0, signal, onProgress, open = openDevice }: CodeFitOptions,
): Promise<{ readonly density: CodeDensity; readonly heldOut: Float64Array }> {
  const { family: name, keys, usual } = FITS[kind];
  const family = familyOf(name);
  const fixed = assignments(family, keys);
  const asked = assignments(family, set);
  for (const key of fixed.keys()) {
    if (!asked.has(key)) continue;
    throw new LatentGpuError('bad-config', `--set ${key}: a normal has none; take --fit ${name}`);
  }
  const raw = datasetOf(codes);
  const standardization = standardizationOf(raw);
  const data = standardize(raw, standardization);
  const given = new Map([['seed', { value: seed, source: '--seed' }]]);
  const traits = { shape: data.shape, isContinuous: true, rows: data.count };
  const values = settleRun(family, [assignments(family, usual), given, fixed, asked], traits);
  const described = { shape: data.shape, name: raw.name, standardized: true };
  const { model: config, training } = runConfig(family, described, values);
  if (training.batch > data.count) {
    throw new LatentGpuError(
      'bad-config',
      `batch is ${training.batch} and there are codes of ${data.count} rows to fit to; set batch=${data.count} or less`,
    );
  }
  const model = buildModel(config, training.seed);
  const perEpoch = Math.ceil(data.count / training.batch);
  const total = totalSteps(training, perEpoch);
  const initial = initialOf(model, data, 'none', training.seed);
  const trainer = await Trainer.create(
    {
      ...trainerOf(model, training, () => makeOptimizer(training, perEpoch, total)),
      data,
      ...(initial && { initial }),
    },
    open,
  );
  try {
    const { reason, parameters } = await fit(trainer, {
      steps: total,
      ...(signal && { signal }),
      ...(onProgress && { onProgress: (progress) => onProgress(progress, total) }),
    });
    if (reason === 'interrupted') {
      throw new LatentGpuError('interrupted', 'the fit was stopped; nothing has been written');
    }
    const state = trainer.lastState as TrainerState;
    const seen = standardize(datasetOf(held), standardization);
    const rows = (a: number, b: number) => binarizedRows(seen, a, b, 'none', 0);
    const found = await trainer.withParameters(parameters, (runtime) =>
      logDensities(runtime, model, rows, seen.count),
    );
    const scale = logScale(standardization);
    return {
      density: {
        config,
        model,
        values: unpackParameters(model, parameters),
        buffers: unpackBuffers(model, state.tensors),
        standardization,
      },
      heldOut: found.map((value) => value - scale),
    };
  } finally {
    trainer.destroy();
  }
}

function datasetOf({ values, count }: CodeRows): LoadedDataset {
  return { name: 'codes', source: 'codes', count, shape: [values.length / count], data: values };
}

/** log N(z; 0, I) of each row, in nats. */
export function standardNormalDensities({ values, count }: CodeRows): Float64Array {
  const width = values.length / count;
  const constant = -0.5 * width * Math.log(2 * Math.PI);
  return Float64Array.from({ length: count }, (_, i) =>
    values.subarray(i * width, (i + 1) * width).reduce((sum, z) => sum - 0.5 * z * z, constant),
  );
}
