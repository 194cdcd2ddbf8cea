// `npm run bench:peers`: installs the peers unless they are there, and runs main.ts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

if (!existsSync(`${here}node_modules/.package-lock.json`)) {
  console.error('installing the peers: npm ci in bench/peers, about 230 MB');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: here,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) process.exit(1);
}

try {
  await runnerImport(`${here}main.ts`, {
    root: here,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['node'] },
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
