// latentgpu decode: data points for codes.
import type { Command } from 'commander';
import { extentsText } from '../categories.ts';
import { readIfPresent } from '../data/files.node.ts';
import type { Device } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { readCsv, type TableChoice } from '../formats/csv.ts';
import { isNpy, readNpy } from '../formats/npy.ts';
import { type Asked, lack, need } from '../models/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { halfOption, loadModel, precisionOf, withInference } from './common/device.ts';
import { checkRoom, outputFile } from './common/files.ts';
import { spareData } from './data/model-data.ts';
import { type TableFlags, tableChoice, tableOptionsInLine } from './data/table-options.ts';
import { labelOption, toldTo } from './data/told.ts';
import { whereOf, whereOption } from './data/where.ts';
import { checkHolds, writePoints } from './pictures/points.ts';

interface DecodeOptions extends CommonOptions, TableFlags {
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
    .requiredOption(
      '--data <file>',
      '.npy: codes [n, latent], .csv: z1,z2,…, as `encode` writes them',
    )
    .requiredOption('--out <file>', '.png: a picture; .npy: float32 [n, ...shape]; .csv: a table')
    .option('--draw', "draws from the decoder's distribution, not its means")
    .addOption(labelOption())
    .addOption(whereOption('what they are'))
    .action((dir: string, options: DecodeOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  tableOptionsInLine(command);
  halfOption(command);
  common(command, 'latentgpu decode runs/mnist --data z.npy --out x.png');
}

async function perform(dir: string, options: DecodeOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['npy', 'csv', 'png']);
  const loaded = await loadModel(dir, out);
  checkHolds(file, dir, loaded);
  await spareData(loaded, { '--out': options.out }, options.data);
  const { can } = loaded.model;
  const decoder = need(loaded.model, 'decode', dir);
  if (options.draw && !decoder.draw) {
    throw lack(can, 'decode.draw', dir, 'a model that only decodes means; leave out --draw');
  }
  const precision = precisionOf(dir, loaded, options.half);
  const latent = need(loaded.model, 'code', dir).size;
  const { codes, count, labels } = await readCodes(options, latent, loaded);
  checkRoom(file, `${count} codes`, count, loaded.model.features);
  const told = {
    ...(labels && options.label === undefined
      ? { labels }
      : toldTo(loaded.model, dir, options.label, count)),
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
    await writePoints(file, x, count, loaded, told);
    const { shape, categories } = loaded.config.data;
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
        : `${file.path}: ${count} ${decoder.draw ? shown : 'point'}s of ${extentsText(shape, categories)}`,
    );
  };
  await withInference(loaded, work, precision);
}

interface CodesRead {
  readonly codes: Float32Array;
  readonly count: number;
  /** Of a table with a column of classes that the model is told. */
  readonly labels?: Uint32Array;
}

/** @throws LatentGpuError `bad-input`, `bad-format`, `shape-mismatch`, `bad-data` */
async function readCodes(
  { data: path, ...flags }: DecodeOptions,
  latent: number,
  loaded: LoadedModel,
): Promise<CodesRead> {
  const bytes = await readIfPresent(path);
  if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
  if (!isNpy(bytes)) return codesOfTable(bytes, path, { latent, ...tableChoice(flags) }, loaded);
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

/** As `encode` writes them: z1, z2 …, and perhaps the class. */
function codesOfTable(
  bytes: Uint8Array,
  path: string,
  { latent, ...choice }: TableChoice & { readonly latent: number },
  { model: { can }, record }: LoadedModel,
): CodesRead {
  if (!/\.(csv|tsv|txt)$/i.test(path)) {
    throw new LatentGpuError(
      'bad-format',
      `${path} is no .npy file and no .csv; write the codes as one, as with \`latentgpu encode … --out z.npy\``,
    );
  }
  const classes = can.condition?.classes;
  const column = { name: record?.data.labelColumn ?? 'label', isOptional: true, mayLack: true };
  const table = readCsv(bytes, path, column, {
    ...choice,
    expected: Array.from({ length: latent }, (_, i) => `z${i + 1}`),
    ...(classes && { classes }),
  });
  const codes = Float32Array.from(table.values);
  const { labels, rows: count } = table;
  if (!classes || !labels) return { codes, count };
  const row = labels.findIndex((label) => label >= classes.length);
  if (row < 0) return { codes, count, labels };
  throw new LatentGpuError(
    'bad-data',
    `${path}: the class of row ${row} is none that the model knows; there are ${classes.join(', ')}`,
  );
}
