#!/usr/bin/env node
// The command line. Every command is a file; here they meet, and their failures become one line.
import { Command, Help } from 'commander';
import { anomalyCommand } from './anomaly.ts';
import { benchCommand } from './bench.ts';
import { certifyCommand } from './certify.ts';
import { checkCommand } from './check.ts';
import { clusterCommand } from './cluster.ts';
import { failureOf } from './common/failure.ts';
import { loadModules } from './common/modules.ts';
import { version } from './common/version.ts';
import { decodeCommand } from './decode.ts';
import { doctorCommand } from './doctor.ts';
import { encodeCommand } from './encode.ts';
import { evalCommand } from './eval.ts';
import { exportCommand } from './export.ts';
import { gradientsCommand } from './gradients.ts';
import { importCommand } from './import.ts';
import { imputeCommand } from './impute.ts';
import { inspectCommand } from './inspect.ts';
import { interpolateCommand } from './interpolate.ts';
import { latentCommand } from './latent.ts';
import { manifoldCommand } from './manifold.ts';
import { predictCommand } from './predict.ts';
import { priorCommand } from './prior.ts';
import { reconstructCommand } from './reconstruct.ts';
import { reportCommand } from './report.ts';
import { sampleCommand } from './sample.ts';
import { scoreCommand } from './score.ts';
import { startCommand } from './start.ts';
import { trainCommand } from './train.ts';
import { tuneCommand } from './tune.ts';

/** Every command under its heading, with what the list of commands says of it. */
const COMMANDS: Record<string, readonly (readonly [(program: Command) => void, string])[]> = {
  'Train:': [
    [startCommand, 'trains a first model on built-in digits, in two minutes'],
    [trainCommand, 'trains a model and leaves a folder'],
    [priorCommand, "a density of a trained model's codes, to sample from"],
    [importCommand, "a PyTorch state_dict's safetensors as a model folder"],
  ],
  'Ask a model:': [
    [evalCommand, 'how good it is: bound, log-likelihood, bits/dim'],
    [scoreCommand, 'log p(x) of each row'],
    [predictCommand, 'another column, or classes, of each row'],
    [imputeCommand, 'what is missing, given what is seen'],
    [anomalyCommand, 'how well it tells its data from others'],
    [sampleCommand, 'new data points'],
    [clusterCommand, 'the groups that a mixture sorts data into'],
    [encodeCommand, 'codes of data'],
    [decodeCommand, 'data points for codes'],
    [reconstructCommand, 'data above their reconstructions'],
    [interpolateCommand, 'from one data point to another through latent space'],
    [manifoldCommand, 'a grid over a plane of latent space'],
    [latentCommand, 'codes of data in the plane, by label'],
    [reportCommand, 'all of this as one HTML file'],
    [certifyCommand, "whether a flow's inverse and log-determinants are right"],
    [gradientsCommand, "how noisy each estimator's gradients are"],
    [inspectCommand, 'tensors, size, what a training step does on the GPU'],
    [exportCommand, 'what it computes as ONNX'],
  ],
  'The machine:': [
    [doctorCommand, 'adapters, and what to do if there is none'],
    [benchCommand, "the adapter's peaks, and what share of them kernels reach"],
    [tuneCommand, 'measures which kernels are the fastest here, and remembers'],
    [checkCommand, 'compiles your own WGSL on Dawn, in browsers and in Deno'],
  ],
};

function build(): Command {
  const program = new Command('latentgpu')
    .description('Trains and runs deep generative models with WebGPU compute shaders.')
    .usage('[--with <module>] <command> [options]')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      '\nA family of your own: --with <module> before the command loads what defines it.\n' +
        '\nExample:\n  latentgpu train vae --data digits --epochs 3\n' +
        '  latentgpu train --help\n  latentgpu --with ./mine.mjs train mine --data digits',
    );
  for (const [heading, entries] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [add, summary] of entries) {
      add(program);
      program.commands.at(-1)?.summary(summary);
    }
  }
  return program.configureHelp({
    // --version and `latentgpu help train` work, too; nobody needs to be told.
    visibleOptions: () => [],
    visibleCommands: (command) =>
      new Help().visibleCommands(command).filter((each) => each.name() !== 'help'),
    subcommandTerm: (command) =>
      [
        command.name(),
        ...command.registeredArguments.map((a) => (a.required ? `<${a.name()}>` : `[${a.name()}]`)),
      ].join(' '),
  });
}

async function main(all: readonly string[]): Promise<void> {
  try {
    // Commands list the families there are: first those that modules bring.
    const args = await loadModules(all);
    const program = build();
    if (args.length === 0) program.outputHelp();
    else await perform(program, args);
  } catch (error) {
    fail(error, 'latentgpu', all);
  }
}

async function perform(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Help and version are thrown, too.
    if ((error as { exitCode?: number }).exitCode === 0) return;
    const name = program.commands.find((command) => command.name() === args[0])?.name();
    fail(error, name ? `latentgpu ${name}` : 'latentgpu', args);
  }
}

function fail(error: unknown, command: string, args: readonly string[]): void {
  const failure = failureOf(error, command);
  process.stderr.write(`latentgpu: ${failure.message}\n`);
  if (failure.code === 'internal' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  if (args.includes('--json')) {
    const { code, message } = failure;
    process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  }
  process.exitCode = failure.exit;
}

// Whoever reads the output may have had enough of it: `latentgpu inspect … | head`. Work that can be
// saved is stopped as by Ctrl-C.
let isUnheard = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && !isUnheard) throw error;
  if (isUnheard) return;
  isUnheard = true;
  if (process.listenerCount('SIGTERM') === 0) process.exit(0);
  process.kill(process.pid, 'SIGTERM');
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv.slice(2));
