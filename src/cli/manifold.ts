// latentgpu manifold: what a model decodes over a plane of its latent space.
import type { Command } from 'commander';
import { type Asked, type LatentPlane, latentGrid, need, priorPlane } from '../models/index.ts';
import { CODES } from '../pictures/codes.ts';
import { principalComponents } from '../pictures/components.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile } from './common/files.ts';
import { spareData } from './data/model-data.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';
import { labelOption, toldTo } from './data/told.ts';
import { whereOf, whereOption } from './data/where.ts';
import { writePoints } from './pictures/points.ts';

interface ManifoldOptions extends CommonOptions, SubjectOptions {
  out: string;
  side: number;
  label?: string;
  where?: string;
}

export function manifoldCommand(program: Command): void {
  const command = program
    .command('manifold')
    .description(
      'Decodes a grid over a 2-D latent space, equally spaced in probability; over the first ' +
        'two principal components of the codes of data where there are more dimensions.',
    )
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.png: a grid; .npy: float32 [side, side, ...shape]')
    .addOption(countOption('--side <n>', 'pictures along each axis').default(20))
    .addOption(labelOption())
    .addOption(whereOption('what they are'))
    .action((dir: string, options: ManifoldOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, `codes of the first n rows; default: ${CODES}`);
  common(command, 'latentgpu manifold runs/mnist2d --out manifold.png');
}

async function perform(dir: string, options: ManifoldOptions, context: Context): Promise<void> {
  const { out, signal } = context;
  const { side } = options;
  const file = await outputFile(options.out, ['png', 'npy']);
  const loaded = await loadModel(dir, out);
  await spareData(loaded, { '--out': options.out });
  const code = need(loaded.model, 'code', dir);
  need(loaded.model, 'decode', dir);
  const latent = code.size;
  const { shape } = loaded.config.data;
  const lead = latent === 1 ? [side] : [side, side];
  const count = lead.reduce((a, b) => a * b);
  checkRoom(file, `--side ${side}`, count, loaded.model.features);
  const told = {
    ...toldTo(loaded.model, dir, options.label, count),
    ...whereOf(loaded, dir, options.where, true),
  };
  // Where codes lie that are not those of N(0, I), the data must tell.
  const needsData = latent > 2 || !code.isStandard;
  const subject = needsData
    ? await loadSubject(dir, loaded, { limit: CODES, ...options }, context, 'codes')
    : undefined;
  await withInference(loaded, async (inference, device) => {
    const x = await out.progress('decoding', async (bar) => {
      const plane = subject
        ? await principalPlane(inference, subject, latent, signal)
        : priorPlane(latent as 1 | 2);
      const onProgress = (done: number) => bar.update(done);
      return await inference.decode(latentGrid(plane, side), count, 'mean', 0, {
        ...told,
        signal,
        onProgress,
      });
    });
    // Without gaps neighbouring images blend into each other, as they are meant to.
    await writePoints(file, x, count, loaded, {
      lead,
      columns: side,
      ...(shape.length > 1 && { gap: 0 }),
    });
    const over = subject ? 'principal components' : 'prior';
    out.result(
      {
        file: file.path,
        side,
        count,
        shape,
        over,
        ...subject?.summary,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${file.path}: ${lead.join(' × ')} over ${subject ? `the principal components of ${subject.title}` : "the prior's quantiles"}`,
    );
  });
}

async function principalPlane(
  inference: Asked,
  { rows, dataset: { count } }: Subject,
  latent: number,
  signal: AbortSignal,
): Promise<LatentPlane> {
  const { mean: codes } = await inference.encode(rows, count, { signal });
  const kept = Math.min(2, latent);
  const { mean, axes, variances } = principalComponents(codes, count, latent, kept);
  return {
    origin: mean,
    axes: Array.from({ length: kept }, (_, k) => axes.subarray(k * latent, (k + 1) * latent)),
    deviations: variances.map(Math.sqrt),
  };
}
