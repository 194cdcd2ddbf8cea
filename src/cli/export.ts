// latentgpu export: a model in the format of another world.
import { type Command, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import type { OnnxFile, OnnxPart, OnnxSource } from '../interchange/onnx.ts';
import { lack } from '../models/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { checkPlace } from './common/files.ts';
import { table } from './common/text.ts';
import { version } from './common/version.ts';

const FORMATS = ['onnx'];
const PARTS: readonly OnnxPart[] = ['encoder', 'decoder', 'autoencoder'];

interface ExportOptions extends CommonOptions {
  out: string;
  part: OnnxPart | 'all';
}

const ABOUT = `
Files of f.onnx, float32, any number of rows ("batch"):
  f.onnx          x -> mean, logStd, reconstruction (what the mean decodes to)
  f.encoder.onnx  x -> mean, logStd
  f.decoder.onnx  z -> x (the mean of p(x | z))
With what the decoder describes: logits (bernoulli, categorical), std (normal).
Data are [batch, ...shape] as in model.json, in data units; codes [batch, M].`;

export function exportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('Writes the encoder and the decoder as ONNX, for ONNX Runtime and others.')
    .argument('<dir>', 'model folder')
    .addOption(new Option('--to <format>', 'the only one so far').choices(FORMATS).default('onnx'))
    .requiredOption('--out <file>', 'a file that ends in .onnx; the others lie beside it')
    .addOption(
      new Option('--part <part>', 'only this one, as --out')
        .choices(['all', ...PARTS])
        .default('all'),
    )
    .action((dir: string, options: ExportOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    )
    .addHelpText('after', ABOUT);
  common(command, 'latentgpu export runs/mnist --to onnx --out mnist.onnx');
}

/** Where each part goes. */
function paths(out: string, part: OnnxPart | 'all'): [OnnxPart, string][] {
  if (part !== 'all') return [[part, out]];
  const stem = out.slice(0, -'.onnx'.length);
  return [
    ['autoencoder', out],
    ['encoder', `${stem}.encoder.onnx`],
    ['decoder', `${stem}.decoder.onnx`],
  ];
}

async function perform(
  dir: string,
  { out: path, part }: ExportOptions,
  { out }: Context,
): Promise<void> {
  if (!/[^/\\]\.onnx$/i.test(path)) {
    throw new LatentGpuError('bad-input', `--out ${path}: name a file that ends in .onnx`);
  }
  const targets = paths(path, part);
  for (const [, name] of targets) await checkPlace(name);
  const loaded = await loadModel(dir, out);
  const { can } = loaded.model;
  if (can.lacks?.graphs) throw lack(can, 'graphs', dir, '');
  // Here and not above: no other command should wait for the protocol buffers.
  const { onnxFile } = await import('../interchange/onnx.ts');
  const files = targets.map(([which, name]) => ({
    name,
    part: which,
    file: onnxFile(loaded as unknown as OnnxSource, which, version),
  }));
  for (const { name, file } of files) await writeFileAtomic(name, file.bytes);
  out.result(
    {
      format: 'onnx',
      files: files.map(({ name, part: which, file: { bytes, inputs, outputs } }) => ({
        file: name,
        part: which,
        bytes: bytes.length,
        inputs,
        outputs,
      })),
    },
    out.quiet ? '' : table(files.map(({ name, file }) => [name, signature(file)])),
  );
}

function signature({ inputs, outputs }: OnnxFile): string {
  const values = (list: OnnxFile['inputs']) =>
    list.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
  return `${values(inputs)} -> ${values(outputs)}`;
}
