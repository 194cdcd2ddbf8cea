// latentgpu sample: new data points from a model.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Device } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { type Asked, lack, type Model, need } from '../models/index.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { halfOption, loadModel, precisionOf, withInference } from './common/device.ts';
import { checkRoom, outputFile } from './common/files.ts';
import { classesNamed, conditionOf, labelOption, toldTo } from './data/told.ts';
import { writePoints } from './pictures/points.ts';

interface SampleOptions extends CommonOptions {
  count?: number;
  out: string;
  draw?: boolean;
  half?: boolean;
  temperature?: number;
  label?: string;
  labels?: string;
}

export function sampleCommand(program: Command): void {
  const command = program
    .command('sample')
    .description('Draws codes from the prior and decodes them; of a flow: draws noise and maps it.')
    .argument('<dir>', 'model folder')
    .addOption(countOption('--count <n>', 'how many; default: 64, or 10 of each of --labels'))
    .requiredOption('--out <file>', '.png: a picture; .npy: float32 [n, ...shape]')
    .option('--draw', "draws from the decoder's distribution, not its means")
    .addOption(
      new Option(
        '--temperature <t>',
        'of a flow: deviation of the noise; below 1, draws from denser regions',
      ).argParser(temperature),
    )
    .addOption(labelOption('of a conditional model: this class; default: all in turn'))
    .addOption(
      new Option('--labels <list>', 'these classes, a row each: 0-9 or cat,dog').conflicts('label'),
    )
    .action((dir: string, options: SampleOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  halfOption(command);
  common(command, 'latentgpu sample runs/mnist --count 100 --out samples.png --seed 7');
}

function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number of at least 0, such as 0.7');
}

async function perform(dir: string, options: SampleOptions, context: Context): Promise<void> {
  const { out, signal, seed = 0 } = context;
  const file = await outputFile(options.out, ['png', 'npy']);
  const loaded = await loadModel(dir, out);
  const { model } = loaded;
  const told = wanted(options, model, dir);
  const { count } = told;
  checkRoom(file, `--count ${count}`, count, loaded.model.features);
  const { controls } = need(model, 'draw', dir);
  const decoder = need(model, 'decode', dir);
  const hasTemperature = Object.hasOwn(controls, 'temperature');
  if (!hasTemperature && options.temperature !== undefined) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds a model that is drawn from without a temperature; leave out --temperature`,
    );
  }
  if (options.draw && !decoder.draw) {
    throw lack(model.can, 'decode.draw', dir, 'a model that only decodes means; leave out --draw');
  }
  const precision = precisionOf(dir, loaded, options.half);
  const { shape } = loaded.config.data;
  const heat = options.temperature ?? 1;
  // What a bijection makes of noise is a draw, not the mean of one.
  const shown = options.draw || model.can.bijection ? 'draw' : 'mean';
  const work = async (inference: Asked, device: Device) => {
    const x = await out.progress('sampling', (bar) =>
      inference.sample(count, shown, seed, {
        signal,
        onProgress: (done: number) => bar.update(done),
        ...(hasTemperature && { temperature: heat }),
        ...(told.labels && { labels: told.labels }),
      }),
    );
    await writePoints(file, x, count, loaded, told.columns ? { columns: told.columns } : {});
    out.result(
      {
        file: file.path,
        count,
        shape,
        shown,
        ...(options.half && { weights: precision }),
        ...(hasTemperature && { temperature: heat }),
        ...(told.classes && { classes: told.classes }),
        seed,
        adapter: device.adapter.name,
      },
      out.quiet ? '' : `${file.path}: ${count} ${shown}s of [${shape.join(', ')}]${told.text}`,
    );
  };
  await withInference(loaded, work, precision);
}

/** Draws, and of each of several classes. */
const COUNT = 64;
const OF_EACH = 10;

interface Wanted {
  readonly count: number;
  readonly labels?: Uint32Array;
  readonly classes?: readonly string[];
  /** Of a picture with a row a class. */
  readonly columns?: number;
  readonly text: string;
}

/** How many draws, and of which classes. */
function wanted({ count, label, labels }: SampleOptions, model: Model, dir: string): Wanted {
  if (labels === undefined) {
    const { condition } = model.can;
    if (label === undefined) {
      const text = condition ? `, classes in turn: ${condition.classes.join(', ')}` : '';
      return { count: count ?? COUNT, text };
    }
    const { classes } = conditionOf(model, dir, '--label');
    const told = toldTo(model, dir, label, count ?? COUNT);
    const name = classes[told.labels?.[0] ?? 0] as string;
    return { count: count ?? COUNT, ...told, classes: [name], text: ` of class ${name}` };
  }
  const condition = conditionOf(model, dir, '--labels');
  const each = classesNamed(condition, labels, '--labels');
  const columns = count ?? OF_EACH;
  const total = columns * each.length;
  const classes = each.map((c) => condition.classes[c] as string);
  return {
    count: total,
    labels: Uint32Array.from({ length: total }, (_, i) => each[Math.floor(i / columns)] as number),
    classes,
    columns,
    text: `, a row each: ${classes.join(', ')}`,
  };
}
