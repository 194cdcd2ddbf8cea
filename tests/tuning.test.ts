// The tuner's decisions, with clocks, kernels and memories that are made up.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Repeated } from '../src/device/index.ts';
import { isLatentGpuError } from '../src/errors.ts';
import { input } from '../src/graph/variable.ts';
import { gpuClass } from '../src/kernels/gpus.ts';
import { chooseMatmul, matmulClass } from '../src/kernels/matmul.ts';
import type { MatmulProblem } from '../src/kernels/matmul-problem.ts';
import { specialize } from '../src/kernels/specialize.ts';
import { densityClass, extentClass } from '../src/kernels/tuned.ts';
import { workgroupBytesOf } from '../src/kernels/workgroup-memory.ts';
import { add, logSumExp, matmul, mul, sum } from '../src/ops/index.ts';
import { partsOf, schedule, tableInUse, tuningTasks } from '../src/scheduler/index.ts';
import { defaultAdapterClass } from '../src/scheduler/lower/adapter.ts';
import { readCheckpoint, writeCheckpoint } from '../src/training/index.ts';
import type { Laboratory } from '../src/tuning/laboratory.ts';
import { openStore } from '../src/tuning/memory.node.ts';
import { formatFound, parseFound, StoredMemory } from '../src/tuning/memory.ts';
import { defaultTune, tuneMode } from '../src/tuning/mode.ts';
import { type Runner, race } from '../src/tuning/race.ts';
import type { TuningTask } from '../src/tuning/task.ts';
import type { TextStore } from '../src/tuning/text-store.ts';
import { type TuneOptions, Tuner } from '../src/tuning/tuner.ts';

const software = { ...defaultAdapterClass, isSoftware: true };

describe('classes of kernels', () => {
  test('extents of one class differ by a quarter at most', () => {
    for (let n = 1; n <= 5000; n++) {
      const rounded = extentClass(n);
      expect(rounded).toBeGreaterThanOrEqual(n);
      expect(rounded).toBeLessThanOrEqual(1.25 * n);
      expect(extentClass(rounded)).toBe(rounded);
    }
    expect([1, 7, 8, 9, 100, 300, 784].map(extentClass)).toEqual([1, 7, 8, 10, 112, 320, 896]);
    expect([0, 1, 2.5, 100].map(densityClass)).toEqual([1, 1, 4, 128]);
  });

  const problem: MatmulProblem = {
    batch: 1,
    m: 100,
    n: 300,
    k: 784,
    a: { transposed: false, ld: 784, offset: 0, batchStride: 0, size: 78400 },
    b: { transposed: true, ld: 784, offset: 0, batchStride: 0, size: 235200 },
    sumA: false,
  };

  test('a product is known by its layout, its alignment, its extents and its sums', () => {
    const key = matmulClass(problem);
    expect(key).toBe('product NT 44 112×896×320');
    expect(matmulClass({ ...problem, m: 112 })).toBe(key);
    const others: Partial<MatmulProblem>[] = [
      { m: 113 },
      { batch: 2 },
      { sumA: true },
      { a: { ...problem.a, transposed: true } },
      { a: { ...problem.a, offset: 3 } },
    ];
    const keys = others.map((other) => matmulClass({ ...problem, ...other }));
    expect(new Set([key, ...keys]).size).toBe(others.length + 1);
  });

  test('the table decides among the variants there are, and means nothing otherwise', () => {
    const chosen = (tuned: Record<string, string>) =>
      chooseMatmul(problem, { ...software, tuned }).variant;
    const key = matmulClass(problem);
    const byDefault = chooseMatmul(problem, software).variant;
    expect(chosen({ [key]: 'register-4x4' })).toBe('register-4x4');
    for (const name of ['nonsense', 'subgroup-4x4', 'toString', '']) {
      expect(chosen({ [key]: name }), name).toBe(byDefault);
    }
    expect(chosen({ [`${key} `]: 'register-4x4' })).toBe(byDefault);
  });

  test('a software adapter compiles few rows for a product that takes no time', () => {
    for (const adapter of [software, { ...software, subgroupSize: 4 }]) {
      for (const n of [3, 24]) {
        const rows = (m: number) =>
          Number(chooseMatmul({ ...problem, m, n, k: 8 }, adapter).constants.TILE_M);
        expect(rows(8), `${n} columns`).toBe(4);
        expect(rows(1 << 14), `${n} columns`).toBeGreaterThan(4);
      }
    }
  });

  test('every vendor has tiles for every size of product, and knows its memory', () => {
    for (const vendor of ['nvidia', 'amd', 'intel', 'apple', 'qualcomm', 'arm', 'new', undefined]) {
      for (const [m, n] of [
        [1, 1],
        [64, 300],
        [512, 512],
        [4096, 4096],
      ] as const) {
        const on = { isSoftware: false, ...(vendor !== undefined && { vendor }) };
        const { variant } = chooseMatmul({ ...problem, m, n }, on);
        const pattern = gpuClass(vendor).hasWorkgroupMemory ? /^tiled-/ : /^register-wide-/;
        expect(variant).toMatch(pattern);
      }
    }
    const large = { ...problem, m: 4096, n: 4096 };
    expect(chooseMatmul(large, { isSoftware: false, vendor: 'nvidia' }).tileM).toBe(128);
    expect(chooseMatmul(large, { isSoftware: false, vendor: 'qualcomm' }).tileM).toBe(32);
  });
});

test('workgroup memory is what the variables of a kernel take', () => {
  const bytes = (text: string) => workgroupBytesOf(text);
  expect(bytes('const N: u32 = 3u;\nvar<workgroup> a: array<vec4f, N * 2u>;')).toBe(96);
  expect(bytes('var<workgroup> a: array<array<vec2f, 5>, 4>;\nvar<workgroup> b: f32;')).toBe(164);
  const block = 'struct Block { rows: array<array<vec4f, 2>, 4>, gap: f32 }';
  expect(bytes(`${block}\nvar<workgroup> a: array<Block, 3>;`)).toBe(3 * 144);
  expect(bytes('var<private> a: array<vec4f, 9>;')).toBe(0);
  expect(bytes('var<workgroup> a: mat4x4f;')).toBe(Number.POSITIVE_INFINITY);
  // Sixteen floats of each of 64 rows and columns, and a quad beside every four of them.
  const operand = { ld: 64, offset: 0, batchStride: 0, size: 4096 };
  const { shader, constants, hooks, imports } = chooseMatmul(
    {
      ...{ batch: 1, m: 64, n: 64, k: 64, sumA: false },
      a: { ...operand, transposed: false },
      b: { ...operand, transposed: true },
    },
    { isSoftware: false },
    'tiled-64x64',
  );
  expect(bytes(specialize(shader, { constants, hooks, imports }))).toBe(2 * 16 * (4 * 16 + 4) * 4);
});

describe('planning with a table', () => {
  const program = () => {
    const x = input('x', [90, 40]);
    const w = input('w', [40, 50]);
    return {
      outputs: {
        y: matmul(x, w),

        z: add(mul(x, x), 1),
        s: sum(x, 0),
        l: logSumExp(x, 1),
      },
    };
  };

  for (const adapter of [software, defaultAdapterClass]) {
    const on = adapter.isSoftware ? 'software' : 'a GPU';

    test(`every kernel becomes what the table names, on ${on}`, () => {
      const plain = schedule(program(), adapter);
      const choices = plain.kernels.flatMap(partsOf).flatMap(({ choice }) => choice ?? []);
      expect(choices.length).toBeGreaterThanOrEqual(3);
      for (const { key, variants } of choices) {
        expect(variants.length).toBeGreaterThan(1);
        expect(new Set(variants).size).toBe(variants.length);
        for (const variant of variants) {
          const again = plain.tuned({ [key]: variant });
          const kernels = again.kernels
            .flatMap(partsOf)
            .filter(({ choice }) => choice?.key === key);
          expect(kernels.map(({ choice }) => choice?.variant)).toEqual(kernels.map(() => variant));
          expect(tableInUse(again)).toEqual({ [key]: variant });
        }
      }
    });

    test(`what shares a dispatch is not measured out of it, on ${on}`, () => {
      const [x, w, v] = [input('x', [90, 40]), input('w', [40, 50]), input('v', [40, 30])];
      const plain = schedule({ outputs: { a: matmul(x, w), b: matmul(x, v) } }, adapter);
      const shared = plain.kernels.filter(({ parts }) => parts.length > 0);
      expect(shared.length).toBeGreaterThan(0);
      for (const { key, variants } of tuningTasks(plain)) {
        if (!shared.flatMap(partsOf).some(({ choice }) => choice?.key === key)) continue;
        for (const variant of variants) {
          expect(plain.tuned({ [key]: variant }).kernels.length).toBe(plain.kernels.length);
        }
      }
    });

    test(`what is no variant changes nothing, on ${on}`, () => {
      const text = (tuned?: Record<string, string>) =>
        schedule(program(), { ...adapter, ...(tuned && { tuned }) }).kernels.map(
          ({ code, dispatch }) => [code, dispatch],
        );
      const keys = tuningTasks(schedule(program(), adapter)).map(({ key }) => key);
      const names = ['rows-3x64', 'rows-64x32', 'rows-1x512', 'map-0x4', 'map-512x1', 'map', '×'];
      for (const name of names) {
        const table = Object.fromEntries(keys.map((key) => [key, name]));
        expect(text(table), name).toEqual(text());
      }
      expect(text({ 'another class': 'map-64x1' })).toEqual(text());
    });
  }
});

/** Runners that take these times in turn, the last for ever, by a clock that they advance. */
function runners(times: Record<string, readonly number[]>, clock = { now: 0 }) {
  const calls: string[] = [];
  const made: Runner[] = Object.entries(times).map(([variant, list]) => {
    let i = 0;
    return {
      variant,
      time: async () => {
        calls.push(variant);
        const ms = list[Math.min(i++, list.length - 1)] as number;
        clock.now += ms;
        return ms;
      },
    };
  });
  return { made, calls, clock };
}

describe('a race', () => {
  const run = (times: Record<string, readonly number[]>, deadline = Number.POSITIVE_INFINITY) => {
    const { made, calls, clock } = runners(times);
    return race(made, { now: () => clock.now, deadline }).then((verdict) => ({ verdict, calls }));
  };

  test('is won by the fastest', async () => {
    const { verdict } = await run({ first: [10], second: [8], third: [9] });
    expect(verdict).toEqual({ winner: 'second', defaultMs: 10, winnerMs: 8 });
  });

  test('is won by the default unless another is faster beyond noise', async () => {
    const little = await run({ first: [10], second: [9.6] });
    expect(little.verdict).toEqual({ winner: 'first', defaultMs: 10, winnerMs: 10 });
    const noisy = [10, 10, 12, 8, 12, 8, 12, 8, 10];
    const { verdict } = await run({ first: noisy, second: noisy.map((ms) => ms - 1) });
    expect(verdict?.winner).toBe('first');
  });

  test('takes turns, and leaves those far behind after two rounds', async () => {
    const { calls } = await run({ first: [10], slow: [30], close: [11] });
    expect(calls.filter((name) => name === 'slow').length).toBe(2);
    expect(calls.slice(0, 6)).toEqual(['first', 'slow', 'close', 'slow', 'close', 'first']);
    const rest = calls.slice(6);
    expect(rest.filter((name) => name === 'first').length).toBe(rest.length / 2);
  });

  test('keeps the default in it however slow, and ends early if nobody is left', async () => {
    const { verdict } = await run({ first: [100], second: [10] });
    expect(verdict?.winner).toBe('second');
    const alone = await run({ first: [10], second: [100] });
    expect(alone.verdict).toEqual({ winner: 'first', defaultMs: 10, winnerMs: 10 });
    expect(alone.calls.length).toBe(5);
  });

  test('has no winner if time runs out', async () => {
    expect((await run({ first: [10], second: [1] }, 15)).verdict).toBeUndefined();
    expect((await run({ first: [10], second: [8] }, 60)).verdict).toBeUndefined();
  });
});

test('what is too short for the clock is repeated until it is not', async () => {
  // A clock that ticks every 5 ms, and dispatches of 0.01 ms.
  const passes: number[] = [];
  const stopwatch = {
    time: async (_: unknown, repeats: number) => {
      passes.push(repeats);
      return { ms: (5 * Math.floor((0.01 * repeats) / 5)) / repeats, cpuMs: null };
    },
  };
  const repeated = new Repeated(stopwatch, () => {});
  const { ms } = await repeated.time();
  expect(passes.at(-1)).toBeGreaterThanOrEqual(500);
  expect(Math.abs(ms - 0.01)).toBeLessThan(0.005);
  expect(passes).toEqual([...passes].sort((a, b) => a - b));
  await repeated.time();
  expect(passes.at(-1), 'and so from then on').toBe(passes.at(-2));
});

/** A memory in memory. */
function textStore(text?: string): TextStore & { text: string | undefined } {
  return {
    place: 'a store',
    text,
    async read() {
      return this.text;
    },
    async write(now) {
      this.text = now;
    },
    async remove() {
      this.text = undefined;
    },
  };
}

const owner = { adapter: 'an adapter', kernels: 'abc' };

describe('what is remembered', () => {
  test('is read as it was written, and only by its owner', () => {
    const found = { b: 'x', a: null };
    const text = formatFound(found, owner);
    expect(parseFound(text, owner)).toEqual(found);
    expect(parseFound(text, { ...owner, adapter: 'another' })).toEqual({});
    expect(parseFound(text, { ...owner, kernels: 'changed' })).toEqual({});
  });

  test('is added to what is there meanwhile', async () => {
    const store = textStore();
    const [one, two] = [new StoredMemory(store, owner), new StoredMemory(store, owner)];
    await one.add({ a: 'x' });
    await two.add({ b: 'y', a: 'z' });
    expect(await one.load()).toEqual({ a: 'z', b: 'y' });
    await one.forget();
    expect(await two.load()).toEqual({});
  });

  const whole = formatFound({ a: 'x' }, owner);
  const damaged = {
    'cut off': whole.slice(0, -8),
    empty: '',
    'a number': '7',
    'without a table': JSON.stringify({ format: 1, ...owner }),
    'with a wrong entry': whole.replace('"x"', '3'),
  };
  for (const [name, text] of Object.entries(damaged)) {
    test(`is ignored with one line if it is ${name}, and written anew`, async () => {
      const lines: string[] = [];
      const store = textStore(text);
      const memory = new StoredMemory(store, owner, (line) => lines.push(line));
      expect(await memory.load()).toEqual({});
      await memory.add({ b: 'y' });
      expect(lines.length).toBe(1);
      expect(lines[0]).toMatch(
        /^latentgpu: what is remembered of kernels in a store is ignored: .+$/,
      );
      expect(await memory.load()).toEqual({ b: 'y' });
    });
  }

  test('is nothing where a store fails', async () => {
    const lines: string[] = [];
    const fail = () => Promise.reject(new Error('no room'));
    const store = { place: 'a store', read: fail, write: fail, remove: fail };
    const memory = new StoredMemory(store, owner, (line) => lines.push(line));
    expect(await memory.load()).toEqual({});
    await memory.add({ a: 'x' });
    expect(lines).toEqual([
      'latentgpu: what is remembered of kernels in a store is ignored: no room',
    ]);
  });
});

describe('a file in the cache folder', () => {
  let folder = '';
  const before = process.env.XDG_CACHE_HOME;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-tuning-'));
    process.env.XDG_CACHE_HOME = folder;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(folder, { recursive: true, force: true });
  });

  test('is whole whenever many write at once', async () => {
    const memories = Array.from({ length: 12 }, () => new StoredMemory(openStore('one'), owner));
    await Promise.all(memories.map((memory, i) => memory.add({ [`class ${i}`]: 'x' })));
    const inside = join(folder, 'latentgpu', 'tuning');
    expect(await readdir(inside)).toEqual(['one.json']);
    const found = parseFound(await readFile(join(inside, 'one.json'), 'utf8'), owner);
    expect(Object.keys(found).length).toBeGreaterThan(0);
    await openStore('one').remove();
    expect(await openStore('one').read()).toBeUndefined();
    await openStore('one').remove();
  });

  test('that cannot be is no failure', async () => {
    await writeFile(join(folder, 'latentgpu'), 'a file where a folder should be');
    const lines: string[] = [];
    const memory = new StoredMemory(openStore('one'), owner, (line) => lines.push(line));
    await memory.add({ a: 'x' });
    expect(await memory.load()).toEqual({});
    expect(lines.length).toBe(1);
    expect(lines[0]).not.toContain('\n');
  });
});

describe('the tuner', () => {
  const task = (key: string, cost: number): TuningTask => ({
    key,
    label: key,
    cost,
    variants: ['default', 'other'],
    make: () => {
      throw new Error('nothing is made here');
    },
  });
  const tasks = [task('cheap', 1), task('dear', 9), task('middling', 5)];

  /** A tuner whose every measurement takes 100 ms. */
  function tuning(options: TuneOptions, isSoftware = false, store = textStore()) {
    const asked: string[] = [];
    const clock = { now: 0 };
    let opened = 0;
    const laboratory: Laboratory = {
      measure: async ({ key }, deadline) => {
        asked.push(key);
        clock.now += 100;
        if (clock.now > deadline) return undefined;
        return { winner: 'other', defaultMs: 2, winnerMs: 1 };
      },
      destroy: () => {},
    };
    const memory = new StoredMemory(store, owner);
    const tools = {
      isSoftware,
      now: () => clock.now,
      openMemory: async () => {
        opened++;
        return memory;
      },
      openLaboratory: () => laboratory,
    };
    return { tuner: new Tuner(tools, options), asked, store, memory, opened: () => opened };
  }

  test('measures the dearest first, each once, and remembers', async () => {
    const { tuner, asked, store, memory } = tuning({ mode: 'auto' });
    const all = { dear: 'other', middling: 'other', cheap: 'other' };
    expect(await tuner.choose([...tasks, task('dear', 2)])).toEqual(all);
    expect(asked).toEqual(['dear', 'middling', 'cheap']);
    expect(await memory.load()).toEqual(all);
    expect(await tuner.choose(tasks)).toEqual(all);
    expect(asked.length, 'nothing new').toBe(3);
    const next = tuning({ mode: 'auto' }, false, store);
    expect(await next.tuner.known()).toEqual(all);
    expect(await next.tuner.choose(tasks)).toEqual(all);
    expect(next.asked).toEqual([]);
  });

  test('stops at its budget, and the next run does as this one did', async () => {
    const { tuner, asked, store } = tuning({ mode: 'auto', budgetMs: 150 });
    expect(await tuner.choose(tasks)).toEqual({ dear: 'other' });
    expect(asked).toEqual(['dear', 'middling']);
    expect(tuner.left).toEqual(['middling', 'cheap']);
    const next = tuning({ mode: 'auto' }, false, store);
    expect(await next.tuner.choose(tasks)).toEqual({ dear: 'other' });
    expect(next.asked).toEqual([]);
    // Whoever asks for it has the rest measured.
    const asking = tuning({ mode: 'on' }, false, store);
    await asking.tuner.choose(tasks);
    expect(asking.asked).toEqual(['middling', 'cheap']);
  });

  test('leaves open what it had no time for if it was asked to measure', async () => {
    const { tuner, store, memory } = tuning({ mode: 'on', budgetMs: 50 });
    await tuner.choose(tasks);
    expect(await memory.load()).toEqual({});
    const next = tuning({ mode: 'auto' }, false, store);
    await next.tuner.choose(tasks);
    expect(next.asked.length).toBe(3);
  });

  test('one choice after another, however many are asked for at once', async () => {
    const { tuner, asked } = tuning({ mode: 'on' });
    const [first, second] = await Promise.all([tuner.choose(tasks), tuner.choose(tasks)]);
    expect(Object.keys(first).length).toBe(3);
    expect(second).toEqual(first);
    expect(asked.length).toBe(3);
  });

  test('off neither measures nor remembers', async () => {
    const { tuner, asked, opened } = tuning({ mode: 'off' }, false, textStore('damaged'));
    expect(await tuner.choose(tasks)).toEqual({});
    expect(await tuner.known()).toEqual({});
    expect([asked.length, opened()]).toEqual([0, 0]);
  });

  test('what is remembered is used, and nothing measured, if so asked or on software', async () => {
    for (const [mode, isSoftware] of [
      ['remembered', false],
      ['auto', true],
    ] as const) {
      const store = textStore(formatFound({ dear: 'other', cheap: null }, owner));
      const { tuner, asked } = tuning({ mode }, isSoftware, store);
      expect(tuner.measures).toBe(false);
      expect(await tuner.choose(tasks)).toEqual({ dear: 'other' });
      expect(await tuner.known()).toEqual({ dear: 'other' });
      expect(asked).toEqual([]);
    }
    expect(tuning({ mode: 'on' }, true).tuner.measures).toBe(true);
  });

  test('afresh measures what is remembered, too', async () => {
    const store = textStore(formatFound({ dear: 'default', elsewhere: 'x' }, owner));
    const { tuner, asked, memory } = tuning({ mode: 'on', afresh: true }, false, store);
    await tuner.choose([task('dear', 1)]);
    expect(asked).toEqual(['dear']);
    expect(await memory.load()).toEqual({ dear: 'other', elsewhere: 'x' });
  });

  test('stops when told to', async () => {
    const controller = new AbortController();
    const { tuner, asked } = tuning({
      mode: 'on',
      signal: controller.signal,
      onProgress: (_, label) => label === 'middling' && controller.abort(),
    });
    await tuner.choose(tasks);
    expect(asked).toEqual(['dear', 'middling']);
  });
});

describe('modes', () => {
  test('come from the environment where nobody says', () => {
    vi.stubEnv('LATENTGPU_TUNE', 'remembered');
    expect(defaultTune()).toBe('remembered');
    vi.stubEnv('LATENTGPU_TUNE', '');
    expect(defaultTune()).toBe('auto');
    vi.stubEnv('LATENTGPU_TUNE', 'fast');
    expect(defaultTune).toThrow(/^LATENTGPU_TUNE is 'fast'; it may be off, remembered, auto, on$/);
    vi.unstubAllEnvs();
    expect(tuneMode('on', '--tune')).toBe('on');
  });
});

describe('checkpoints', () => {
  const state = { step: 3, tensors: new Map([['step', Uint32Array.of(3)]]) };

  test('hold the table a run was compiled with', () => {
    const tuned = { 'map 112 quads, 8 operations': 'map-4x7' };
    const bytes = writeCheckpoint({ state: { ...state, tuned }, best: undefined });
    expect(readCheckpoint(bytes).state).toEqual({ ...state, tuned });
    expect(readCheckpoint(writeCheckpoint({ state, best: undefined })).state).toEqual(state);
  });

  for (const tuned of ['nonsense', [], { a: 1 }]) {
    test(`refuse ${JSON.stringify(tuned)} for one`, () => {
      const bytes = writeCheckpoint({
        state: { ...state, tuned: tuned as unknown as Record<string, string> },
        best: undefined,
      });
      expect(() => readCheckpoint(bytes)).toThrow(/kernels is no table of variants; it cannot be/);
      try {
        readCheckpoint(bytes);
      } catch (error) {
        expect(isLatentGpuError(error, 'bad-format')).toBe(true);
      }
    });
  }
});
