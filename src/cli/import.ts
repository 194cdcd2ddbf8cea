// latentgpu import: weights that were trained elsewhere, as a model folder.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readIfPresent } from '../data/files.node.ts';
import { LatentGpuError } from '../errors.ts';
import { type OwnWeights, ownWeights } from '../interchange/own-weights.ts';
import { parseMapping, parseRule, type Rule } from '../interchange/rules.ts';
import {
  type Description,
  IMPORTED,
  type Imported,
  importStateDict,
} from '../interchange/state-dict.ts';
import { type CodedConfig, familyOf, readModelJson } from '../models/index.ts';
import { knownKey } from '../schema/index.ts';
import { assignments } from '../training/index.ts';
import { holdingFolder } from '../training/lock.node.ts';
import { checkOutput } from '../training/output.node.ts';
import { RunFolder } from '../training/run-folder.node.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { table, thousands } from './common/text.ts';
import { version } from './common/version.ts';
import { weightsFile } from './common/weights-file.ts';

interface ImportOptions extends CommonOptions {
  out: string;
  map?: string;
  rename?: string[];
  transpose?: boolean;
  config?: string;
  family?: string;
  shape?: number[];
  set?: string[];
  force?: boolean;
}

const ABOUT = `
Targets: encoder.N, decoder.N (N gives the order), likelihood.logStd, or nothing
(left out); encoder.mean with encoder.logStd or encoder.logVar (two layers that
become one; a log-variance is halved); encoder.mean+logVar (one layer of both);
encoder.norms.N, decoder.norms.N (BatchNorm or LayerNorm before an activation).
--map: { "fc1": "encoder.0", "fc2": { "to": "decoder.0", "transpose": true } }`;

const EXAMPLE = `latentgpu import vae.safetensors --shape 28,28 --out runs/torch --rename \\
  fc1=encoder.0 fc21=encoder.mean fc22=encoder.logVar fc3=decoder.0 \\
  fc4=decoder.1`;

export function importCommand(program: Command): void {
  const command = program
    .command('import')
    .description('Makes a model folder of a PyTorch state_dict.')
    .argument('<file>', '.safetensors file or index, or what torch.save wrote')
    .requiredOption('--out <dir>', 'folder to write')
    .option('--rename <from=to...>', 'what a tensor, or all below a name, becomes')
    .option('--map <file>', 'the same as a JSON file')
    .option('--transpose', 'weights are [in, out], not [out, in]')
    .option('--config <file>', "a model.json; otherwise the tensors' shapes tell")
    .addOption(new Option('--family <name>', 'of the model').choices(IMPORTED))
    .addOption(new Option('--shape <h,w>', 'of a data point').argParser(extents))
    .option('--set <key=value...>', 'e.g. encoder.activation=tanh likelihood.kind=normal')
    .option('--force', 'overwrites a model that is there')
    .action((file: string, options: ImportOptions) =>
      runCommand(options, (context) => perform(file, options, context)),
    )
    .addHelpText('after', ABOUT);
  common(command, EXAMPLE);
}

function extents(text: string): number[] {
  const found = text.split(/[,x]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (found.length <= 3 && found.every((n) => Number.isSafeInteger(n) && n >= 1)) return found;
  throw new InvalidArgumentError('It must be height,width or height,width,channels or features');
}

async function textOf(path: string): Promise<string> {
  const bytes = await readIfPresent(path);
  if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
  return new TextDecoder().decode(bytes);
}

/** Rules of `--map`, over which those of `--rename` win. */
async function rulesOf({ map, rename = [] }: ImportOptions): Promise<Rule[]> {
  const named = rename.map((text) => parseRule(text, '--rename'));
  const twice = named.find(({ from }, i) => named.findIndex((rule) => rule.from === from) !== i);
  if (twice) throw new LatentGpuError('bad-config', `--rename: '${twice.from}' is named twice`);
  const mapped = map === undefined ? [] : parseMapping(await textOf(map), map);
  return [...mapped.filter(({ from }) => named.every((rule) => rule.from !== from)), ...named];
}

async function descriptionOf(
  { config: path, family, shape, set }: ImportOptions,
  { out }: Context,
): Promise<Description> {
  if (path === undefined) {
    const { keys } = familyOf(family ?? 'vae');
    const given = assignments(familyOf(family ?? 'vae'), set ?? []);
    for (const [name, { source }] of given) knownKey(keys, name, source);
    return { family, shape, given };
  }
  const other = Object.entries({ family, shape, set }).find(([, value]) => value !== undefined);
  if (other) {
    throw new LatentGpuError(
      'bad-config',
      `--${other[0]} and --config: ${path} says it all; give one or the other`,
    );
  }
  const { config, extra } = readModelJson(await textOf(path), path);
  if (!IMPORTED.includes(config.family)) {
    throw new LatentGpuError(
      'bad-config',
      `${path} describes a model of family ${config.family}; what is imported has an encoder and a decoder`,
    );
  }
  if (extra.length > 0) {
    out.remark(`${path} has what this version does not know: ${extra.join(', ')}`);
  }
  return { config: config as typeof config & CodedConfig, source: path };
}

async function perform(file: string, options: ImportOptions, context: Context): Promise<void> {
  const { out } = context;
  const { out: folder, force = false, transpose = false } = options;
  await checkOutput({ folder, resume: false, force });
  const rules = await rulesOf(options);
  const description = await descriptionOf(options, context);
  const { bytes, beside } = await weightsFile(file);
  const own = saysNothing(options) ? ownWeights(bytes, file) : undefined;
  if (own) return await takeOwn(own, folder, force, context);
  const imported = importStateDict({ bytes, file, beside, rules, transpose, description });
  const { config, values, buffers, standardization, assumed, mapped, dropped } = imported;
  await holdingFolder(folder, async () => {
    await checkOutput({ folder, resume: false, force });
    await new RunFolder(folder).writeImported(config, values, version, standardization, buffers);
  });
  const parameters = [...values.values()].reduce((sum, { length }) => sum + length, 0);
  out.result(
    { folder, parameters, config, mapped, dropped, assumed },
    out.quiet ? '' : report(imported, folder, parameters),
  );
  const converted = mapped.flatMap(({ how }) => how.filter((what) => what.endsWith(' to F32')));
  for (const what of new Set(converted)) {
    const count = converted.filter((one) => one === what).length;
    const rounds = what.startsWith('F64') ? ', rounded to seven digits' : ', exactly';
    out.remark(`converted from ${what}${rounds}: ${count} ${count === 1 ? 'tensor' : 'tensors'}`);
  }
  if (imported.within !== undefined)
    out.remark(`weights are those under ${JSON.stringify(imported.within)} in ${file}`);
  if (assumed.length > 0) out.remark(`assumed, as no tensor tells: ${assumed.join(', ')}`);
}

/** Whether only the file is to tell what it holds. */
const saysNothing = ({ map, rename, transpose, config, family, shape, set }: ImportOptions) =>
  [map, rename, transpose, config, family, shape, set].every((given) => given === undefined);

/** Weights of this library's own making, whose model they tell. */
async function takeOwn(
  { config, model, values, buffers, standardization, extra }: OwnWeights,
  folder: string,
  force: boolean,
  { out }: Context,
): Promise<void> {
  await holdingFolder(folder, async () => {
    await checkOutput({ folder, resume: false, force });
    await new RunFolder(folder).writeImported(config, values, version, standardization, buffers);
  });
  const parameters = model.parameterCount();
  out.result(
    { folder, parameters, config, mapped: [], dropped: extra, assumed: [] },
    out.quiet
      ? ''
      : `${folder}: ${config.family}, [${config.data.shape.join(', ')}], ${thousands(parameters)} numbers, under their own names`,
  );
  if (extra.length > 0)
    out.remark(`left out, as the model has no such tensors: ${extra.join(', ')}`);
}

function report({ mapped, dropped, config }: Imported, folder: string, parameters: number): string {
  const rows = mapped.map(({ from, shape, to, how }) => [
    from ?? '-',
    `[${shape.join(', ')}]`,
    to,
    how.join(', '),
  ]);
  const left = dropped.map((name) => [name, '', '-', 'left out']);
  const { family, data, latent, likelihood } = config;
  return [
    table([['tensor', 'shape', 'becomes', ''], ...rows, ...left]),
    '',
    `${folder}: ${family}, [${data.shape.join(', ')}] -> ${latent} -> ${likelihood.kind}, ${thousands(parameters)} numbers`,
  ].join('\n');
}
