// latentgpu tune: which variant of each kernel is the fastest on this adapter.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Device, openDevice } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { partsOf, type Schedule, schedule, tuningTasks } from '../scheduler/index.ts';
import { Runtime } from '../scheduler/run/runtime.ts';
import { type Measured, newTuner, openMemory } from '../tuning/index.ts';
import { type CommonOptions, type Context, common, runCommand } from './common/command.ts';
import { loadModel } from './common/device.ts';
import { table } from './common/text.ts';
import { stepProgram } from './step-program.ts';
import { commonWork, type TuningWork } from './tune-work.ts';

interface TuneFlags extends CommonOptions {
  seconds: number;
  forget?: boolean;
}

interface TunedWork {
  readonly name: string;
  readonly classes: readonly (Measured & { readonly ratio: number })[];
  /** Classes for which there was no time. */
  readonly left: number;
  /** What the measured kernels of one run take, by the default variants and by the winners. */
  readonly defaultMs: number;
  readonly tunedMs: number;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number above 0 and at most 3600');
}

async function perform(
  folder: string | undefined,
  flags: TuneFlags,
  context: Context,
): Promise<void> {
  if (flags.forget && folder !== undefined) {
    throw new LatentGpuError(
      'bad-config',
      '--forget forgets all that is remembered of this adapter; leave out the folder',
    );
  }
  const loaded = folder === undefined ? undefined : await loadModel(folder, context.out);
  const device = await openDevice();
  try {
    if (flags.forget) {
      await (await openMemory(device.adapter)).forget();
      const { name } = device.adapter;
      context.out.result({ adapter: name, forgotten: true }, `nothing is remembered of ${name}`);
      return;
    }
    const work: TuningWork[] = loaded
      ? [{ name: `a training step of ${folder}`, programs: [stepProgram(loaded)] }]
      : commonWork(device.adapter.isSoftware);
    await tune(device, work, flags.seconds, context);
  } finally {
    device.destroy();
  }
}

async function tune(
  device: Device,
  work: readonly TuningWork[],
  budget: number,
  { out, signal }: Context,
): Promise<void> {
  const { adapter } = new Runtime(device, { tune: 'off' });
  /** As it is planned without measurements. */
  const plan = (program: TuningWork['programs'][number]) => schedule(program, adapter);
  const results = await out.progress('tuning', async (bar) => {
    const tuner = newTuner(device, {
      mode: 'on',
      afresh: true,
      budgetMs: 1000 * budget,
      signal,
      onProgress: (done, label) => bar.update(done, label.slice(0, 40)),
    });
    const done: TunedWork[] = [];
    for (const { name, programs } of work) {
      const planned = programs.map(plan);
      await tuner.choose(planned.flatMap(tuningTasks));
      done.push(result(name, planned, tuner.measured));
    }
    return done;
  });
  if (signal.aborted) {
    throw new LatentGpuError('interrupted', 'tuning was stopped; what was measured is remembered');
  }
  const { name } = device.adapter;
  out.result(
    { adapter: name, work: results },
    [
      `${name}: medians in ms; a winner is faster by 5 % at least, beyond noise`,
      ...results.map(text),
    ].join('\n\n'),
  );
}

function result(
  name: string,
  planned: readonly Schedule[],
  measured: readonly Measured[],
): TunedWork {
  const known = new Map(measured.map((each) => [each.key, each]));
  const open = planned.flatMap(tuningTasks).filter(({ variants }) => variants.length > 1);
  const classes = new Set(open.map(({ key }) => key));
  const hits = planned
    .flatMap(({ kernels }) => kernels.flatMap(partsOf))
    .flatMap(({ choice }) => known.get(choice?.key ?? '') ?? []);
  const distinct = [...new Set(hits)];
  return {
    name,
    classes: distinct.map((each) => ({ ...each, ratio: each.defaultMs / each.winnerMs })),
    left: classes.size - distinct.length,
    defaultMs: hits.reduce((sum, { defaultMs }) => sum + defaultMs, 0),
    tunedMs: hits.reduce((sum, { winnerMs }) => sum + winnerMs, 0),
  };
}

function text({ name, classes, left, defaultMs, tunedMs }: TunedWork): string {
  const rows = classes.map((each) => [
    each.key,
    each.default,
    each.winner === each.default ? '' : each.winner,
    each.defaultMs.toPrecision(3),
    each.winnerMs.toPrecision(3),
    `${each.ratio.toFixed(2)}×`,
  ]);
  const head = ['class', 'default', 'winner', 'ms', 'now', 'ratio'];
  const missed = left > 0 ? `${left} classes not measured: give more --seconds` : undefined;
  const total = `${defaultMs.toPrecision(3)} → ${tunedMs.toPrecision(3)} ms, ${(defaultMs / tunedMs).toFixed(2)}×`;
  return [
    classes.length > 0 ? `${name}: ${total}` : name,
    ...(rows.length > 0 ? [table([head, ...rows])] : []),
    ...(missed ? [missed] : []),
  ].join('\n');
}

export function tuneCommand(program: Command): void {
  const command = program
    .command('tune')
    .description(
      'Measures which variant of each kernel is the fastest on this adapter, and remembers it for ' +
        'runs to come. A run that was begun keeps its kernels, so that it goes on bit for bit.',
    )
    .argument('[dir]', 'a model folder, whose training step is tuned; default: common steps')
    .addOption(
      new Option('--seconds <n>', 'time to measure for; the dearest kernels come first')
        .argParser(seconds)
        .default(10),
    )
    .option('--forget', 'forgets what is remembered of this adapter')
    .action((folder: string | undefined, flags: TuneFlags) =>
      runCommand(flags, (context) => perform(folder, flags, context)),
    );
  common(
    command,
    'latentgpu tune --seconds 30\n' +
      'latentgpu tune runs/mnist\n' +
      'LATENTGPU_TUNE=off latentgpu train vae --data digits   # or --tune off: shipped choices only',
  );
}
