// The script in a process of Deno.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { programEnvironment } from '../device/drivers.node.ts';
import { findDeno, waysToGet } from '../device/find-engines.ts';
import type { Program } from '../device/find-paths.ts';
import { LatentGpuError } from '../errors.ts';
import type { Answer, Asked, Told } from './expose.ts';
import type { Site, Start } from './remote.ts';

const flags = [
  'run',
  '--allow-all',
  '--unstable-webgpu',
  '--no-config',
  '--no-lock',
  '--no-remote',
];

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Questions under way, by their numbers. */
class Questions {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, answer }: Told) => {
      this.#waiting.get(id)?.resolve(answer);
      this.#waiting.delete(id);
    });
  }

  ask(name: string, args: readonly unknown[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, args } satisfies Asked, (error) => error && reject(error));
    });
  }

  /** Nobody is left to answer. */
  end(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }
}

/** What Deno writes to standard error: complaints, and a page of words where it panics. */
class Complaints {
  /** From its banner on. */
  #panic: string[] | undefined;

  /** Whether the line is of a panic. */
  holds(line: string): boolean {
    if (/^=+$/.test(line)) this.#panic ??= [];
    this.#panic?.push(line);
    return this.#panic !== undefined;
  }

  /** The panic in one line: where, and why. */
  get panic(): string | undefined {
    const lines = this.#panic ?? [];
    const at = lines.findIndex((line) => line.includes('panicked at '));
    const file = /panicked at (\S+?):?$/.exec(lines[at] ?? '')?.[1];
    const place = file?.replace(/^.*\/(?=[\w.-]+\/src\/)/, '');
    return place && `Deno panicked at ${place}: ${lines[at + 1] ?? ''}`;
  }
}

/** Starts Deno with the scripts of `folder`. */
function run({ executable }: Program, folder: string, { url, log }: Site): ChildProcess {
  const child = spawn(executable, [...flags, '--location', url, join(folder, 'page.js')], {
    env: { ...programEnvironment(), NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (child.stdout) createInterface(child.stdout).on('line', (line) => log(`[deno] ${line}`));
  return child;
}

/** Runs scripts in Deno. */
export const inDeno: Start = async (site) => {
  const { found, looked } = findDeno();
  if (!found) {
    throw new LatentGpuError(
      'no-adapter',
      `no Deno to test in: looked in ${looked.join(', ')}. ${waysToGet.Deno}`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'latentgpu-deno-'));
  for (const [path, text] of site.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const child = run(found, folder, site);
  const questions = new Questions(child);
  const complaints = new Complaints();
  const stderr = createInterface(child.stderr as Readable).on('line', (line) => {
    if (!complaints.holds(line) && line !== '') site.complain(line);
  });
  const heard = once(stderr, 'close');
  const gone = new Promise<void>((resolve) => {
    const end = (why: string) => {
      questions.end(why);
      rmSync(folder, { recursive: true, force: true });
      resolve();
    };
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) =>
      heard.then(() => end(complaints.panic ?? `Deno ended (${signal ?? `exit ${code}`})`)),
    );
  });
  try {
    // Asked before anything else: the script has run when it answers.
    const hello = await questions.ask('', []);
    const version = `Deno/${'value' in hello ? hello.value : 'unknown'}`;
    return {
      version: async () => version,
      ask: (name, args) => questions.ask(name, args),
      kill: () => void child.kill('SIGKILL'),
      async close() {
        if (child.connected) child.disconnect();
        await gone;
      },
    };
  } catch (cause) {
    child.kill('SIGKILL');
    await gone;
    const { executable, source } = found;
    throw new LatentGpuError(
      'no-adapter',
      `${executable} (${source}) does not start: ${(cause as Error).message}. ` +
        'Name another in LATENTGPU_DENO.',
      { cause },
    );
  }
};
