// latentgpu prior: a density of a trained model's codes, to sample from.
import { type Command, Option } from 'commander';
import { LatentGpuError } from '../errors.ts';
import { type Asked, lack, type Model, need } from '../models/index.ts';
import {
  CODE_FITS,
  type CodeFit,
  type CodeRows,
  fitCodes,
  standardNormalDensities,
} from '../training/code-density.ts';
import { weightsOf, writeFittedPrior } from '../training/fitted-prior.node.ts';
import { holdingFolder } from '../training/lock.node.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { commandDevice, loadModel, withInference } from './common/device.ts';
import { table, thousands } from './common/text.ts';
import { version } from './common/version.ts';
import { dataOptions, loadSubject, type Subject, type SubjectOptions } from './data/subject.ts';

interface PriorOptions extends CommonOptions, SubjectOptions {
  fit: CodeFit;
  set?: string[];
}

/** Every so many rows one is held out. */
const HELD = 10;

export function priorCommand(program: Command): void {
  const command = program
    .command('prior')
    .description(
      'Fits a density to the codes of a trained model, an autoencoder too; `sample` draws from it.',
    )
    .argument('<dir>', 'model folder, which keeps it as prior.json and prior.safetensors')
    .addOption(
      new Option('--fit <what>', 'a mixture of normals by EM, a flow, or one normal')
        .choices(CODE_FITS)
        .default('gmm'),
    )
    .option('--set <key=value...>', "keys of `train gmm` or `train realnvp`, e.g. 'components=20'")
    .action((dir: string, options: PriorOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  dataOptions(command, 'the first n rows only', 'train');
  common(command, 'latentgpu prior runs/digits-ae --fit gmm --set components=20');
}

async function perform(dir: string, options: PriorOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  checkCodes(model, dir);
  const weights = await weightsOf(dir);
  const subject = await loadSubject(dir, loaded, options, context, 'codes');
  const { count } = subject.dataset;
  if (count < HELD) {
    throw new LatentGpuError(
      'bad-input',
      `${subject.dataset.name} has ${count} rows; a density of codes takes ${HELD} or more, of which one in ${HELD} is held out`,
    );
  }
  const [codes, adapter] = await withInference(loaded, async (inference, device) => [
    await codesOf(inference, subject, context),
    device.adapter.name,
  ]);
  const { fitted: rows, held } = parted(codes);
  const { fit, set = [] } = options;
  const fitting = (kind: CodeFit, keys: readonly string[]) =>
    out.progress(`fitting ${kind}`, (bar) =>
      fitCodes(rows, held, {
        ...{ fit: kind, set: keys, seed, signal, open: commandDevice },
        onProgress: ({ step }, total) => bar.update(step / total),
      }),
    );
  const { density, heldOut } = await fitting(fit, set);
  const gaussian = fit === 'normal' ? heldOut : (await fitting('normal', [])).heldOut;
  const figures = {
    fitted: meanOf(heldOut),
    gaussian: meanOf(gaussian),
    standard: meanOf(standardNormalDensities(held)),
  };
  const about = {
    fit,
    codes: model.can.code?.draw ? 'draws' : 'means',
    rows: rows.count,
    heldOut: { rows: held.count, logDensity: figures },
  };
  await holdingFolder(dir, async () => {
    if ((await weightsOf(dir)) !== weights) {
      throw new LatentGpuError(
        'bad-input',
        `${dir} got other weights meanwhile; fit again once its run has ended`,
      );
    }
    await writeFittedPrior(dir, density, about, weights, version);
  });
  out.result(
    { folder: dir, ...about, ...subject.summary, seed, adapter },
    out.quiet ? '' : lines(dir, fit, figures, held.count, subject.title),
  );
}

/** @throws LatentGpuError `bad-input` for a model without codes of real numbers that it decodes */
function checkCodes(model: Model, dir: string): void {
  need(model, 'code', dir);
  need(model, 'decode', dir);
  const why = model.can.condition && 'a conditional model, whose codes go with a class';
  if (why || model.can.lacks?.prior) throw lack(model.can, 'prior', dir, why ?? '');
}

/** Draws of q(z | x), as the decoder knows them; of an encoder without any, the codes themselves. */
async function codesOf(
  inference: Asked,
  { rows, dataset }: Subject,
  { out, signal, seed = 0 }: Context,
): Promise<CodeRows> {
  const { count } = dataset;
  const values = await out.progress('encoding', async (bar) => {
    const work = { signal, onProgress: (done: number) => bar.update(done) };
    return inference.model.can.code?.draw
      ? await inference.drawCodes(rows, count, seed, work)
      : (await inference.encode(rows, count, work)).mean;
  });
  return { values, count };
}

/** The rows to fit to, and every tenth. */
function parted({ values, count }: CodeRows): { fitted: CodeRows; held: CodeRows } {
  const width = values.length / count;
  const isHeld = (i: number) => i % HELD === HELD - 1;
  const some = (chosen: (i: number) => boolean): CodeRows => {
    const indices = Array.from({ length: count }, (_, i) => i).filter(chosen);
    const own = new Float32Array(indices.length * width);
    indices.forEach((row, i) => {
      own.set(values.subarray(row * width, (row + 1) * width), i * width);
    });
    return { values: own, count: indices.length };
  };
  return { fitted: some((i) => !isHeld(i)), held: some(isHeld) };
}

const meanOf = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;

function lines(
  dir: string,
  fit: CodeFit,
  { fitted, gaussian, standard }: Readonly<Record<'fitted' | 'gaussian' | 'standard', number>>,
  held: number,
  title: string,
): string {
  const row = (what: string, nats: number) => [what, nats.toFixed(3)];
  return [
    title,
    table([
      ['log-density of held-out codes', `nats, ${thousands(held)} rows`],
      ...(fit === 'normal' ? [] : [row(fit, fitted)]),
      row('normal', gaussian),
      row('N(0, I)', standard),
    ]),
    `${dir}: prior.json, prior.safetensors; \`latentgpu sample ${dir} --prior fitted\` draws from it`,
  ].join('\n');
}
