// latentgpu train: trains a model and leaves a folder.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { familyNames, findFamily } from '../models/index.ts';
import { nearest } from '../nearest.ts';
import { holdingFolder } from '../training/lock.node.ts';
import { checkOutput } from '../training/output.node.ts';
import { tuneMode } from '../tuning/index.ts';
import { type Context, common, countOption, runCommand } from './common/command.ts';
import { hideOption } from './data/missing.ts';
import { tableOptions } from './data/table-options.ts';
import { windowOptions } from './data/window-options.ts';
import { keysObject, keysTable } from './training/keys-table.ts';
import { continued, defaultFolder, fresh, type TrainOptions } from './training/request.ts';
import { train } from './training/run.ts';
import { finish } from './training/summary.ts';

export function trainCommand(program: Command): void {
  const command = program
    .command('train')
    .description(
      `Trains a model (${familyNames().slice(0, 4).join(', ')} …; --keys lists all) and leaves a folder.`,
    )
    .argument('[family]')
    .option('--data <name|path>', 'digits, mnist, ecg …; IDX, .npy, .npz, table, PNG, WAV')
    .option('--data-dir <dir>', 'folder with the MNIST files')
    .option('--test <path>', 'test split, for data from a file or folder')
    .addOption(
      new Option('--hold-out <n>', 'rows to evaluate on instead: a number or a fraction').argParser(
        amount,
      ),
    )
    .option('--standardize', 'for values of any range: (x - mean) / deviation')
    .option('--label-column <name>', "a table's column of classes, by name or number")
    .option('--target <column>', 'the column that bayes-linear predicts')
    .option('--condition <columns>', 'of cvae: columns that it is told, e.g. age,dose')
    .addOption(hideOption())
    .addOption(
      new Option('--hide-labels <share>', 'of the rows of each class, for m2: 0.9').argParser(
        share,
      ),
    )
    .addOption(countOption('--limit <n>', 'train on the first n rows only'))
    .addOption(countOption('--epochs <n>', 'passes over the data, in all'))
    .addOption(countOption('--steps <n>', 'steps in all, in place of epochs'))
    .addOption(countOption('--batch <n>', 'data points in a step'))
    .option('--binarize <how>', 'resampled, once, static or none')
    .option('--config <file.json>', 'keys from a file')
    .option('--set <key=value...>', 'keys, e.g. latent=7 optimizer.lr=3e-4')
    .option('--keys', 'list families and keys, or every key of a family')
    .option('--tune <how>', 'kernels by measurement: off, remembered, auto or on', (how) =>
      tuneMode(how, '--tune'),
    )
    .option('--out <dir>', 'the folder; default: runs/<data>-<family>')
    .option('--resume', 'continue the run in the folder up to the given total')
    .option('--force', 'overwrite the model in the folder')
    .action((family: string | undefined, options: TrainOptions) =>
      runCommand(options, (context) => perform(family, options, context)),
    );
  tableOptions(command);
  windowOptions(command);
  common(command, 'latentgpu train vae --data mnist --epochs 5 --out runs/mnist');
}

async function perform(
  name: string | undefined,
  options: TrainOptions,
  context: Context,
): Promise<void> {
  if (options.keys) {
    const asked = name === undefined ? undefined : findFamily(name);
    if (name !== undefined && !asked) throw unknownFamily(name);
    context.out.result(keysObject(asked), keysTable(asked));
    return;
  }
  const family = findFamily(name);
  if (!family) throw unknownFamily(name);
  if (!options.resume) {
    finish(await train(await fresh(family, options, context), context), context);
    return;
  }
  const folder = options.out ?? (options.data && defaultFolder(options.data, family));
  if (folder === undefined) {
    throw new LatentGpuError('bad-config', 'name the folder of the run to continue with --out');
  }
  await checkOutput({ folder, resume: true, force: false });
  // Held while it is read, too: nobody may carry the run on meanwhile.
  await holdingFolder(folder, async () => {
    await checkOutput({ folder, resume: true, force: false });
    const request = await continued(folder, family, options, context);
    finish(await train(request, context), context);
  });
}

function unknownFamily(name: string | undefined): LatentGpuError {
  const names = familyNames();
  const why = name === undefined ? 'say what to train' : `cannot train '${name}'`;
  const hint = name === undefined ? '' : `; did you mean '${nearest(name, names)}'?`;
  return new LatentGpuError(
    'bad-config',
    `${why}: ${names.join(', ')}, as in \`latentgpu train vae --data digits\`${hint}`,
  );
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a fraction above 0 and below 1, such as 0.9');
}

/** A number of rows, or a fraction of them. */
function amount(text: string): number {
  const value = Number(text);
  const isFraction = value > 0 && value < 1;
  if (text.trim() !== '' && (isFraction || (Number.isSafeInteger(value) && value >= 0)))
    return value;
  throw new InvalidArgumentError('It must be a fraction below 1 or a whole number of rows');
}
