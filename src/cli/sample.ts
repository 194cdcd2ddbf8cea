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
import { drawsTold, labelOption } from './data/told.ts';
import { writePoints } from './pictures/points.ts';

interface SampleOptions extends CommonOptions {
  count?: number;
  cluster?: number | 'all';
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
    .addOption(countOption('--count <n>', 'how many; default: 64, of each of several groups 10'))
    .requiredOption('--out <file>', '.png: a picture; .npy: float32 [n, ...shape]')
    .option('--draw', "draws from the decoder's distribution, not its means")
    .addOption(
      new Option(
        '--cluster <k>',
        'from one cluster of a mixture, numbered from 0 as `cluster` has them; all: a line each',
      ).argParser(cluster),
    )
    .addOption(
      new Option(
        '--temperature <t>',
        'of a flow: deviation of the noise; below 1, draws from denser regions',
      ).argParser(temperature),
    )
    .addOption(labelOption('of a conditional model: this class; default: all in turn'))
    .addOption(
      new Option('--labels <list>', 'these classes, a row each: 0-9 or cat,dog').conflicts([
        'label',
        'cluster',
      ]),
    )
    .action((dir: string, options: SampleOptions) =>
      runCommand(options, (context) => perform(dir, options, context)),
    );
  halfOption(command);
  common(command, 'latentgpu sample runs/mnist --count 100 --out samples.png --seed 7');
}

/** Of all clusters together, so many each. */
const EACH = 10;
const COUNT = 64;

function cluster(text: string): number | 'all' {
  if (text === 'all') return text;
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be the number of a cluster, from 0, or all');
}

/** The cluster of each row that is to be drawn, if any are asked for. */
function groupsFor(
  dir: string,
  { can }: Model,
  { cluster: asked, count }: SampleOptions,
): Uint32Array | undefined {
  if (asked === undefined) return undefined;
  const known = can.draw?.groups;
  if (!known) {
    const why = 'a model that knows no clusters to draw from; leave out --cluster';
    throw lack(can, 'draw.groups', dir, why);
  }
  if (asked === 'all') {
    const each = count ?? EACH;
    return Uint32Array.from({ length: known.count * each }, (_, i) => Math.floor(i / each));
  }
  if (asked >= known.count) {
    throw new LatentGpuError(
      'bad-input',
      `--cluster ${asked}: ${dir} has ${known.count} clusters, 0 to ${known.count - 1}`,
    );
  }
  return new Uint32Array(count ?? COUNT).fill(asked);
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
  const { ancestral, bijection } = model.can;
  const decoder = ancestral ? undefined : need(model, 'decode', dir);
  const { controls } = ancestral ? (model.can.draw ?? { controls: {} }) : need(model, 'draw', dir);
  const groups = groupsFor(dir, model, options);
  const told = groups ? undefined : drawsTold(options, { all: COUNT, each: EACH }, model, dir);
  const count = groups?.length ?? told?.count ?? COUNT;
  checkRoom(file, `--count ${options.count ?? count}`, count, model.features);
  const hasTemperature = Object.hasOwn(controls, 'temperature');
  if (!hasTemperature && options.temperature !== undefined) {
    throw new LatentGpuError(
      'bad-input',
      `${dir} holds a model that is drawn from without a temperature; leave out --temperature`,
    );
  }
  if (options.draw && decoder && !decoder.draw) {
    throw lack(model.can, 'decode.draw', dir, 'a model that only decodes means; leave out --draw');
  }
  const precision = precisionOf(dir, loaded, options.half);
  const { shape } = loaded.config.data;
  const heat = options.temperature ?? 1;
  // What a bijection makes of noise is a draw, not the mean of one, and so is what is drawn in order.
  const shown = options.draw || bijection || ancestral ? 'draw' : 'mean';
  const work = async (inference: Asked, device: Device) => {
    const x = await out.progress('sampling', (bar) =>
      inference.sample(count, shown, seed, {
        signal,
        onProgress: (done: number) => bar.update(done),
        ...(hasTemperature && { temperature: heat }),
        ...(groups && { groups }),
        ...(told?.labels && { labels: told.labels }),
      }),
    );
    const columns = options.cluster === 'all' ? (options.count ?? EACH) : told?.columns;
    const layout = columns !== undefined && file.kind === 'png' ? { columns } : {};
    await writePoints(file, x, count, loaded, { ...layout, ...(groups && { series: groups }) });
    out.result(
      {
        file: file.path,
        count,
        shape,
        shown,
        ...(options.half && { weights: precision }),
        ...(hasTemperature && { temperature: heat }),
        ...(options.cluster !== undefined && { cluster: options.cluster }),
        ...(told?.classes && { classes: told.classes }),
        seed,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${file.path}: ${count} ${shown}s of [${shape.join(', ')}]${told?.text ?? ''}`,
    );
  };
  await withInference(loaded, work, precision);
}
