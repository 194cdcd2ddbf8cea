// latentgpu bench: what this adapter can do, and what kernels and whole steps make of it.
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type BenchReport,
  benchPage,
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
import { optionWords, quoted } from '../report/recipe.ts';
import { type TuneMode, tuneMode } from '../tuning/index.ts';
import { type Context, common, countOption, runCommand } from './common/command.ts';
import { checkPlace, outputFile } from './common/files.ts';
import { checkInterrupt } from './common/interrupt.ts';
import { machine, remarkOnLoad } from './common/machine.ts';

/** Short names of the steps that can be profiled. */
const PROFILED: Record<string, string> = {
  vae: TRAINING_STEPS[0] as string,
  'iwae-5': TRAINING_STEPS[1] as string,
  'iwae-50': TRAINING_STEPS[2] as string,
};

interface BenchFlags {
  json?: boolean;
  quiet?: boolean;
  filter?: string[];
  curves?: true | string[];
  seconds: number;
  rounds?: number;
  out?: string;
  html?: string;
  compare?: string;
  from?: string;
  profile?: string;
  clock?: 'gpu' | 'host';
  tune?: TuneMode;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number above 0 and at most 3600');
}

/** The measurements of an earlier run: JSON, or the page that holds them. */
async function readReport(path: string): Promise<BenchReport> {
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

/** The command that measures the same again. */
function commandOf(
  { filter, curves, seconds: time, rounds, clock, tune }: BenchFlags,
  seed?: number,
): string {
  const parts = curves === true ? [] : (curves ?? []);
  return [
    'latentgpu bench',
    ...(filter ? ['--filter', ...filter.map(quoted)] : []),
    ...(curves ? ['--curves', ...parts.map(quoted)] : []),
    ...optionWords({
      ...{ '--seconds': time, '--rounds': rounds, '--clock': clock, '--tune': tune },
      '--seed': seed,
    }),
  ].join(' ');
}

/** What was measured: now, or once. */
async function reportOf(flags: BenchFlags, { out, seed, signal }: Context): Promise<BenchReport> {
  if (flags.from !== undefined) return readReport(flags.from);
  remarkOnLoad(out);
  return out.progress('bench', (bar) =>
    runBenchmark({
      seconds: flags.seconds,
      host: machine(),
      command: commandOf(flags, seed),
      signal,
      ...(seed !== undefined && { seed }),
      ...(flags.rounds !== undefined && { minRounds: flags.rounds }),
      ...(flags.filter && { filter: flags.filter }),
      ...(flags.curves && { curves: flags.curves }),
      ...(flags.clock && { clock: flags.clock }),
      ...(flags.tune && { tune: flags.tune }),
      onProgress: (what, done) => bar.update(done, what),
    }),
  );
}

async function measure(flags: BenchFlags, context: Context): Promise<void> {
  const { compare, out: file, html } = flags;
  // Checked before minutes are spent on measuring.
  const before = compare === undefined ? undefined : await readReport(compare);
  if (html !== undefined) await outputFile(html, ['html'], '--html');
  const report = await reportOf(flags, context);
  const comparison = before && compareReports(before, report);
  if (file !== undefined) await writeFileAtomic(file, stringifyReport(report));
  if (html !== undefined) await writeFileAtomic(html, await benchPage(report, before));
  const parts = [formatReport(report)];
  if (comparison) parts.push(formatComparison(comparison, compare as string));
  const written = [file, html].filter((path) => path !== undefined);
  if (written.length > 0) parts.push(`written to ${written.join(' and ')}`);
  context.out.result(comparison ? { ...report, comparison } : report, parts.join('\n\n'));
}

async function profile(flags: BenchFlags, { out, seed, signal }: Context): Promise<void> {
  const name = PROFILED[flags.profile as string] as string;
  remarkOnLoad(out);
  const trainer = await makeTrainer(name, () => openDevice(), seed, flags.tune);
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

/** Options of measuring mean nothing to a profile or to a run that is over. */
function checkTogether(self: Command): void {
  const refuse = (one: string, others: readonly string[], why: string) => {
    if (self.getOptionValueSource(one) === undefined) return;
    const other = others.find((each) => self.getOptionValueSource(each) === 'cli');
    if (other === undefined) return;
    throw new LatentGpuError('bad-config', `--${one} and --${other} exclude each other: ${why}`);
  };
  refuse(
    'profile',
    ['compare', 'from', 'html', 'curves', 'filter'],
    'a profile is of one step, dispatch by dispatch',
  );
  refuse(
    'from',
    ['filter', 'curves', 'seconds', 'rounds', 'clock', 'tune', 'seed'],
    'what is in the file has been measured',
  );
}

export function benchCommand(program: Command): void {
  const command = program
    .command('bench')
    .description(
      'Measures what the adapter does at best, and how much of that kernels and whole steps reach.',
    )
    .option('--filter <part...>', 'only what has one of these in its name')
    .option('--curves [part...]', 'cost against size too: batch, width, K, bytes …')
    .addOption(
      new Option('--seconds <n>', 'time to measure for, once all is warm')
        .argParser(seconds)
        .default(20),
    )
    .addOption(countOption('--rounds <n>', 'rounds to take however long they last'))
    .option('--out <file>', 'writes the measurements as JSON')
    .option('--html <file>', 'writes a page with charts, to be passed on')
    .option('--compare <file>', 'compares with an earlier run: its JSON or its page')
    .option('--from <file>', 'shows an earlier run and measures nothing')
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
    .option('--tune <how>', 'kernels by measurement: off, remembered, auto or on', (how) =>
      tuneMode(how, '--tune'),
    )
    .action((flags: BenchFlags, self: Command) =>
      runCommand(flags, async (context) => {
        checkTogether(self);
        if (flags.out !== undefined) await checkPlace(flags.out);
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
      'latentgpu bench --curves --out now.json --html now.html',
      'latentgpu bench --filter product adam --compare before.json',
      'latentgpu bench --from now.json --compare before.json --html both.html',
    ].join('\n'),
  );
}
