// latentgpu encode: the codes of data.
import { type Command, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { Autoencoder, codeSize, Inference } from '../models/index.ts';
import { isFlow } from '../training/model-folder.node.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { type AnyInference, loadModel, withInference } from './common/device.ts';
import { checkRoom, outputFile, writeArray } from './common/files.ts';
import { dataOptions, loadSubject, type SubjectOptions } from './data/subject.ts';

interface EncodeOptions extends CommonOptions, SubjectOptions {
  out: string;
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
    .action((dir: string, options: EncodeOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only');
  common(command, 'latentgpu encode runs/mnist --split test --out z.npy');
}

async function perform(dir: string, options: EncodeOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['npy']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const latent = codeSize(loaded.config);
  const values = options.draw ? 'draws' : options.std ? 'deviations' : 'means';
  const isOfFlow = isFlow(loaded);
  if ((isOfFlow || model instanceof Autoencoder) && values !== 'means') {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds ${isOfFlow ? 'a flow' : 'an autoencoder'}, whose codes have neither draws nor deviations; leave out --${options.draw ? 'draw' : 'std'}`,
    );
  }
  if (!isOfFlow && loaded.config.posterior && values === 'deviations') {
    throw new LatentGpuError(
      'bad-input',
      `${dir} has posterior=${loaded.config.posterior}, whose deviations have no closed form; leave out --std`,
    );
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
      if (values === 'draws' && inference instanceof Inference)
        return inference.drawCodes(rows, count, seed, work);
      return values === 'deviations'
        ? deviations(inference.encode(rows, count, work))
        : inference.encode(rows, count, work).then(({ mean }) => mean);
    });
    await writeArray(file, codes, [count, latent]);
    out.result(
      {
        file: file.path,
        count,
        latent,
        values: isOfFlow ? 'noise' : values,
        ...summary,
        seed,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${file.path}: ${isOfFlow ? 'noise' : values} [${count}, ${latent}] of ${title}`,
    );
  });
}

async function deviations(codes: ReturnType<AnyInference['encode']>): Promise<Float32Array> {
  const { logStd } = await codes;
  return (logStd as Float32Array).map(Math.exp);
}
