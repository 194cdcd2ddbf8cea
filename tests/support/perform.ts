/**
 * Performs command lines in this process, as `start` has a process of its own perform them, one after the
 * other: a process loads its modules, opens a device and compiles kernels anew, and the command takes little
 * beside. That both say and leave the same is for tests/processes.test.ts to show.
 */
import { join } from 'node:path';
import { lendDevices } from '../../src/cli/common/device.ts';
import { perform as performLine } from '../../src/cli/perform.ts';
import { type Device, openDevice } from '../../src/device/index.ts';
import type { Run } from './cli.ts';

let lent: Device | undefined;

/** Commands destroy their device; this one stays, with the kernels that it has compiled. */
lendDevices(async () => {
  if (!lent || lent.isLost) {
    lent = await openDevice();
    lent.destroy = () => {};
  }
  return lent;
});

/** The command that is under way: folder, environment and streams are the process's. */
let turn: Promise<unknown> = Promise.resolve();

/** Performs a command in a folder. Not for those that are to be stopped, or that bring modules. */
export function perform(args: readonly string[], cwd: string): Promise<Run> {
  const run = turn.then(() => performAlone(args, cwd));
  turn = run.catch(() => {});
  return run;
}

async function performAlone(args: readonly string[], cwd: string): Promise<Run> {
  const before = { cwd: process.cwd(), exitCode: process.exitCode };
  const restore = environment({ LATENTGPU_DATA: undefined, XDG_CACHE_HOME: join(cwd, 'cache') });
  const out = capture(process.stdout);
  const err = capture(process.stderr);
  process.exitCode = undefined;
  process.chdir(cwd);
  try {
    await performLine(args);
    return { code: Number(process.exitCode ?? 0), stdout: out.text(), stderr: err.text() };
  } finally {
    process.chdir(before.cwd);
    process.exitCode = before.exitCode;
    restore();
    out.release();
    err.release();
  }
}

/** Sets variables, or unsets them. @returns what undoes it */
function environment(variables: Readonly<Record<string, string | undefined>>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = ([name, value]: readonly [string, string | undefined]) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  Object.entries(variables).forEach(set);
  return () => before.forEach(set);
}

/** Takes what is written to a stream. */
function capture(stream: NodeJS.WriteStream): { text(): string; release(): void } {
  const own = stream.write;
  let said = '';
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    said += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    done?.();
    return true;
  };
  return {
    text: () => said,
    release: () => {
      stream.write = own;
    },
  };
}
