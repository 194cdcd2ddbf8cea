// A process that is stopped at any moment of a save leaves the old or the new, whole.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeFileAtomic } from '../src/formats/atomic.node.ts';
import { settleFiles } from '../src/training/commit.node.ts';
import { holdingFolder } from '../src/training/lock.node.ts';
import { readModelFolder, readRecord } from '../src/training/model-folder.node.ts';
import { placeOfNew, placeOfRun, takePlace } from '../src/training/replacement.node.ts';
import { RunFolder } from '../src/training/run-folder.node.ts';
import { crash } from './support/crash.ts';
import { bundle, launch } from './support/program.ts';
import {
  checkpointOf,
  configOf,
  fillOf,
  goOn,
  recordOf,
  saveStep,
  type Which,
  weightBytes,
  weightsOf,
  whichOf,
} from './support/states.ts';

vi.mock('node:fs/promises', async (original) => {
  const { crashing } = await import('./support/crash.ts');
  return crashing(await original<typeof Files>());
});

/** Kills of processes in the default run; `LATENTGPU_FUZZ=10` makes it ten times as many. */
const KILLS = 30 * Number(process.env.LATENTGPU_FUZZ ?? 1);

let base = '';
let writer = '';
let count = 0;
const place = () => join(base, String(count++));

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'latentgpu-kill-'));
  writer = await bundle('writer');
});
afterAll(() => {
  rmSync(base, { recursive: true });
  rmSync(dirname(writer), { recursive: true });
});

interface Found {
  /** Of the run that can be continued. */
  readonly run: { readonly which: Which; readonly step: number } | undefined;
  /** Of the model that can be used. */
  readonly model: { readonly which: Which; readonly step: number } | undefined;
}

/** What a folder holds, every piece of it whole and in its place. */
async function look(folder: string): Promise<Found> {
  let run: Found['run'];
  const record = existsSync(folder) ? await readRecord(folder) : undefined;
  if (record) {
    const which = (record.config as { model: Which }).model;
    const { step, tensors } = (await new RunFolder(folder).readCheckpoint()).state;
    expect([...tensors.keys()]).toEqual([...checkpointOf(which, step).state.tensors.keys()]);
    expect(tensors.get('parameters')?.every((x) => x === fillOf(which, step))).toBe(true);
    run = { which, step };
  }
  let model: Found['model'];
  const loaded = await readModelFolder(folder).catch((error: Error) => {
    expect(error.message).toMatch(/no such folder|holds no model\.json/);
    return undefined;
  });
  if (loaded) {
    const which = whichOf(loaded.config);
    const step = Math.floor([...loaded.weights.values()][0]?.[0] as number);
    for (const values of loaded.weights.values()) {
      expect(values.every((x) => x === fillOf(which, step))).toBe(true);
    }
    model = { which, step };
  }
  return { run, model };
}

/** What is in a folder that nobody writes, when nothing is left over. */
function filesOf(folder: string): string[] {
  return readdirSync(folder).sort();
}

const WHOLE = ['checkpoint.safetensors', 'metrics.jsonl', 'model.json', 'training.json'];
const ALL = [...WHOLE, 'weights.safetensors'].sort();

/** A folder with a run of model `a`, three steps long. */
async function oldRun(): Promise<string> {
  const folder = place();
  const run = new RunFolder(folder);
  await run.begin(recordOf('a'), checkpointOf('a', 0));
  for (const step of [1, 2, 3]) await saveStep(run, 'a', step);
  return folder;
}

const at = (which: Which, step: number) => ({ which, step });

describe('stopped after any call of the file system', () => {
  // Whoever looks for the process that was stopped finds none.
  beforeEach(() => {
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('gone'), { code: 'ESRCH' });
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each<[string, (folder: string) => Promise<unknown>, Found, Found]>([
    [
      'a save',
      (folder) => saveStep(new RunFolder(folder), 'a', 4),
      { run: at('a', 3), model: at('a', 3) },
      { run: at('a', 4), model: at('a', 4) },
    ],
    [
      'a new run in the place of another',
      (folder) => new RunFolder(folder).begin(recordOf('b'), checkpointOf('b', 0)),
      { run: at('a', 3), model: at('a', 3) },
      { run: at('b', 0), model: undefined },
    ],
    [
      'another model in the place of a run',
      (folder) => new RunFolder(folder).writeImported(configOf('b'), weightsOf('b', 9), '1.0.0'),
      { run: at('a', 3), model: at('a', 3) },
      { run: undefined, model: at('b', 9) },
    ],
    [
      'a continuation',
      goOn,
      { run: at('a', 3), model: at('a', 3) },
      { run: at('a', 3), model: at('a', 3) },
    ],
  ])('%s leaves the old or the new', async (_, act, before, after) => {
    const old = await oldRun();
    const seen = new Set<string>();
    let calls = 0;
    for (let whole = false; !whole; calls++) {
      const folder = place();
      cpSync(old, folder, { recursive: true });
      whole = await crash(calls, () => act(folder));
      const found = await look(folder);
      expect([before, after], `call ${calls}`).toContainEqual(found);
      if (whole) expect(found).toEqual(after);
      seen.add(JSON.stringify(found));
      // The next process finds its way, and clears away what was left.
      if (found.run) {
        const { which, step } = await goOn(folder);
        expect({ which, step }).toEqual(found.run);
        await saveStep(new RunFolder(folder), which, step + 1);
        const next = at(which, step + 1);
        expect(await look(folder)).toEqual({ run: next, model: next });
        expect(filesOf(folder), `call ${calls}`).toEqual(ALL);
        const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
        const steps = Array.from({ length: step + 1 }, (_, i) => i + 1);
        expect(lines.map((line) => JSON.parse(line))).toEqual(
          steps.map((n) => ({ step: n, model: which })),
        );
      }
      rmSync(folder, { recursive: true });
    }
    expect(calls).toBeGreaterThan(10);
    expect(seen).toEqual(new Set([before, after].map((found) => JSON.stringify(found))));
  });

  test('a run takes the place of a model as a whole', async () => {
    const old = await oldRun();
    const begun = new RunFolder(await placeOfNew(old));
    await begun.begin(recordOf('b'), checkpointOf('b', 0));
    await saveStep(begun, 'b', 1);
    await new RunFolder(old).writePicture('samples.png', Uint8Array.of(1));
    const before = { run: at('a', 3), model: at('a', 3) };
    const after = { run: at('b', 1), model: at('b', 1) };
    const seen = new Set<string>();
    for (let calls = 0, whole = false; !whole; calls++) {
      const folder = place();
      cpSync(old, folder, { recursive: true });
      whole = await crash(calls, () => takePlace(folder, join(folder, '.next')));
      const found = await look(folder);
      expect([before, after], `call ${calls}`).toContainEqual(found);
      seen.add(JSON.stringify(found));
      if (!whole) {
        const next = await placeOfRun(folder);
        // Stopped before, the run is still there to go on with; after, it is the folder's.
        expect(next !== folder).toBe(found.run?.which === 'a');
        await settleFiles(folder);
        await takePlace(folder, next);
      }
      expect(await look(folder)).toEqual(after);
      expect(filesOf(folder), `call ${calls}`).toEqual(ALL);
      rmSync(folder, { recursive: true });
    }
    expect(seen.size).toBe(2);
  });

  test('a first save leaves nothing or the whole', async () => {
    for (let calls = 0, whole = false; !whole; calls++) {
      const folder = join(place(), 'below');
      whole = await crash(calls, () =>
        new RunFolder(folder).begin(recordOf('a'), checkpointOf('a', 0)),
      );
      expect([undefined, at('a', 0)]).toContainEqual((await look(folder)).run);
      await new RunFolder(folder).begin(recordOf('b'), checkpointOf('b', 0));
      expect(filesOf(folder)).toEqual(['checkpoint.safetensors', 'training.json']);
    }
  });

  test('one file is the old or the new, and what was left goes with the next', async () => {
    const path = join(base, 'single', 'x.npy');
    await new RunFolder(dirname(path)).writePicture('x.npy', Uint8Array.of(1));
    for (let calls = 0, whole = false; !whole; calls++) {
      await writeFileAtomic(path, Uint8Array.of(1));
      expect(filesOf(dirname(path))).toEqual(['x.npy']);
      whole = await crash(calls, () => writeFileAtomic(path, Uint8Array.of(2, 2)));
      expect(['1', '2,2']).toContain(String([...readFileSync(path)]));
    }
  });

  test('a lock that was being taken can be taken', async () => {
    const folder = place();
    for (let calls = 0, whole = false; !whole; calls++) {
      whole = await crash(calls, () => holdingFolder(folder, async () => undefined));
      await holdingFolder(folder, async () => {
        expect(filesOf(folder)).toEqual(['.lock']);
      });
      if (existsSync(folder)) expect(filesOf(folder)).toEqual([]);
    }
  });
});

test('whoever reads while a folder changes hands gets weights and the description that go with them', async () => {
  const folder = place();
  const run = new RunFolder(folder);
  let isOver = false;
  const changing = (async () => {
    for (let step = 1; step <= 30; step++) {
      for (const which of ['a', 'b'] as const) {
        await run.writeImported(configOf(which), weightsOf(which, step), '1.0.0');
      }
    }
    isOver = true;
  })();
  const seen = new Set<string>();
  while (!isOver) {
    const { model } = await look(folder);
    if (model) seen.add(`${model.which}${model.step}`);
    await pause(0);
  }
  await changing;
  expect(seen.size).toBeGreaterThan(5);
});

test(`${KILLS} processes killed while they save leave the old or the new`, async () => {
  const folder = place();
  let last: Found = { run: undefined, model: undefined };
  const seen = { on: 0, begun: 0, pending: 0 };
  let tries = 0;
  for (let i = 0; i < KILLS; i++, tries++) {
    // Now and then a new run of the other model takes the place of what is there.
    const argument = i % 6 === 0 ? (last.run?.which === 'a' ? 'b' : 'a') : 'on';
    const { child, said, ended } = launch(writer, ['save', folder, argument]);
    await said('ready');
    // From the first moment to the last, evenly: chance alone would leave some out.
    await pause(40 * (((tries * 17) % KILLS) / KILLS) + Math.random());
    child.kill('SIGKILL');
    expect((await ended).stderr).toBe('');
    const names = filesOf(folder);
    if (names.includes('.saved') || names.includes('.saving')) seen.pending++;
    const found = await look(folder);
    if (found.run && found.run.which === last.run?.which) {
      expect(found.run.step).toBeGreaterThanOrEqual(last.run.step);
      expect(found.model?.step ?? 0).toBe(found.run.step);
      if (found.model) expect(found.model.which).toBe(found.run.which);
      seen.on++;
    } else if (found.run) {
      expect(found.run.which).toBe(argument);
      expect(found.model ?? found.run).toEqual(found.run);
      seen.begun++;
    } else {
      expect(last.run).toBeUndefined();
    }
    last = found;
    if (!found.run) i--;
  }
  expect(seen.pending).toBeGreaterThan(0);
  console.log(
    `${KILLS} kills: ${seen.on} in a run, ${seen.begun} at the beginning of one, ${seen.pending} ` +
      `within a save; step ${last.run?.step}`,
  );
  const { which, step } = await holdingFolder(folder, () => goOn(folder));
  await saveStep(new RunFolder(folder), which, step + 1);
  expect(filesOf(folder)).toEqual(ALL);
  expect(new Uint8Array(readFileSync(join(folder, 'weights.safetensors')))).toEqual(
    weightBytes(which, step + 1),
  );
});
