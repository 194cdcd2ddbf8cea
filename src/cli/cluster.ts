// latentgpu cluster: the groups that a model sorts data into.
import type { Command } from 'commander';
import { UNKNOWN_CLASS } from '../constants.ts';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import {
  type Agreement,
  agreement,
  type Groups,
  groupsOf,
  lack,
  rowsOfNone,
} from '../models/index.ts';
import { clustersPicture } from '../pictures/clusters.ts';
import { appearanceOf } from '../pictures/points.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import {
  checkRoom,
  type OutputFile,
  outputFile,
  writeArray,
  writePicture,
} from './common/files.ts';
import { table, thousands } from './common/text.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface ClusterOptions extends CommonOptions, SubjectOptions {
  out?: string;
  picture?: string;
}

/** Rows of a picture. */
const SHOWN = 5000;

export function clusterCommand(program: Command): void {
  const command = program
    .command('cluster')
    .description('Sorts data into the groups of a model; with labels: accuracy, ARI, NMI.')
    .argument('<dir>', 'model folder')
    .option('--out <file>', '.csv: group and p(group | x) of each row; .npy: float32 [n, groups]')
    .option('--picture <file>', '.png: what each group looks like')
    .option('--label-column <name>', "a table's column of classes, by name or number")
    .action((dir: string, options: ClusterOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(command, 'latentgpu cluster runs/iris --split train --out groups.csv');
}

async function perform(dir: string, options: ClusterOptions, context: Context): Promise<void> {
  const { out, signal } = context;
  const file =
    options.out === undefined ? undefined : await outputFile(options.out, ['csv', 'npy']);
  const picture =
    options.picture === undefined
      ? undefined
      : await outputFile(options.picture, ['png'], '--picture');
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  if (!model.can.assign) {
    const why = 'a model that knows no groups; `latentgpu train gmm` makes one that does';
    throw lack(model.can, 'assign', dir, why);
  }
  const { dataset, rows, summary, title } = await loadSubject(
    dir,
    loaded,
    options,
    context,
    'codes',
  );
  const { count, labels } = dataset;
  await withInference(loaded, async ({ runtime }, device) => {
    const groups = await out.progress('clustering', (bar) =>
      groupsOf(runtime, model, rows, count, { signal, onProgress: (done) => bar.update(done) }),
    );
    checkSorted(dataset.name, rowsOfNone(groups));
    if (file) {
      checkRoom({ ...file, kind: 'npy' }, `${count} rows`, count, groups.size);
      await write(file, groups, count);
    }
    if (picture) {
      const shown = Math.min(count, SHOWN);
      const subject = {
        ...groups,
        rows: rows(0, shown),
        mask: rows.mask?.(0, shown),
        count: shown,
        labels: groups.labels.subarray(0, shown),
      };
      await writePicture(picture, clustersPicture(subject, appearanceOf(loaded)));
    }
    const found = labels && agreementOf(groups, labels, dataset.classes);
    const sizes = Array.from({ length: groups.size }, (_, k) =>
      groups.labels.reduce((sum, label) => sum + Number(label === k), 0),
    );
    const className = (c: number | undefined) =>
      c === undefined ? '' : (dataset.classNames?.[c] ?? String(c));
    out.result(
      {
        ...(file && { file: file.path }),
        ...(picture && { picture: picture.path }),
        count,
        groups: groups.size,
        sizes,
        ...(found && { ...found, classes: found.classes.map((c) => c ?? null) }),
        ...summary,
        adapter: device.adapter.name,
      },
      out.quiet ? '' : lines(title, sizes, found, className, [file, picture]),
    );
  });
}

/** @throws LatentGpuError `bad-data` for rows that belong to no group */
function checkSorted(name: string, [first, ...others]: readonly number[]): void {
  if (first === undefined) return;
  const more = others.length > 0 ? ` and ${others.length} more lie` : ' lies';
  throw new LatentGpuError(
    'bad-data',
    `${name}: row ${first}${more} further from every group than float32 reaches; leave out what is so far, or correct it`,
  );
}

/** Of the rows whose class is known. */
function agreementOf(
  groups: Groups,
  labels: Uint8Array | Uint32Array,
  classes: number | undefined,
): Agreement | undefined {
  const rows = [...labels.keys()].filter((row) => labels[row] !== UNKNOWN_CLASS);
  if (rows.length === 0) return undefined;
  const of = (values: ArrayLike<number>) => Uint32Array.from(rows, (row) => values[row] as number);
  const known = of(labels);
  return agreement(of(groups.labels), groups.size, known, classes ?? 1 + maximum(known));
}

const maximum = (values: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i] as number);
  return most;
};

function lines(
  title: string,
  sizes: readonly number[],
  found: Agreement | undefined,
  className: (c: number | undefined) => string,
  files: readonly (OutputFile | undefined)[],
): string {
  const rows = sizes.map((size, k) => [
    String(k),
    thousands(size),
    ...(found ? [className(found.classes[k])] : []),
  ]);
  const heads = ['group', 'rows', ...(found ? ['class'] : [])];
  return [
    ...files.flatMap((file) => (file ? [file.path] : [])),
    title,
    table([heads, ...rows]),
    ...(found
      ? [
          `accuracy ${found.accuracy.toFixed(4)}, ARI ${found.adjustedRandIndex.toFixed(4)}, NMI ${found.normalizedMutualInformation.toFixed(4)}`,
        ]
      : []),
  ].join('\n');
}

async function write(
  file: OutputFile,
  { responsibilities, labels, size }: Groups,
  count: number,
): Promise<void> {
  if (file.kind === 'npy') {
    await writeArray(file, responsibilities, [count, size]);
    return;
  }
  const heads = Array.from({ length: size }, (_, k) => `p${k}`);
  const rows = Array.from({ length: count }, (_, i) => [
    labels[i],
    ...Array.from(responsibilities.subarray(i * size, (i + 1) * size), (p) => p.toPrecision(7)),
  ]);
  const text = [['group', ...heads], ...rows].map((row) => row.join(',')).join('\n');
  await writeFileAtomic(file.path, new TextEncoder().encode(`${text}\n`));
}
