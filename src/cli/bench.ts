// latentgpu bench: what this adapter can do, and what kernels and whole steps make of it.
import { access, constants, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type BenchHost,
  type BenchReport,
  compareReports,
  formatComparison,
  formatProfile,
  formatReport,
  makeTrainer,
  parseReport,
  profileSchedule,
  runBenchmark,
  stringifyReport,
  TRAINING_STEPS,
} from '../bench/index.ts';
import { openDevice } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { writeFileAtomic } from '../formats/atomic.node.ts';
import { type Context, common, countOption, runCommand } from './command.ts';
import { checkInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';

/** Short names of the steps that can be profiled. */
const PROFILED: Record<string, string> = {
  vae: TRAINING_STEPS[0] as string,
  'iwae-5': TRAINING_STEPS[1] as string,
  'iwae-50': TRAINING_STEPS[2] as string,
};

/** Share of the cores that others keep busy from which on medians are theirs too. */
const BUSY = 0.5;

interface BenchFlags {
  json?: boolean;
  quiet?: boolean;
  filter?: string[];
  seconds: number;
  rounds?: number;
  out?: string;
  compare?: string;
  profile?: string;
  clock?: 'gpu' | 'host';
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number above 0 and at most 3600');
}

function machine(): Omit<BenchHost, 'runtime'> {
  const processors = cpus();
  const versions: Record<string, string> = {};
  try {
    versions.webgpu = createRequire(import.meta.url)('webgpu/package.json').version;
  } catch {
    // It is not said where it does not stand.
  }
  const processor = processors[0]?.model.trim();
  const load = loadavg()[0] as number;
  return { cores: processors.length, ...(processor && { processor }), load, versions };
}

/** Says so if the machine is at something else: a stranger's work would be measured with ours. */
function remarkOnLoad(out: Output): void {
  const { load = 0, cores = 1 } = machine();
  if (load <= BUSY * cores) return;
  out.remark(
    `this machine is busy (load ${load.toFixed(1)} on ${cores} cores): read the best times, not the medians`,
  );
}

/** What the file holds with which this run is to be compared; checked before anything is measured. */
async function readBefore(path: string): Promise<BenchReport> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LatentGpuError('bad-input', `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseReport(text, path);
}

/** Minutes of measuring are not to end in a message that there is no such folder. */
async function checkWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new LatentGpuError(
      'bad-input',
      `--out ${path}: the folder ${folder} does not exist or cannot be written to`,
      { cause },
    );
  }
}

async function measure(flags: BenchFlags, { out, seed, signal }: Context): Promise<void> {
  const before = flags.compare === undefined ? undefined : await readBefore(flags.compare);
  remarkOnLoad(out);
  const report = await out.progress('bench', (bar) =>
    runBenchmark({
      seconds: flags.seconds,
      host: machine(),
      signal,
      ...(seed !== undefined && { seed }),
      ...(flags.rounds !== undefined && { minRounds: flags.rounds }),
      ...(flags.filter && { filter: flags.filter }),
      ...(flags.clock && { clock: flags.clock }),
      onProgress: (what, done) => bar.update(done, what),
    }),
  );
  const comparison = before && compareReports(before, report);
  if (flags.out !== undefined) await writeFileAtomic(flags.out, stringifyReport(report));
  const parts = [formatReport(report)];
  if (comparison) parts.push(formatComparison(comparison, flags.compare as string));
  if (flags.out !== undefined) parts.push(`written to ${flags.out}`);
  out.result(comparison ? { ...report, comparison } : report, parts.join('\n\n'));
}

async function profile(flags: BenchFlags, { out, seed, signal }: Context): Promise<void> {
  const name = PROFILED[flags.profile as string] as string;
  remarkOnLoad(out);
  const trainer = await makeTrainer(name, () => openDevice(), seed);
  try {
    const result = await profileSchedule(trainer.runtime, trainer.plan.schedule, {
      seconds: flags.seconds,
      signal,
      ...(flags.clock && { clock: flags.clock }),
    });
    if (flags.out !== undefined) {
      await writeFileAtomic(flags.out, `${JSON.stringify({ step: name, ...result }, null, 2)}\n`);
    }
    const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
    out.result({ step: name, ...result }, `${name}\n${formatProfile(result, width)}`);
  } finally {
    trainer.destroy();
  }
}

export function benchCommand(program: Command): void {
  const command = program
    .command('bench')
    .description(
      'Measures what the adapter does at best, and how much of that kernels and whole steps reach.',
    )
    .option('--filter <part...>', 'only what has one of these in its name')
    .addOption(
      new Option('--seconds <n>', 'time to measure for, once all is warm')
        .argParser(seconds)
        .default(20),
    )
    .addOption(countOption('--rounds <n>', 'rounds to take however long they last'))
    .option('--out <file>', 'writes the measurements as JSON')
    .option('--compare <file>', 'compares with the measurements of an earlier run')
    .addOption(
      new Option('--profile <step>', 'times each dispatch of a training step instead').choices(
        Object.keys(PROFILED),
      ),
    )
    .addOption(
      new Option('--clock <name>', 'whose clock times kernels, where there is a choice').choices([
        'gpu',
        'host',
      ]),
    )
    .action((flags: BenchFlags) =>
      runCommand(flags, async (context) => {
        if (flags.profile !== undefined && flags.compare !== undefined) {
          throw new LatentGpuError(
            'bad-config',
            '--compare reads whole measurements, not profiles; leave out --profile',
          );
        }
        if (flags.out !== undefined) await checkWritable(flags.out);
        try {
          await (flags.profile === undefined ? measure : profile)(flags, context);
        } catch (error) {
          checkInterrupt(context.signal, 'the benchmark');
          throw error;
        }
      }),
    );
  common(
    command,
    [
      'latentgpu bench',
      'latentgpu bench --filter product adam --seconds 10 --out now.json',
      'latentgpu bench --compare before.json',
      'latentgpu bench --profile vae',
    ].join('\n'),
  );
}
