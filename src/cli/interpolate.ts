// latentgpu interpolate: from one data point to another through latent space.
import { type Command, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { interpolate, need } from '../models/index.ts';
import { appearanceOf, isVector } from '../pictures/points.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  rowNumbers,
  runCommand,
} from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile } from './common/files.ts';
import { checkRows, dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';
import { labelOption, toldTo } from './data/told.ts';
import { whereOf, whereOption } from './data/where.ts';
import { checkHolds, writePoints } from './pictures/points.ts';

interface InterpolateOptions extends CommonOptions, SubjectOptions {
  out: string;
  from: number[];
  to: number[];
  steps: number;
  spherical?: boolean;
  label?: string;
  where?: string;
}

export function interpolateCommand(program: Command): void {
  const rows = (flags: string, help: string) =>
    new Option(flags, help).argParser(rowNumbers).makeOptionMandatory();
  const command = program
    .command('interpolate')
    .description('Goes from one data point to another through latent space.')
    .argument('<dir>', 'model folder')
    .addOption(rows('--from <row>', 'of the data; several, as 1,2,3, each with its own --to'))
    .addOption(rows('--to <row>', 'of the data'))
    .addOption(countOption('--steps <n>', 'pictures, both ends included', 2).default(7))
    .option('--spherical', 'along the arc between the codes; default: straight')
    .addOption(labelOption('of a conditional model: the class on the way; default: that of --from'))
    .addOption(whereOption('what they are on the way'))
    .requiredOption(
      '--out <file>',
      '.png: a row for each pair; .npy: [pairs, steps, ...shape]; .csv: a table',
    )
    .action((dir: string, options: InterpolateOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command);
  common(command, 'latentgpu interpolate runs/mnist --from 3 --to 8 --out path.png');
}

async function perform(dir: string, options: InterpolateOptions, context: Context): Promise<void> {
  const { out, signal } = context;
  const { from, to, steps } = options;
  const file = await outputFile(options.out, ['png', 'npy', 'csv']);
  if (from.length !== to.length) {
    throw new LatentGpuError(
      'bad-input',
      `--from names ${from.length} rows and --to ${to.length}; they go in pairs`,
    );
  }
  const loaded = await loadModel(dir, out);
  checkHolds(file, dir, loaded);
  const { shape } = loaded.config.data;
  const pairs = from.length;
  const count = pairs * steps;
  checkRoom(file, `${pairs} × ${steps} steps`, count, loaded.model.features);
  const { dataset, some, summary } = await loadSubject(dir, loaded, options, context, 'codes');
  checkRows('--from', from, dataset);
  checkRows('--to', to, dataset);
  const own = dataset.labels;
  const told =
    options.label !== undefined || !own || !loaded.model.can.condition
      ? toldTo(loaded.model, dir, options.label, count)
      : {
          labels: Uint32Array.from(
            { length: count },
            (_, i) => own[from[Math.floor(i / steps)] as number] as number,
          ),
        };
  const { where } = whereOf(loaded, dir, options.where, true);
  const path = options.spherical ? 'spherical' : 'straight';
  await withInference(loaded, async (inference, device) => {
    const latent = need(loaded.model, 'code', dir).size;
    const x = await out.progress('decoding', async (bar) => {
      const ends = (await inference.encode(some([...from, ...to]), 2 * pairs, { signal })).mean;
      const end = (i: number) => ends.subarray(i * latent, (i + 1) * latent);
      const codes = new Float32Array(count * latent);
      for (let i = 0; i < pairs; i++) {
        codes.set(interpolate(end(i), end(pairs + i), steps, path), i * steps * latent);
      }
      const onProgress = (done: number) => bar.update(done);
      return await inference.decode(codes, count, 'mean', 0, {
        ...told,
        ...(where && { where }),
        signal,
        onProgress,
      });
    });
    await writePoints(file, x, count, loaded, {
      ...told,
      lead: [pairs, steps],
      // Strips of vectors are best compared below each other.
      columns: isVector(appearanceOf(loaded)) ? 1 : steps,
      series: Array.from({ length: count }, (_, i) => Math.floor(i / steps)),
    });
    out.result(
      {
        file: file.path,
        from,
        to,
        steps,
        path,
        shape,
        ...summary,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${file.path}: ${pairs === 1 ? '' : `${pairs} times `}${steps} steps, ${path}, between rows of ${dataset.name}`,
    );
  });
}
