// latentgpu sample: new data points from a model.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { writeNpy } from '../formats/npy.ts';
import { Autoencoder, Inference } from '../models/index.ts';
import { grid } from '../pictures/grid.ts';
import { encodePng } from '../pictures/png.ts';
import { type CommonOptions, type Context, common, countOption, runCommand } from './command.ts';
import { loadModel, withModel } from './device.ts';

/** A picture of more could not be looked at, and an array would not fit a typed array. */
const LIMITS = { png: 10_000, npy: 10_000_000 } as const;

interface SampleOptions extends CommonOptions {
  count: number;
  out: string;
  draw?: boolean;
}

export function sampleCommand(program: Command): void {
  const command = program
    .command('sample')
    .description('Draws codes from the prior and decodes them: a grid of pictures, or an array.')
    .argument('<dir>', 'model folder')
    .addOption(countOption('--count <n>', 'how many').default(64))
    .requiredOption('--out <file>', '.png: a grid; .npy: float32 [n, ...shape]')
    .option('--draw', "draws from the decoder's distribution, not its means")
    .action((dir: string, options: SampleOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  common(command, 'latentgpu sample runs/mnist --count 100 --out samples.png --seed 7');
}

async function perform(
  dir: string,
  { count, out: path, draw }: SampleOptions,
  { out, seed = 0 }: Context,
): Promise<void> {
  const kind = /\.(png|npy)$/i.exec(path)?.[1]?.toLowerCase() as 'png' | 'npy' | undefined;
  if (!kind) {
    throw new LatentGpuError('bad-input', `--out ${path}: name a file that ends in .png or .npy`);
  }
  if (count > LIMITS[kind]) {
    throw new LatentGpuError(
      'bad-input',
      `--count ${count}: at most ${LIMITS[kind]} fit a .${kind} file${kind === 'png' ? '; a .npy takes more' : ''}`,
    );
  }
  if (!(await stat(dirname(path)).catch(() => undefined))?.isDirectory()) {
    throw new LatentGpuError('bad-input', `--out ${path}: there is no folder ${dirname(path)}`);
  }
  const loaded = await loadModel(dir, out);
  if (loaded.model instanceof Autoencoder) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds an autoencoder, which has no distribution of codes to draw from; train a vae for samples`,
    );
  }
  const { shape } = loaded.config.data;
  const shown = draw ? 'draw' : 'mean';
  await withModel(loaded, async (runtime, device) => {
    const inference = new Inference(runtime, loaded.model);
    const x = await inference.sample(count, shown, seed);
    await inference.destroy();
    const bytes =
      kind === 'npy'
        ? writeNpy(x, [count, ...shape])
        : encodePng(grid(x, { count, shape, scale: 2 }));
    await writeFileAtomic(path, bytes);
    out.result(
      { file: path, count, shape, shown, seed, adapter: device.adapter.name },
      out.quiet ? '' : `${path}: ${count} ${draw ? 'draws' : 'means'} of [${shape.join(', ')}]`,
    );
  });
}
