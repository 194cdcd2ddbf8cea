// latentgpu sample: new data points from a model.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { extentsText } from '../categories.ts';
import type { Device } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { type Asked, lack, need } from '../models/index.ts';
import {
  type CommonOptions,
  type Context,
  common,
  countOption,
  runCommand,
} from './common/command.ts';
import { halfOption, loadModel, precisionOf, withInference } from './common/device.ts';
import { checkRoom, outputFile, outputFiles } from './common/files.ts';
import { spareData } from './data/model-data.ts';
import { codesDrawn, type PriorChoice, priorOption, sourceFor } from './data/source.ts';
import { type WantedOptions, wanted, wantedOptions } from './data/wanted.ts';
import { whereOf, whereOption } from './data/where.ts';
import { checkHolds, writePoints } from './pictures/points.ts';

interface SampleOptions extends CommonOptions, WantedOptions {
  prior?: PriorChoice;
  where?: string;
  out: string;
  draw?: boolean;
  half?: boolean;
  temperature?: number;
  temperatures?: number[];
}

export function sampleCommand(program: Command): void {
  const command = program
    .command('sample')
    .description('Draws codes from the prior and decodes them; of a flow: draws noise and maps it.')
    .argument('<dir>', 'model folder')
    .addOption(countOption('--count <n>', 'how many; default: 64, or 10 a class or cluster'))
    .requiredOption(
      '--out <file>',
      '.png: a picture; .npy: float32 [n, ...shape]; .csv: a table; .wav: a sound each',
    )
    .option('--draw', "draws from the decoder's distribution, not its means")
    .addOption(priorOption())
    .addOption(
      new Option(
        '--temperature <t>',
        'of a flow: deviation of the noise; below 1, draws from denser regions',
      ).argParser(temperature),
    )
    .addOption(
      new Option(
        '--temperatures <list>',
        'of an hvae: of each layer, from the top: 1,0.8',
      ).argParser((text: string) => text.split(',').map(temperature)),
    );
  for (const option of wantedOptions()) command.addOption(option);
  command.addOption(whereOption('their values; what is not said is that of training rows in turn'));
  command.action((dir: string, options: SampleOptions) =>
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
  const file = await outputFile(options.out, ['png', 'npy', 'csv', 'wav']);
  const loaded = await loadModel(dir, out);
  checkHolds(file, dir, loaded);
  const { model } = loaded;
  const source = await sourceFor(dir, model, options.prior);
  const { count, of, columns, facts, text } = wanted(options, { source: source.model, model, dir });
  const { where } = whereOf(loaded, dir, options.where);
  checkRoom(file, `--count ${options.count ?? count}`, count, model.features);
  const paths = await outputFiles(file, file.kind === 'wav' ? count : 1);
  await spareData(loaded, { '--out': paths });
  const { ancestral, bijection } = model.can;
  const decoder = ancestral ? undefined : need(model, 'decode', dir);
  const { draw } = source.model.can;
  const controls = draw?.controls ?? {};
  const { temperatures } = options;
  const layers = draw?.layers?.length ?? 0;
  if (temperatures && temperatures.length !== layers) {
    throw new LatentGpuError(
      'bad-input',
      layers === 0
        ? `${dir} holds a model without layers of codes; leave out --temperatures`
        : `--temperatures names ${temperatures.length}, and ${dir} has ${layers} layers of codes, from the top down`,
    );
  }
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
  const { shape, categories } = loaded.config.data;
  const heat = options.temperature ?? 1;
  // What a bijection makes of noise is a draw, not the mean of one, and so is what is drawn in order.
  const isDrawn = options.draw || bijection || ancestral || decoder?.isCoarse;
  const shown = isDrawn ? 'draw' : 'mean';
  const work = async (inference: Asked, device: Device) => {
    const x = await out.progress('sampling', async (bar) => {
      const how = {
        signal,
        onProgress: (done: number) => bar.update(done),
        ...(hasTemperature && { temperature: heat }),
        ...(temperatures && { temperatures }),
        ...of,
        ...(where && { where }),
      };
      if (!source.fitted) return await inference.sample(count, shown, seed, how);
      const { labels, where: _, ...ofCodes } = how;
      const codes = await codesDrawn(inference.runtime, source.fitted, count, seed, ofCodes);
      return await inference.decode(codes, count, shown, seed, {
        signal,
        ...(labels && { labels }),
        ...(where && { where }),
      });
    });
    const written = await writePoints(file, x, count, loaded, {
      ...(columns && file.kind === 'png' && { columns }),
      ...(of.groups && { series: of.groups }),
      labels: of.labels,
    });
    out.result(
      {
        file: written,
        count,
        shape,
        shown,
        ...(source.fitted && { prior: 'fitted' }),
        ...(options.half && { weights: precision }),
        ...(hasTemperature && { temperature: heat }),
        ...(temperatures && { temperatures }),
        ...facts,
        ...(where && { where: options.where }),
        seed,
        adapter: device.adapter.name,
      },
      out.quiet
        ? ''
        : `${written}${written === file.path ? '' : ' …'}: ${count} ${shown}s of ${extentsText(shape, categories)}${text}${where ? `, where ${options.where}` : ''}`,
    );
  };
  await withInference(loaded, work, precision);
}
