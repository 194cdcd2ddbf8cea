// latentgpu encode: the codes of data.
import { type Command, Option } from 'commander';
import { type Asked, lack, need } from '../models/index.ts';
import { type ChainFlags, chainOptions, drawPosterior, refuseChains } from './chains.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface EncodeOptions extends CommonOptions, SubjectOptions, ChainFlags {
  out: string;
  posterior?: 'hmc';
  draw?: boolean;
  std?: boolean;
}

export function encodeCommand(program: Command): void {
  const command = program
    .command('encode')
    .description(
      'Writes the codes of data: posterior means, draws, or deviations; of a flow: noise.',
    )
    .argument('<dir>', 'model folder')
    .requiredOption('--out <file>', '.npy: float32 [n, latent]')
    .addOption(new Option('--draw', 'draws from q(z | x), not its means').conflicts('std'))
    .option('--std', 'standard deviations of q(z | x), not its means')
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
  const file = await outputFile(options.out, ['npy']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const code = need(model, 'code', dir);
  const latent = code.size;
  const values = options.draw ? 'draws' : options.std ? 'deviations' : code.values;
  if (options.draw && !code.draw) {
    throw lack(model.can, 'code.draw', dir, 'a model whose codes are not drawn; leave out --draw');
  }
  if (options.std && !code.logStd) {
    const why = 'a model whose codes have no deviations; leave out --std';
    throw lack(model.can, 'code.logStd', dir, why);
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
      return options.std
        ? deviations(inference.encode(rows, count, work))
        : inference.encode(rows, count, work).then(({ mean }) => mean);
    });
    await writeArray(file, codes, [count, latent]);
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

async function deviations(codes: ReturnType<Asked['encode']>): Promise<Float32Array> {
  const { logStd } = await codes;
  return (logStd as Float32Array).map(Math.exp);
}
