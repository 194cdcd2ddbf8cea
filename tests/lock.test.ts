import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Owner, thisProcess } from '../src/formats/owner.node.ts';
import { checkFree, holdingFolder } from '../src/training/lock.node.ts';
import { bundle, launch } from './support/program.ts';
import { refusal } from './support/refusal.ts';

let writer = '';
let base = '';
let count = 0;
const place = () => join(base, String(count++));

beforeAll(async () => {
  writer = await bundle('writer');
  base = mkdtempSync(join(tmpdir(), 'latentgpu-lock-'));
});
afterAll(() => {
  rmSync(dirname(writer), { recursive: true });
  rmSync(base, { recursive: true });
});

/** Leaves a lock as another process would have. */
function leaveLock(folder: string, owner: Partial<Owner>): void {
  const holder = { ...thisProcess(), ...owner, since: '2026-01-02T03:04:05.678Z' };
  mkdirSync(join(folder, '.lock'), { recursive: true });
  writeFileSync(join(folder, '.lock', 'another.json'), JSON.stringify(holder));
}

/** Whether the folder can be taken; why not otherwise. */
async function taken(folder: string): Promise<string | undefined> {
  const outcome = holdingFolder(folder, async () => 'free');
  return (await outcome.catch(() => undefined)) ? undefined : await refusal(outcome);
}

describe('a folder that is written', () => {
  test('is held while the work lasts, and nothing of it stays', async () => {
    const folder = place();
    const result = await holdingFolder(folder, async () => {
      expect(readdirSync(folder)).toEqual(['.lock']);
      writeFileSync(join(folder, 'x'), '');
      return 7;
    });
    expect(result).toBe(7);
    expect(readdirSync(folder)).toEqual(['x']);
    const failing = holdingFolder(folder, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(readdirSync(folder)).toEqual(['x']);
  });

  test('is not left behind when nothing was written into it', async () => {
    await holdingFolder(join(base, 'deep/er'), async () => undefined);
    expect(readdirSync(base)).not.toContain('deep');
  });

  test('is refused to a second process, until the first is killed', async () => {
    const folder = place();
    const { child, said, ended } = launch(writer, ['hold', folder]);
    await said('ready');
    const why = await taken(folder);
    expect(why).toMatch(
      new RegExp(
        `^bad-input: ${folder} is being written by process ${child.pid} since \\d{4}-\\S+Z; wait for it to end, stop it, or choose another folder with --out$`,
      ),
    );
    expect(await refusal(checkFree(folder))).toBe(why);
    child.kill('SIGKILL');
    await ended;
    expect(readdirSync(folder)).toEqual(['.lock']);
    await checkFree(folder);
    expect(await taken(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused to a second run of the same process', async () => {
    const folder = place();
    await holdingFolder(folder, async () => {
      await checkFree(folder);
      expect(await taken(folder)).toContain(`by process ${process.pid}`);
      expect(readdirSync(folder)).toEqual(['.lock']);
    });
  });

  test.runIf(process.platform === 'linux')(
    'a process that nobody has asked after since its end holds nothing',
    async () => {
      // A shell that starts a program and becomes another one never asks after it.
      const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60']);
      try {
        const pid = await new Promise<number>((done) => {
          parent.stdout.on('data', (text) => done(Number(text)));
        });
        const isZombie = () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
        await expect.poll(isZombie).toBe(true);
        const folder = place();
        leaveLock(folder, { pid, started: '' });
        expect(await taken(folder)).toBeUndefined();
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );
});

describe('a lock that was left', () => {
  test.each<[string, Partial<Owner>]>([
    ['by a process that is gone', { pid: 999_999_999 }],
    ['by one whose number was given out again', { started: '1' }],
    ['before the machine was started again', { boot: 'another' }],
  ])('%s is taken over', async (_, owner) => {
    const folder = place();
    leaveLock(folder, owner);
    await checkFree(folder);
    expect(await taken(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('by a process that was killed while it let go is taken over', async () => {
    const folder = place();
    mkdirSync(join(folder, '.lock'), { recursive: true });
    await checkFree(folder);
    expect(await taken(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each<[string, Partial<Owner>]>([
    ['on another machine', { host: 'elsewhere' }],
    ['on another machine of the same name', { machine: 'another' }],
    ['in another container', { space: 'pid:[1]' }],
  ])('%s stays, with the way out', async (_, owner) => {
    const folder = place();
    leaveLock(folder, { pid: 77, ...owner });
    const host = owner.host ?? thisProcess().host;
    expect(await taken(folder)).toBe(
      `bad-input: ${folder} is held by process 77 on ${host} since 2026-01-02T03:04:05Z, which ` +
        `cannot be asked from here; if nothing writes to it any more, remove ${folder}/.lock`,
    );
    expect(readdirSync(join(folder, '.lock'))).toEqual(['another.json']);
  });

  test.each(['', '{', '[]', '{"pid":1}', '['.repeat(100_000)])(
    'that holds %.10j stays, with the way out',
    async (text) => {
      const folder = place();
      mkdirSync(join(folder, '.lock'), { recursive: true });
      writeFileSync(join(folder, '.lock', 'x'), text);
      expect(await taken(folder)).toContain(`remove ${folder}/.lock`);
    },
  );
});

test('of many processes that want a folder at once, one at a time gets it', async () => {
  const folder = place();
  leaveLock(folder, { pid: 999_999_999 });
  const takers = Array.from({ length: 10 }, () => launch(writer, ['take', folder, '15']));
  // Some die anywhere on the way, some with the folder in their hands.
  const strays = Array.from({ length: 3 }, () => launch(writer, ['take', folder, '1000']));
  for (const [i, { child, said }] of strays.entries()) {
    said('begun').then(() => setTimeout(() => child.kill('SIGKILL'), 60 * i + 10));
  }
  const holders = Array.from({ length: 3 }, () => launch(writer, ['take', folder, '1000', 'dies']));
  const victims = [...strays, ...holders];
  await Promise.all(victims.map(({ ended }) => ended));
  const ends = await Promise.all(takers.map(({ ended }) => ended));
  for (const { code, stdout, stderr } of ends) {
    expect([code, stdout, stderr]).toEqual([0, 'begun\ndone\n', '']);
  }
  const killed = victims.map(({ child }) => String(child.pid));
  const dead = new Set<string>();
  let within: string | undefined;
  const diary = readFileSync(join(folder, 'diary'), 'utf8').trimEnd().split('\n');
  for (const [pid, what] of diary.map((line) => line.split(' ') as [string, string])) {
    expect(dead).not.toContain(pid);
    if (what === 'in') {
      // Only death ends it without a word.
      if (within !== undefined) {
        expect(killed).toContain(within);
        dead.add(within);
      }
      within = pid;
    } else {
      expect(pid).toBe(within);
      within = undefined;
    }
  }
  expect(diary.filter((line) => line.endsWith('out')).length).toBeGreaterThanOrEqual(150);
  expect(dead.size).toBeGreaterThanOrEqual(holders.length - 1);
  expect(await taken(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual(['diary']);
});
