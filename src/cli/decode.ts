// latentgpu decode: data points for codes.
import type { Command } from 'commander';
import { readIfPresent } from '../data/files.node.ts';
import type { Device } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { isNpy, readNpy } from '../formats/npy.ts';
import { type Asked, lack, need } from '../models/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { halfOption, loadModel, precisionOf, withInference } from './common/device.ts';
import { checkRoom, outputFile } from './common/files.ts';
import { spareData } from './data/model-data.ts';
import { labelOption, toldTo } from './data/told.ts';
import { whereOf, whereOption } from './data/where.ts';
import { writePoints } from './pictures/points.ts';

interface DecodeOptions extends CommonOptions {
  data: string;
  out: string;
  draw?: boolean;
  half?: boolean;
  label?: string;
  where?: string;
}

export function decodeCommand(program: Command): void {
  const command = program
    .command('decode')
    .description('Decodes codes: means of p(x | z), or draws; of a flow: the data of noise.')
    .argument('<dir>', 'model folder')
    .requiredOption('--data <file>', '.npy: codes [n, latent], as `encode` writes them')
    .requiredOption('--out <file>', '.png: a picture; .npy: float32 [n, ...shape]')
    .option('--draw', "draws from the decoder's distribution, not its means")
    .addOption(labelOption())
    .addOption(whereOption('what they are'))
    .action((dir: string, options: DecodeOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  halfOption(command);
  common(command, 'latentgpu decode runs/mnist --data z.npy --out x.png');
}

async function perform(dir: string, options: DecodeOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['npy', 'png']);
  const loaded = await loadModel(dir, out);
  await spareData(loaded, { '--out': options.out }, options.data);
  const { can } = loaded.model;
  const decoder = need(loaded.model, 'decode', dir);
  if (options.draw && !decoder.draw) {
    throw lack(can, 'decode.draw', dir, 'a model that only decodes means; leave out --draw');
  }
  const precision = precisionOf(dir, loaded, options.half);
  const latent = need(loaded.model, 'code', dir).size;
  const { codes, count } = await readCodes(options.data, latent);
  checkRoom(file, `${count} codes`, count, loaded.model.features);
  const told = {
    ...toldTo(loaded.model, dir, options.label, count),
    ...whereOf(loaded, dir, options.where, true),
  };
  const shown = options.draw ? 'draw' : 'mean';
  const work = async (inference: Asked, device: Device) => {
    const x = await out.progress('decoding', (bar) =>
      inference.decode(codes, count, shown, seed, {
        ...told,
        signal,
        onProgress: (done) => bar.update(done),
      }),
    );
    await writePoints(file, x, count, loaded);
    const { shape } = loaded.config.data;
    out.result(
      {
        file: file.path,
        count,
        shape,
        shown,
        ...(options.half && { weights: precision }),
        seed,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${file.path}: ${count} ${decoder.draw ? shown : 'point'}s of [${shape.join(', ')}]`,
    );
  };
  await withInference(loaded, work, precision);
}

/** @throws LatentGpuError `bad-input`, `bad-format`, `shape-mismatch`, `bad-data` */
async function readCodes(
  path: string,
  latent: number,
): Promise<{ codes: Float32Array; count: number }> {
  const bytes = await readIfPresent(path);
  if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
  if (!isNpy(bytes)) {
    throw new LatentGpuError(
      'bad-format',
      `${path} is no .npy file; write the codes as one, as with \`latentgpu encode … --out z.npy\``,
    );
  }
  const { shape, data } = readNpy(bytes, path);
  const [count = 0, width] = shape;
  if (shape.length !== 2 || width !== latent) {
    throw new LatentGpuError(
      'shape-mismatch',
      `${path} holds [${shape.join(', ')}] and the model takes codes [n, ${latent}]`,
    );
  }
  if (count === 0) throw new LatentGpuError('bad-data', `${path} holds no codes`);
  const codes = Float32Array.from(data as ArrayLike<number | bigint>, Number);
  const wrong = codes.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new LatentGpuError(
      'bad-data',
      `${path}: code ${Math.floor(wrong / latent)} holds ${codes[wrong]} in dimension ${wrong % latent}`,
    );
  }
  return { codes, count };
}
