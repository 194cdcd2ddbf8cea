// Which process made a file, so that another one can tell whether it still runs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Owner {
  readonly pid: number;
  /** When it started, as the system tells it; '' if it does not. Numbers of processes are used again. */
  readonly started: string;
  readonly host: string;
  /** The machine, its last start and the name space (of a container) in which the number counts. */
  readonly machine: string;
  readonly boot: string;
  readonly space: string;
}

/** `unknown`: on another machine, or in another container of this one. */
export type Life = 'running' | 'gone' | 'unknown';

/** What a read gives, or '' where the system has no such thing. */
function textOf(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

let self: Owner | undefined;

/** This process. */
export function thisProcess(): Owner {
  self ??= {
    pid: process.pid,
    started: startOf(process.pid)?.started ?? '',
    host: hostname(),
    machine: textOf(() => readFileSync('/etc/machine-id', 'utf8')),
    boot: textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    space: textOf(() => readlinkSync('/proc/self/ns/pid')),
  };
  return self;
}

/** What the system says of a process; `undefined` if it says nothing. */
function startOf(pid: number): { isZombie: boolean; started: string } | undefined {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') {
    const options = {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    const line = textOf(() =>
      execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], options),
    );
    const [, state = '', started = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return started ? { isZombie: state.startsWith('Z'), started } : undefined;
  }
  // proc_pid_stat(5): the name in brackets may hold anything; then state (3) to start time (22).
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const started = fields[18];
  return state && started ? { isZombie: 'ZX'.includes(state), started } : undefined;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a process of this machine runs, and is the one that started then. */
function isRunning({ pid, started }: Pick<Owner, 'pid' | 'started'>): boolean {
  if (!(Number.isSafeInteger(pid) && pid > 0 && exists(pid))) return false;
  const found = startOf(pid);
  // It exists, and the system hides the rest.
  if (!found) return true;
  // A zombie does nothing more; it waits for its parent to ask after it, which may be never.
  return !found.isZombie && (started === '' || found.started === started);
}

/** Whether a process still runs; a file cannot tell of those on other machines. */
export function lifeOf(owner: Owner): Life {
  const here = thisProcess();
  if (owner.host !== here.host || owner.machine !== here.machine) return 'unknown';
  if (owner.boot !== here.boot) return 'gone';
  if (owner.space !== here.space) return 'unknown';
  return isRunning(owner) ? 'running' : 'gone';
}

/** Machine, start and name space in a few letters. */
function placeOf({ host, machine, boot, space }: Owner): string {
  const hash = createHash('sha256').update([host, machine, boot, space].join('\n'));
  return hash.digest('hex').slice(0, 8);
}

const PREFIX = '.partial';
let made = 0;

/** A name for a file that is not whole yet, which tells its process. */
export function partialName(owner: Owner = thisProcess()): string {
  const started = owner.started.replace(/\W+/g, '_');
  return [PREFIX, placeOf(owner), owner.pid, started, made++].join('-');
}

/** Whose file that is, going by its name; `undefined` if it is no partial one. */
export function lifeOfPartial(name: string): Life | undefined {
  const [prefix, place, pid, started, count] = name.split('-');
  if (prefix !== PREFIX || count === undefined) return undefined;
  if (place !== placeOf(thisProcess())) return 'unknown';
  const now = startOf(Number(pid))?.started.replace(/\W+/g, '_');
  if (now !== undefined && started !== '' && now !== started) return 'gone';
  return isRunning({ pid: Number(pid), started: '' }) ? 'running' : 'gone';
}
