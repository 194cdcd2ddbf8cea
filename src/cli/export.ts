// latentgpu export: a model in the format of another world.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import type { OnnxPart } from '../interchange/onnx/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import type { PriorChoice } from './data/source.ts';
import { exportOnnx, ONNX_PARTS } from './exports/onnx.ts';
import { exportTorch } from './exports/torch.ts';
import { exportWeb } from './exports/web.ts';

const FORMATS = ['onnx', 'torch', 'web'] as const;

interface ExportOptions extends CommonOptions {
  to: (typeof FORMATS)[number];
  out: string;
  part?: OnnxPart | 'all';
  half?: boolean;
  prior?: PriorChoice;
}

const ABOUT = `
--to onnx: a file for each part that the model has, float32, any number of rows.
The first is f.onnx, others after their part, f.encoder.onnx:
  autoencoder  x -> mean, logStd, reconstruction (what the mean decodes to)
  density      x -> logProb (log p(x) in nats, where it is exact)
  encoder      x -> mean, logStd; of a flow z, the noise
  decoder      z -> x (the mean of p(x | z)), logits or std
  predictor    x -> logits, probabilities of classes; or mean, std of a column
Of a conditional model also labels [batch] (int64), a class for each row.
Data are [batch, ...shape] as in model.json, in data units; codes [batch, M].
--to torch: the loss as a Python file for torchrun; \`import\` takes its weights.
--to web: what is drawn from, sampler.js, and an index.html that draws.`;

export function exportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('Writes a model for other engines: ONNX to run it, PyTorch to train it.')
    .argument('<dir>', 'model folder')
    .addOption(new Option('--to <format>', 'for whom').choices(FORMATS).default('onnx'))
    .requiredOption('--out <file>', 'ends in .onnx or .py; of web a folder')
    .option('--part <part>', 'of onnx only this one, as --out', among('all', ...ONNX_PARTS))
    .option('--half', 'of web: float16 weights, half the bytes, 3 decimals')
    .option(
      '--prior <which>',
      'of web: own or fitted, as in `latentgpu sample`',
      among('own', 'fitted'),
    )
    .action((dir: string, options: ExportOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    )
    .addHelpText('after', ABOUT);
  common(command, 'latentgpu export runs/mnist --to onnx --out mnist.onnx');
}

/** One of some words, which the help has no room to list. */
function among<T extends string>(...words: T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found) return found;
    throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`);
  };
}

async function perform(dir: string, options: ExportOptions, context: Context): Promise<void> {
  const { to, out, part, prior, half = false } = options;
  if (prior !== undefined && to !== 'web') {
    throw new LatentGpuError('bad-input', '--prior: codes are drawn in pages; it is for --to web');
  }
  if (half && to !== 'web') {
    throw new LatentGpuError('bad-input', `--half: --to ${to} has float32; it is for --to web`);
  }
  if (to === 'onnx') return await exportOnnx(dir, out, part ?? 'all', context);
  if (part !== undefined) {
    throw new LatentGpuError('bad-input', `--part: --to ${to} writes all of a model`);
  }
  if (to === 'torch') await exportTorch(dir, out, context);
  else await exportWeb(dir, out, { isHalf: half, prior }, context);
}
