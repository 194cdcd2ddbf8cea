// latentgpu encode: the codes of data.
import { type Command, Option } from 'commander';
import type { ImageDataset } from '../data/dataset.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { type Codes, lack, need } from '../models/index.ts';
import { type ChainFlags, chainOptions, drawPosterior, refuseChains } from './chains.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { filledTable } from './data/filled.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface EncodeOptions extends CommonOptions, SubjectOptions, ChainFlags {
  out: string;
  posterior?: 'hmc';
  draw?: boolean;
  std?: boolean;
  components?: boolean;
}

export function encodeCommand(program: Command): void {
  const command = program
    .command('encode')
    .description(
      'Writes the codes of data: posterior means, draws, or deviations; of a flow: noise.',
    )
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.npy: float32 [n, latent]; .csv: with classes, if any')
    .addOption(new Option('--draw', 'draws from q(z | x), not its means').conflicts('std'))
    .option('--std', 'standard deviations of q(z | x), not its means')
    .addOption(
      new Option('--components', 'of ppca: coordinates along principal axes').conflicts([
        'draw',
        'std',
      ]),
    )
    .addOption(
      new Option('--posterior <how>', 'hmc: p(z | x) itself, by Hamiltonian Monte Carlo').choices([
        'hmc',
      ]),
    );
  chainOptions(command).action((dir: string, options: EncodeOptions) =>
    runCommand(options, (context) => perform(dir, options, context)),
  );
  dataOptions(command, 'the first n rows only');
  common(
    command,
    'latentgpu encode runs/mnist --split test --out z.npy\n' +
      'latentgpu encode runs/mnist --posterior hmc --limit 20 --out z.npy',
  );
}

async function perform(dir: string, options: EncodeOptions, context: Context): Promise<void> {
  if (options.posterior === 'hmc') return await drawPosterior(dir, options, context);
  refuseChains('--posterior hmc', options);
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['npy', 'csv']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const code = need(model, 'code', dir);
  const latent = code.size;
  const values = options.draw
    ? 'draws'
    : options.std
      ? 'deviations'
      : options.components
        ? 'components'
        : code.values;
  if (options.draw && !code.draw) {
    throw lack(model.can, 'code.draw', dir, 'a model whose codes are not drawn; leave out --draw');
  }
  if (options.std && !code.logStd) {
    const why = 'a model whose codes have no deviations; leave out --std';
    throw lack(model.can, 'code.logStd', dir, why);
  }
  if (options.components && !code.components) {
    const why = 'a model without principal axes; train ppca';
    throw lack(model.can, 'code.components', dir, why);
  }
  const { dataset, rows, summary, title } = await loadSubject(
    dir,
    loaded,
    options,
    context,
    'codes',
  );
  const { count } = dataset;
  checkRoom(file, `${count} rows`, count, latent);
  await withInference(loaded, async (inference, device) => {
    const codes = await out.progress('encoding', (bar) => {
      const work = { signal, onProgress: (done: number) => bar.update(done) };
      if (options.draw) return inference.drawCodes(rows, count, seed, work);
      return inference.encode(rows, count, work).then(chosen(options));
    });
    if (file.kind === 'npy') await writeArray(file, codes, [count, latent]);
    else await writeFileAtomic(file.path, table(codes, latent, dataset, options));
    out.result(
      {
        file: file.path,
        count,
        latent,
        values,
        ...summary,
        seed,
        adapter: device.adapter.name,
      },
      out.quiet ? '' : `${file.path}: ${values} [${count}, ${latent}] of ${title}`,
    );
  });
}

const chosen =
  ({ std, components }: EncodeOptions) =>
  (codes: Codes): Float32Array => {
    if (std) return (codes.logStd as Float32Array).map(Math.exp);
    return components ? (codes.components as Float32Array) : codes.mean;
  };

/** With the rows' classes beside them, as other tables have them: data to train on. */
function table(
  codes: Float32Array,
  latent: number,
  { labels, classes = 0, classNames, table: read, ...dataset }: ImageDataset,
  { components }: EncodeOptions,
): string {
  const columns = Array.from({ length: latent }, (_, i) => `${components ? 'pc' : 'z'}${i + 1}`);
  const names = classNames ?? Array.from({ length: classes }, (_, c) => String(c));
  const { mask: _, categories: __, ...rows } = dataset;
  return filledTable(
    {
      ...rows,
      ...{ shape: [latent], data: codes, columns },
      ...(labels && { labels, classNames: names }),
      ...(read && { table: read }),
    },
    codes,
  );
}
