/** `latentgpu tune`, `--tune`, and what they leave for later runs. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { buildCli, type Run, start } from './support/cli.ts';

vi.setConfig({ testTimeout: 180_000 });

let folder = '';
/** What the first test has found out. */
let known: Awaited<ReturnType<typeof remembered>>;
const here = (...path: string[]) => join(folder, ...path);
const memory = () => here('cache', 'latentgpu', 'tuning');

function cli(line: string, variables: Record<string, string> = {}): Promise<Run> {
  return start(line.split(' '), folder, variables).run;
}

async function works(line: string, variables?: Record<string, string>): Promise<Run> {
  const run = await cli(line, variables);
  expect(run.code, `${line}\n${run.stderr}`).toBe(0);
  return run;
}

const tiny =
  'train vae --data digits --limit 120 --batch 40 --set latent=3 encoder.hidden=9 decoder.hidden=9 ' +
  'evaluate.samples=2 evaluate.limit=40';

/** The file of this adapter, and what it says. */
async function remembered() {
  const names = await readdir(memory());
  expect(names.length).toBe(1);
  const path = join(memory(), names[0] as string);
  return { path, content: JSON.parse(await readFile(path, 'utf8')) };
}

const bytes = async (...path: string[]) => new Uint8Array(await readFile(here(...path)));

describe('tune', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-tune-'));
    await buildCli();
    await works(`${tiny} --epochs 1 --out model`);
  }, 180_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("measures a model's training step, tells, and remembers", async () => {
    const { stdout, stderr } = await works('tune model --seconds 60 --json');
    expect(stderr).toBe('');
    const { adapter, work } = JSON.parse(stdout);
    expect(adapter).toMatch(/./);
    expect(work.length).toBe(1);
    expect(work[0]).toMatchObject({ name: 'a training step of model', left: 0 });
    expect(work[0].classes.length).toBeGreaterThan(4);
    for (const { key, winner, ratio, defaultMs, winnerMs } of work[0].classes) {
      expect(key).toMatch(/^(product|map|rows) /);
      expect(winner).toMatch(/./);
      expect(ratio).toBeCloseTo(defaultMs / winnerMs);
      expect(ratio).toBeGreaterThanOrEqual(1);
    }
    known = await remembered();
    const winners = work[0].classes.map((each: { key: string; winner: string }) => [
      each.key,
      each.winner,
    ]);
    expect(known.content.found).toEqual(Object.fromEntries(winners));
  });

  test('tells the same to people, and what it had no time for', async () => {
    const { stdout } = await works('tune model --seconds 0.001');
    expect(stdout).toMatch(/medians in ms/);
    expect(stdout).toMatch(/\n\d+ classes not measured: give more --seconds\n$/);
  });

  test('a run keeps what it began with when it goes on, whatever is remembered then', async () => {
    const { path, content } = known;
    // Other kernels than the default's, on whichever adapter this is.
    for (const key of Object.keys(content.found)) {
      if (key.startsWith('map')) content.found[key] = 'map-8x3';
      if (key.startsWith('rows')) content.found[key] = 'rows-4x32';
    }
    await writeFile(path, JSON.stringify(content));
    await Promise.all([
      works(`${tiny} --tune remembered --epochs 2 --out whole`),
      works(`${tiny} --tune remembered --epochs 1 --out parts`),
      works(`${tiny} --tune off --epochs 2 --out plain`),
    ]);
    const tuned = (name: string, file: Uint8Array) =>
      JSON.parse(readSafetensors(file, name).metadata.tuned ?? '{}');
    const table = tuned('parts', await bytes('parts', 'checkpoint.safetensors'));
    expect(Object.values(table)).toContain('map-8x3');
    expect(Object.values(table)).toContain('rows-4x32');
    await works('tune --forget');
    expect(await readdir(memory())).toEqual([]);
    await works('train vae --resume --epochs 2 --out parts', { LATENTGPU_TUNE: 'off' });
    for (const file of ['checkpoint.safetensors', 'weights.safetensors']) {
      expect(await bytes('parts', file), file).toEqual(await bytes('whole', file));
    }
    const lines = async (name: string) =>
      (await readFile(here(name, 'metrics.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => ({ ...JSON.parse(line), seconds: 0 }));
    expect(await lines('parts')).toEqual(await lines('whole'));
    const plain = readSafetensors(await bytes('plain', 'checkpoint.safetensors'), 'plain');
    expect(plain.metadata.tuned).toBeUndefined();
  });

  test('a damaged memory costs a line, and is mended by the next measurement', async () => {
    await writeFile(known.path, '{"format": 1, "found": ');
    const on = { LATENTGPU_TUNE: 'auto' };
    const { stderr } = await works('sample model --count 4 --out some.npy', on);
    expect(stderr).toMatch(
      /^latentgpu: what is remembered of kernels in \S+ is ignored: [^\n]+\n$/,
    );
    await works('tune model --seconds 1');
    expect((await works('sample model --count 4 --out some.npy', on)).stderr).toBe('');
  });

  const mistakes: [line: string, message: string, variables?: Record<string, string>][] = [
    ['tune nowhere', 'no such folder: nowhere'],
    ['tune --seconds 0', 'It must be a number above 0'],
    ['tune model --forget', '--forget forgets all'],
    [`${tiny} --tune fast --out never`, "--tune is 'fast'; it may be off, remembered, auto, on"],
    ['train vae --resume --out model --epochs 2 --tune off', 'keeps the kernels it began with'],
    [`${tiny} --out never`, "LATENTGPU_TUNE is 'fast'; it may be", { LATENTGPU_TUNE: 'fast' }],
  ];
  test.each(mistakes)('%s is a mistake', async (line, message, variables) => {
    const { code, stdout, stderr } = await cli(line, variables);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(await readdir(folder)).not.toContain('never');
  });

  test('its help fits a screen', async () => {
    const { stdout } = await works('tune --help');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(33);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(stdout).toContain('Example:');
  });
});
