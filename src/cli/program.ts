// The commands of the command line, each of a file of its own, under their headings.
import { Command, Help } from 'commander';
import { anomalyCommand } from './anomaly.ts';
import { benchCommand } from './bench.ts';
import { certifyCommand } from './certify.ts';
import { checkCommand } from './check.ts';
import { clusterCommand } from './cluster.ts';
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
    [exportCommand, 'for other engines: ONNX, PyTorch, a web page'],
  ],
  'The machine:': [
    [doctorCommand, 'adapters, and what to do if there is none'],
    [benchCommand, "the adapter's peaks, and what share of them kernels reach"],
    [tuneCommand, 'measures which kernels are the fastest here, and remembers'],
    [checkCommand, 'compiles your own WGSL on Dawn, in browsers and in Deno'],
  ],
};

export function buildProgram(): Command {
  const program = new Command('latentgpu')
    .description('Trains and runs deep generative models with WebGPU compute shaders.')
    .usage('[--with <module>] <command> [options]')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      '\nExample:\n  latentgpu train vae --data digits --epochs 3\n' +
        '  latentgpu --with ./mine.mjs train mine --data digits',
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
