// latentgpu anomaly: how well a model tells its own data from others, by several scores.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { rocPicture } from '../pictures/roc.ts';
import { type Separation, separation } from '../roc.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel } from './common/device.ts';
import { outputFile, writePicture } from './common/files.ts';
import { table, thousands } from './common/text.ts';
import { type Classified, classify, readClassifier, unlikely } from './data/classified.ts';
import { dataOptions, type SubjectOptions } from './data/subject.ts';
import { type Both, type OfBoth, scoresOf, subjectsOf } from './data/suspects.ts';

const SAMPLES = 100;
/** Rows of either kind. */
const ROWS = 1000;
/** Rows that are listed for people. */
const LISTED = 10;

interface AnomalyOptions extends CommonOptions, SubjectOptions {
  against: string;
  background?: string;
  classifier?: string;
  samples?: number;
  out?: string;
}

export function anomalyCommand(program: Command): void {
  const command = program
    .command('anomaly')
    .description(
      'Tells data from others by log p(x), its ratio to a background model, and reconstruction.',
    )
    .argument('<dir>', 'model folder')
    .requiredOption(
      '--against <name|path>',
      'the others: data, or rotated or noised for these, made strange',
    )
    .option('--background <dir>', 'a model of the same data trained with --set noise=0.2')
    .option(
      '--classifier <dir|p.npy>',
      "a classifier, or p(y | x) of the others' rows: lists the sure but unlikely ones",
    )
    .addOption(countOption('--samples <n>', `importance samples of a row, default ${SAMPLES}`))
    .option('--out <f.png>', 'the ROC curves')
    .action((dir: string, options: AnomalyOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, `the first n rows of either, default ${thousands(ROWS)}`);
  common(
    command,
    'latentgpu anomaly runs/digits --against rotated --out roc.png\n' +
      'latentgpu anomaly runs/mnist --background runs/noise --against b.npy',
  );
}

async function perform(dir: string, options: AnomalyOptions, context: Context): Promise<void> {
  const began = performance.now();
  const { out, seed = 0 } = context;
  const file = options.out === undefined ? undefined : await outputFile(options.out, ['png']);
  const loaded = await loadModel(dir, out);
  const { background: other } = options;
  const background = other === undefined ? undefined : await loadModel(other, out);
  const limited = { ...options, limit: options.limit ?? ROWS };
  const own = await subjectsOf(dir, loaded, limited, context);
  const theirs =
    background && other !== undefined
      ? await subjectsOf(other, background, limited, context)
      : undefined;
  if (theirs) checkSame(dir, `--background ${other}`, ' with --set noise=0.1', own, theirs);
  const [normal, strange] = own;
  const classifier = await classifierOf(dir, own, limited, context);
  const samples = options.samples ?? SAMPLES;
  const scored = await scoresOf(dir, loaded, own, samples, context, true);
  const { logProb, errors } = scored;
  const usual =
    background && theirs && other !== undefined
      ? (await scoresOf(other, background, theirs, samples, context, false)).logProb
      : undefined;
  const found: Record<string, Separation> = {
    ...(logProb && { logProb: byUnlikeliness(logProb) }),
    ...(logProb && usual && { likelihoodRatio: byUnlikeliness(ratiosOf(logProb, usual)) }),
    ...(errors && { reconstruction: separation(...errors) }),
  };
  if (Object.keys(found).length === 0) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} gives data neither probability nor reconstruction`,
    );
  }
  if (file) await writePicture(file, rocPicture(Object.values(found).map(({ curve }) => curve)));
  const suspects = classifier && logProb ? unlikely(classifier, ...logProb) : undefined;
  const by = (key: 'auroc' | 'auprc') =>
    Object.fromEntries(Object.entries(found).map(([name, each]) => [name, each[key]]));
  const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
  const counts = { count: normal.dataset.count, anomalies: strange.dataset.count };
  out.result(
    {
      ...{ auroc: by('auroc'), auprc: by('auprc'), ...counts },
      ...{ data: normal.dataset.name, against: strange.dataset.name, split: normal.summary.split },
      ...(file && { file: file.path }),
      ...(suspects && { confidentButUnlikely: suspects }),
      ...{ samples, seed, adapter: scored.adapter, seconds },
    },
    out.quiet
      ? ''
      : [
          table([
            ['data', normal.title],
            ['against', strange.title],
            ...Object.entries(found).map(([name, { auroc, auprc }], i) => [
              LABELS[name] as string,
              `AUROC ${auroc.toFixed(4)}, AUPRC ${auprc.toFixed(4)}${file ? ` (curve ${i})` : ''}`,
            ]),
            ...(suspects
              ? [['suspects', `${suspects.length} rows: confident classes, and hardly any p(x)`]]
              : []),
            ...(file ? [['file', file.path]] : []),
            ['adapter', scored.adapter],
            ['time', `${seconds.toFixed(1)} s`],
          ]),
          ...(suspects ?? [])
            .slice(0, LISTED)
            .map(
              (s) =>
                `row ${s.row}: class ${s.class} with ${s.confidence.toFixed(3)}, log p(x) ${s.logProb.toFixed(1)}, log p(y, x) ${s.logJoint.toFixed(1)}`,
            ),
        ].join('\n'),
  );
}

const LABELS: Readonly<Record<string, string>> = {
  logProb: 'log p(x)',
  likelihoodRatio: 'likelihood ratio',
  reconstruction: 'reconstruction error',
};

/** What is less likely is the likelier an anomaly. */
function byUnlikeliness([normal, strange]: OfBoth): Separation {
  const negative = (values: Float64Array) => values.map((value) => -value);
  return separation(negative(normal), negative(strange));
}

/** Log-ratios of the densities under a model to those under the background's. */
function ratiosOf(own: OfBoth, background: OfBoth): OfBoth {
  const minus = (a: Float64Array, b: Float64Array) => a.map((v, i) => v - (b[i] as number));
  return [minus(own[0], background[0]), minus(own[1], background[1])];
}

/** p(y | x) of the other rows, by a model that is trained or as it was written down. */
async function classifierOf(
  dir: string,
  own: Both,
  options: AnomalyOptions,
  context: Context,
): Promise<Classified | undefined> {
  const { classifier } = options;
  if (classifier === undefined) return undefined;
  if (!(await isFolder(classifier))) {
    return await readClassifier(classifier, own[1].dataset.count);
  }
  const loaded = await loadModel(classifier, context.out);
  const theirs = await subjectsOf(classifier, loaded, options, context);
  checkSame(dir, `--classifier ${classifier}`, '', own, theirs);
  return await classify(classifier, loaded, theirs[1], context);
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true;

/**
 * Rows are the same under two models.
 *
 * @param other the option that named the other, and how it is trained beside the first
 * @throws LatentGpuError `bad-input`
 */
function checkSame(dir: string, other: string, how: string, own: Both, theirs: Both): void {
  const isSame = own.every(({ original }, i) => {
    const { data } = (theirs[i] as (typeof own)[0]).original;
    return data.length === original.data.length && data.every((v, k) => v === original.data[k]);
  });
  if (isSame) return;
  throw new LatentGpuError(
    'bad-input',
    `${other} was trained on other data than ${dir}; train it on the same${how}, or name them with --data`,
  );
}
