// latentgpu latent: the codes of data in the plane.
import type { Command } from 'commander';
import { need } from '../models/index.ts';
import { CODES, codesPicture, inThePlane } from '../pictures/codes.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile, writeArray, writePicture } from './common/files.ts';
import { thousands } from './common/text.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface LatentOptions extends CommonOptions, SubjectOptions {
  out: string;
}

export function latentCommand(program: Command): void {
  const command = program
    .command('latent')
    .description('Shows the codes of data in their first two principal components, by label.')
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.png: a scatter plot; .npy: float32 [n, 2]')
    .action((dir: string, options: LatentOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, `the first n rows; default: ${thousands(CODES)} in a .png, all in a .npy`);
  common(command, 'latentgpu latent runs/mnist --limit 2000 --out latent.png');
}

async function perform(dir: string, options: LatentOptions, context: Context): Promise<void> {
  const { out, signal } = context;
  const file = await outputFile(options.out, ['png', 'npy']);
  const loaded = await loadModel(dir, out);
  const limit = options.limit ?? (file.kind === 'png' ? CODES : undefined);
  const subject = await loadSubject(
    dir,
    loaded,
    { ...options, ...(limit !== undefined && { limit }) },
    context,
    'codes',
  );
  const { dataset, rows, summary, title } = subject;
  const { count } = dataset;
  checkRoom({ ...file, kind: 'npy' }, `${count} rows`, count, 2);
  const latent = need(loaded.model, 'code', dir).size;
  await withInference(loaded, async (inference, device) => {
    const { mean } = await out.progress('encoding', (bar) =>
      inference.encode(rows, count, { signal, onProgress: (done) => bar.update(done) }),
    );
    const plane = inThePlane(mean, count, latent);
    const { share } = plane;
    if (file.kind === 'npy') await writeArray(file, plane.points, [count, 2]);
    else await writePicture(file, codesPicture(plane, latent, dataset));
    const axes = latent > 2 ? 'principal components' : 'latent dimensions';
    out.result(
      { file: file.path, count, axes, share, ...summary, adapter: device.adapter.name },
      out.quiet
        ? ''
        : `${file.path}: codes of ${title}${latent > 2 ? `; the plane has ${(100 * share).toFixed(0)}% of their variance` : ''}`,
    );
  });
}
