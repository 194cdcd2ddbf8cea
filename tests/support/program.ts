// Programs of their own for tests that need processes: to be killed, or to get in each other's way.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './cli.ts';

/** Bundles a module of tests/support for Node.js. @returns the program's path */
export async function bundle(name: string): Promise<string> {
  // Inside node_modules, from where the program finds what is installed.
  const outDir = mkdtempSync(join(ROOT, 'node_modules', '.latentgpu-'));
  await build({
    configFile: false,
    logLevel: 'error',
    root: ROOT,
    ssr: { noExternal: true, external: ['webgpu'] },
    build: {
      ssr: `tests/support/${name}.ts`,
      outDir,
      rolldownOptions: { output: { entryFileNames: `${name}.mjs`, codeSplitting: false } },
    },
  });
  return join(outDir, `${name}.mjs`);
}

export interface Program {
  readonly child: ChildProcess;
  /** Resolves when it has printed that line. */
  said(line: string): Promise<void>;
  readonly ended: Promise<{
    code: number | null;
    signal: NodeJS.Signals | null;
    stdout: string;
    stderr: string;
  }>;
}

/** Starts a bundled module. */
export function launch(path: string, args: readonly string[]): Program {
  return watch(spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Follows what a process says. */
export function watch(child: ChildProcess): Program {
  let stdout = '';
  let stderr = '';
  const waiting: { line: string; seen: () => void }[] = [];
  const look = () => {
    const lines = stdout.split('\n');
    for (const { line, seen } of waiting) if (lines.includes(line)) seen();
  };
  child.stdout?.on('data', (bytes) => {
    stdout += bytes;
    look();
  });
  child.stderr?.on('data', (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<Awaited<Program['ended']>>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
  const said = async (line: string) => {
    const seen = new Promise<void>((done) => {
      waiting.push({ line, seen: done });
      look();
    });
    const early = ended.then((end) => {
      if (!end.stdout.split('\n').includes(line)) throw new Error(`ended: ${end.stderr}`);
    });
    await Promise.race([seen, early]);
  };
  return { child, said, ended };
}
