// A command line: what is asked for is performed, and failures become one line.
import type { Command } from 'commander';
import { failureOf } from './common/failure.ts';
import { loadModules } from './common/modules.ts';
import { buildProgram } from './program.ts';

/** Performs a command line, the program's name left out. How it ends stands in `process.exitCode`. */
export async function perform(line: readonly string[]): Promise<void> {
  try {
    // Commands list the families there are: first those that modules bring.
    const args = await loadModules(line);
    const program = buildProgram();
    if (args.length === 0) program.outputHelp();
    else await parse(program, args);
  } catch (error) {
    fail(error, 'latentgpu', line);
  }
}

async function parse(program: Command, args: readonly string[]): Promise<void> {
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
