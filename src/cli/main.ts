#!/usr/bin/env node
// The command line as a program.
import { EXIT } from './common/failure.ts';
import { perform } from './perform.ts';

/** Of a pipe whose reader has had enough, `latentgpu inspect … | head`, and of a terminal that was closed. */
const GONE: readonly (string | undefined)[] = ['EPIPE', 'EIO'];

let isUnheard = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isUnheard) return;
  isUnheard = true;
  if (!GONE.includes(error.code)) {
    // What is written elsewhere may well be whole.
    process.stderr.write(`latentgpu: cannot write to standard output: ${error.message}\n`);
    process.exitCode = EXIT.failure;
    return;
  }
  // Work that can be saved is stopped as by Ctrl-C.
  if (process.listenerCount('SIGTERM') === 0) process.exit(0);
  process.kill(process.pid, 'SIGTERM');
});
// There is nobody left to be told.
process.stderr.on('error', () => {});

await perform(process.argv.slice(2));
