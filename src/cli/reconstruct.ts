// latentgpu reconstruct: data, and what a model makes of them.
import { type Command, Option } from 'commander';
import { need } from '../models/index.ts';
import { CLOUD, cloudPicture } from '../pictures/clouds.ts';
import type { Picture } from '../pictures/png.ts';
import {
  type Appearance,
  appearanceOf,
  inDataUnits,
  isVector,
  pairsPicture,
} from '../pictures/points.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  rowNumbers,
  runCommand,
} from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile, outputFiles, writePicture } from './common/files.ts';
import { spareData } from './data/model-data.ts';
import { checkRows, dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';
import { classNamed, conditionOf } from './data/told.ts';
import { whereOf, whereOption } from './data/where.ts';
import { checkHolds, writePoints } from './pictures/points.ts';

/** Of a picture, unless another number is asked for. */
const PAIRS = 40;

interface ReconstructOptions extends CommonOptions, SubjectOptions {
  out: string;
  count?: number;
  offset?: number;
  rows?: number[];
  draw?: boolean;
  as?: string;
  where?: string;
}

export function reconstructCommand(program: Command): void {
  const command = program
    .command('reconstruct')
    .description('Encodes data and decodes the posterior means.')
    .argument('<dir>', 'model folder')
    .requiredOption(
      '--out <file>',
      '.png: data above, reconstruction below; .npy: [n, ...shape]; .csv: a table; .wav: a sound each',
    )
    .addOption(
      countOption('--count <n>', `how many; default: ${PAIRS} images in a .png, all in a .npy`),
    )
    .addOption(countOption('--offset <n>', 'from this row on; default: 0', 0))
    .addOption(
      new Option('--rows <list>', 'these rows, e.g. 1,5,8 or 0-9')
        .argParser(rowNumbers)
        .conflicts(['count', 'offset']),
    )
    .option('--draw', "draws from the decoder's distribution, not its means")
    .option('--as <class>', 'of a conditional model: with the same codes, as this class')
    .addOption(whereOption('the same codes, with these'))
    .action((dir: string, options: ReconstructOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command);
  common(command, 'latentgpu reconstruct runs/mnist --count 20 --out pairs.png');
}

async function perform(dir: string, options: ReconstructOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['png', 'npy', 'csv', 'wav']);
  const loaded = await loadModel(dir, out);
  checkHolds(file, dir, loaded);
  need(loaded.model, 'code', dir);
  const subject = await loadSubject(dir, loaded, options, context, 'codes');
  const { dataset, summary, title } = subject;
  if (options.rows) checkRows('--rows', options.rows, dataset);
  else checkRows('--offset', [options.offset ?? 0], dataset);
  const look = appearanceOf(loaded);
  const areVectors = isVector(look);
  const pictured = areVectors ? CLOUD : PAIRS;
  const usual = file.kind === 'png' ? pictured : dataset.count;
  const indices = chosenRows(options, dataset.count, usual);
  const count = indices.length;
  checkRoom(file, `${count} rows`, count, loaded.model.features);
  const paths = await outputFiles(file, file.kind === 'wav' ? count : 1);
  await spareData(loaded, { '--out': paths }, options.data);
  const shown = options.draw ? 'draw' : 'mean';
  const as =
    options.as === undefined
      ? undefined
      : classNamed(conditionOf(loaded.model, dir, '--as'), options.as, '--as');
  const { where } = whereOf(loaded, dir, options.where);
  await withInference(loaded, async (inference, device) => {
    const x = await out.progress('reconstructing', (bar) =>
      inference.reconstruct(subject.some(indices), count, shown, seed, {
        ...(as !== undefined && { labels: new Uint32Array(count).fill(as) }),
        ...(where && { where }),
        signal,
        onProgress: (done) => bar.update(done),
      }),
    );
    const { labels, classNames } = dataset;
    const told =
      as !== undefined
        ? { labels: new Uint32Array(count).fill(as) }
        : { labels: labels && indices.map((i) => labels[i] as number), classes: classNames };
    if (file.kind !== 'png') await writePoints(file, x, count, loaded, told);
    else {
      const some = subject.some(indices);
      const picture = compare(some(0, count), x, count, look, some.mask?.(0, count));
      await writePicture(file, picture);
    }
    const { shape } = look;
    const legend = areVectors && file.kind === 'png' ? ' beside data' : '';
    const about = { ...summary, seed, adapter: device.adapter.name };
    out.result(
      {
        file: paths[0],
        count,
        shape,
        shown,
        ...(as !== undefined && { as: options.as }),
        ...(where && { where: options.where }),
        ...about,
      },
      out.quiet
        ? ''
        : `${paths[0]}${paths.length > 1 ? ' …' : ''}: ${count} reconstructions${as === undefined ? '' : ` as ${options.as}`}${where ? `, where ${options.where}` : ''}${legend}; data ${title}`,
    );
  });
}

/** Row numbers, as far as there are rows. */
function chosenRows(
  { rows, count, offset = 0 }: ReconstructOptions,
  available: number,
  usual: number,
): number[] {
  if (rows) return rows;
  const length = Math.min(count ?? usual, available - offset);
  return Array.from({ length }, (_, i) => offset + i);
}

/** Images above each other, vectors as points in one plane; rows as the model sees and makes them. */
function compare(
  seen: Float32Array,
  made: Float32Array,
  count: number,
  look: Appearance,
  mask: ArrayLike<number> | undefined,
): Picture {
  const [features = 1] = look.shape;
  const areVectors = isVector(look);
  // Of many features, all are to count alike.
  if (areVectors && features > 2) return cloudPicture(seen, made, features, undefined, mask);
  const [data, again] = [inDataUnits(seen, look), inDataUnits(made, look)];
  return areVectors
    ? cloudPicture(data, again, features, undefined, mask)
    : pairsPicture(data, again, count, look, mask);
}
