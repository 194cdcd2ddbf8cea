// `npm run docs`: the reference from docstrings, as pages in docs/reference/dist. TypeDoc reads with the
// compiler it knows, which is not the one that checks the code, so it has a package of its own.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const cwd = fileURLToPath(new URL('.', import.meta.url));
const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
};

if (!existsSync(`${cwd}node_modules/.package-lock.json`)) {
  console.error('installing TypeDoc: npm ci in docs/reference, about 46 MB');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}
run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--logLevel', 'Warn']);
console.log('docs/reference/dist/index.html');
