#!/usr/bin/env node
// The command line as a program.
import { perform } from './perform.ts';

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

await perform(process.argv.slice(2));
