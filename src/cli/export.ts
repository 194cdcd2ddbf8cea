// latentgpu export: a model in the format of another world.
import { type Command, Option } from 'commander';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import type { OnnxFile, OnnxPart } from '../interchange/onnx/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { checkPlace } from './common/files.ts';
import { table } from './common/text.ts';
import { version } from './common/version.ts';

const FORMATS = ['onnx'];
const PARTS: readonly OnnxPart[] = ['encoder', 'decoder', 'autoencoder', 'density'];

interface ExportOptions extends CommonOptions {
  out: string;
  part: OnnxPart | 'all';
}

const ABOUT = `
A file for each part that the model has, float32, any number of rows ("batch").
The first is f.onnx, others are named after theirs, f.encoder.onnx:
  autoencoder  x -> mean, logStd, reconstruction (what the mean decodes to)
  density      x -> logProb (log p(x) in nats, where it is exact)
  encoder      x -> mean, logStd; of a flow z, the noise
  decoder      z -> x (the mean of p(x | z))
With what the decoder describes: logits (bernoulli, categorical), std (normal).
Of a conditional model also labels [batch] (int64), a class for each row.
Data are [batch, ...shape] as in model.json, in data units; codes [batch, M].`;

export function exportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('Writes what a model computes as ONNX, for ONNX Runtime and others.')
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
function paths(out: string, parts: readonly OnnxPart[]): [OnnxPart, string][] {
  const stem = out.slice(0, -'.onnx'.length);
  return parts.map((part, i) => [part, i === 0 ? out : `${stem}.${part}.onnx`]);
}

async function perform(
  dir: string,
  { out: path, part }: ExportOptions,
  { out }: Context,
): Promise<void> {
  if (!/[^/\\]\.onnx$/i.test(path)) {
    throw new LatentGpuError('bad-input', `--out ${path}: name a file that ends in .onnx`);
  }
  await checkPlace(path);
  const loaded = await loadModel(dir, out);
  // Here and not above: no other command should wait for the protocol buffers.
  const { onnxFile, onnxParts } = await import('../interchange/onnx/index.ts');
  const wanted = part === 'all' ? onnxParts(loaded.model) : [part];
  const made: [OnnxPart, OnnxFile][] = [];
  const refusals: string[] = [];
  for (const each of wanted) {
    try {
      made.push([each, onnxFile(loaded, each, version)]);
    } catch (error) {
      // Of several parts those are written that can be.
      if (!isLatentGpuError(error) || error.code !== 'bad-input') throw error;
      refusals.push(`the ${each} of ${dir} is not exported: ${error.message}`);
    }
  }
  if (made.length === 0) {
    throw new LatentGpuError('bad-input', refusals[0] ?? `${dir} holds nothing to export`);
  }
  const targets = paths(
    path,
    made.map(([each]) => each),
  );
  for (const [, name] of targets) await checkPlace(name);
  for (const line of refusals) out.remark(line);
  const files = made.map(([which, file], i) => ({
    name: (targets[i] as [OnnxPart, string])[1],
    part: which,
    file,
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
