#!/usr/bin/env node
// The command line. Every command is a file; here they meet, and their failures become one line.
import { Command } from 'commander';
import { benchCommand } from './bench.ts';
import { doctorCommand } from './doctor.ts';
import { evalCommand } from './eval.ts';
import { failureOf } from './failure.ts';
import { inspectCommand } from './inspect.ts';
import { sampleCommand } from './sample.ts';
import { startCommand } from './start.ts';
import { trainCommand } from './train.ts';
import { version } from './version.ts';

function build(): Command {
  const program = new Command('latentgpu')
    .description('Trains and runs deep generative models with WebGPU compute shaders.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', '\nExample:\n  latentgpu train vae --data digits --epochs 3');
  for (const add of [
    startCommand,
    doctorCommand,
    trainCommand,
    evalCommand,
    sampleCommand,
    inspectCommand,
    benchCommand,
  ]) {
    add(program);
  }
  return program;
}

async function main(args: readonly string[]): Promise<void> {
  const program = build();
  if (args.length === 0) program.outputHelp();
  else await perform(program, args);
}

async function perform(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Help and version are thrown, too.
    if ((error as { exitCode?: number }).exitCode === 0) return;
    const name = program.commands.find((command) => command.name() === args[0])?.name();
    const failure = failureOf(error, name ? `latentgpu ${name}` : 'latentgpu');
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
}

// Whoever reads the output may have had enough of it: `latentgpu inspect … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

await main(process.argv.slice(2));
