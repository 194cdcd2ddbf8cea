/** Models fitted to tables of `tests/fixtures/tables`, as the command line fits them, in one process. */
import { join } from 'node:path';
import type { ImageDataset } from '../../src/data/dataset.ts';
import { toFloat32 } from '../../src/data/float32.ts';
import { loadData } from '../../src/data/load.node.ts';
import { standardizationOf, standardize } from '../../src/data/standardize.ts';
import type { Device } from '../../src/device/index.ts';
import { buildModel, evaluateModel } from '../../src/models/index.ts';
import {
  assignments,
  fit,
  initialOf,
  makeOptimizer,
  rowSourceOf,
  runConfig,
  settleRun,
  Trainer,
  type TrainerState,
  totalSteps,
  trainerOf,
} from '../../src/training/index.ts';
import { ROOT } from './cli.ts';

/** Files, their columns of classes, and whether values are standardised by population deviation. */
const TABLES = {
  faithful: { file: 'faithful.csv' },
  iris: { file: 'iris.csv', labels: 'Species' },
  breast: { file: 'breast_cancer.csv.gz', labels: 'label', isStandardized: true },
  digits: { file: 'digits.csv.gz', labels: 'label' },
} as const;

export type Table = keyof typeof TABLES;

export async function tableOf(name: Table) {
  const { file, labels, isStandardized } = {
    labels: undefined,
    isStandardized: false,
    ...TABLES[name],
  };
  const read = await loadData({
    data: join(ROOT, 'tests/fixtures/tables', file),
    split: 'train',
    range: 'any',
    ...(isStandardized && { float64: true }),
    ...(labels && { labelColumn: { name: labels, isOptional: false } }),
  });
  return isStandardized ? standardize(read, standardizationOf(read)) : toFloat32(read);
}

/**
 * A trainer of a family on a table.
 *
 * @param sets keys, as `--set` takes them
 * @param from a state to continue from
 */
export async function trainerOn(
  device: Device,
  family: string,
  table: Table | ImageDataset<Float32Array>,
  sets: string[],
  from?: TrainerState,
) {
  const data = typeof table === 'string' ? await tableOf(table) : table;
  const { shape, columns, count } = data;
  const traits = {
    shape,
    isContinuous: true,
    rows: count,
    hasMissing: data.mask !== undefined,
    ...(data.sequence && { sequence: data.sequence }),
  };
  const values = settleRun(family, [assignments(family, sets)], traits);
  const { classNames } = data;
  const { sequence } = data;
  const described = {
    shape,
    ...(columns && { columns }),
    ...(classNames && { classNames }),
    ...(sequence && { sequence }),
  };
  const { model: config, training } = runConfig(family, described, values);
  const model = buildModel(config, training.seed);
  const perEpoch = Math.ceil(count / training.batch);
  const total = totalSteps(training, perEpoch);
  const initial = initialOf(model, data, 'none', training.seed);
  const trainer = await Trainer.create(
    {
      ...trainerOf(model, training, () => makeOptimizer(training, perEpoch, total)),
      data,
      ...(initial && { initial }),
    },
    () => Promise.resolve(device),
    from,
  );
  return { data, model, trainer, total };
}

/** The same, trained and evaluated on its own rows; free its runtime. */
export async function fitted(
  device: Device,
  family: string,
  table: Table | ImageDataset<Float32Array>,
  sets: string[],
) {
  const { data, model, trainer, total } = await trainerOn(device, family, table, sets);
  const losses: number[] = [];
  const result = await fit(trainer, {
    steps: total,
    onEpoch: ({ metrics }) => void losses.push(metrics.loss as number),
  });
  const rows = rowSourceOf(data, 'none', 0);
  const evaluation = await evaluateModel(trainer.runtime, model, data, rows);
  return { data, model, rows, trainer, runtime: trainer.runtime, losses, result, evaluation };
}
