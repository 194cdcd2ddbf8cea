/** Runs the built command line as a user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const BUILT = join(ROOT, 'dist/cli.js');

/** The latest change of a file, or of any file below a folder. */
function changed(path: string): number {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => changed(join(path, name))));
}

/** The latest change of what the package is built from, or of more. */
export function lastChange(...more: readonly string[]): number {
  const sources = ['src', 'shaders', 'package.json', 'vite.config.ts', ...more];
  return Math.max(...sources.map((name) => changed(join(ROOT, name))));
}

/** Builds the command line if its sources have changed since. */
export async function buildCli(): Promise<void> {
  const latest = lastChange();
  let built = 0;
  try {
    built = changed(BUILT);
  } catch {
    // Not there yet.
  }
  if (built > latest) return;
  // Beside, and renamed when whole: other files of tests may be at it, too, or run what was there.
  mkdirSync(dirname(BUILT), { recursive: true });
  const outDir = mkdtempSync(join(dirname(BUILT), 'cli-'));
  try {
    await build({ root: ROOT, mode: 'node', logLevel: 'error', build: { outDir } });
    // What the command line imports is there before it.
    const names = readdirSync(outDir).sort(
      (a, b) => Number(a === 'cli.js') - Number(b === 'cli.js'),
    );
    for (const name of names) renameSync(join(outDir, name), join(ROOT, 'dist', name));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts a command in a folder, with nothing of this process's own settings. */
export function start(
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>> = {},
): { child: ChildProcess; run: Promise<Run> } {
  const { LATENTGPU_DATA: _, FORCE_COLOR: __, ...env } = process.env;
  const child = spawn(process.execPath, [BUILT, ...args], {
    cwd,
    env: { ...env, COLUMNS: '80', XDG_CACHE_HOME: join(cwd, 'cache'), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (bytes) => {
    result.stdout += bytes;
  });
  child.stderr.on('data', (bytes) => {
    result.stderr += bytes;
  });
  const run = new Promise<Run>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ ...result, code }));
  });
  return { child, run };
}

/** What a command says that is started by {@link startHeard} once it listens for Ctrl-C. */
const LISTENS = 'listens for SIGINT\n';
const tellsWhenItListens = `process.on('newListener', (name) => {
  if (name === 'SIGINT') process.stderr.write(${JSON.stringify(LISTENS)});
});`;

/** Starts a command, and returns when it no longer ends at a signal as any process does. */
export async function startHeard(
  args: readonly string[],
  cwd: string,
): Promise<{ child: ChildProcess; run: Promise<Run> }> {
  const before = `data:text/javascript,${encodeURIComponent(tellsWhenItListens)}`;
  const { child, run } = start(args, cwd, { NODE_OPTIONS: `--import ${before}` });
  let said = '';
  const ended = run.then((result) => ({ ...result, stderr: result.stderr.replace(LISTENS, '') }));
  await new Promise<void>((heard, fail) => {
    child.stderr?.on('data', (bytes) => {
      said += bytes;
      if (said.includes(LISTENS)) heard();
    });
    run.then(({ stderr }) => fail(new Error(`ended before it could be stopped: ${stderr}`)), fail);
  });
  return { child, run: ended };
}
