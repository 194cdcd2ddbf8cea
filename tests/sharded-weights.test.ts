// Weights in several files, as Hugging Face's libraries save them: one model, whose index names them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importStateDict } from '../src/interchange/state-dict.ts';
import type { Run } from './support/cli.ts';
import { perform } from './support/perform.ts';
import { refusalOf } from './support/refusal.ts';
import { file, numbers, OWN, type Tensors } from './support/state-dicts.ts';

const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
const names = Object.keys(OWN);
const shard = (index: number): Tensors =>
  Object.fromEntries(
    names.filter((_, i) => i % 2 === index).map((name) => [name, OWN[name] ?? []]),
  );
const beside = new Map(SHARDS.map((name, i) => [name as string, file(shard(i))]));
const map = Object.fromEntries(names.map((name, i) => [name, SHARDS[i % 2]]));
const index = (weights: unknown) =>
  new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 1 }, weight_map: weights }));
const imported = (bytes: Uint8Array, files = beside) =>
  importStateDict({
    ...{ bytes, file: 'model.safetensors.index.json', beside: files, rules: [], transpose: false },
    description: { family: undefined, shape: undefined, given: new Map() },
  });

test('make the same model as one file does', () => {
  const whole = imported(file(OWN));
  const parts = imported(index(map));
  expect(parts.config).toEqual(whole.config);
  for (const name of ['encoder.0.weight', 'decoder.0.bias', 'encoder.1.weight']) {
    expect(numbers(parts, name)).toEqual(numbers(whole, name));
  }
});

test.each([
  [{ ...map, more: SHARDS[0] }, /names "more" in "model-00001-of-00002.safetensors", which has no/],
  [
    { ...map, more: 'other.safetensors' },
    /names "other.safetensors", which is not beside it; fetch/,
  ],
  [{ ...map, more: '../secret' }, /"weight_map" must name a file beside it for each tensor/],
  [{}, /"weight_map" must name a file beside it/],
  [undefined, /"weight_map" must name a file beside it/],
])('are refused where the index does not fit them', (weights, why) => {
  expect(refusalOf(() => imported(index(weights)))).toMatch(why);
});

describe('on the command line', () => {
  let folder = '';
  const cli = (...args: string[]): Promise<Run> => perform(args, folder);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latentgpu-shards-'));
    await writeFile(join(folder, 'model.safetensors.index.json'), index(map));
    for (const [name, bytes] of beside) await writeFile(join(folder, name), bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('the index is read with the files beside it', async () => {
    const told = await cli('inspect', 'model.safetensors.index.json', '--json');
    expect(JSON.parse(told.stdout).tensors.map(({ name }: { name: string }) => name)).toEqual(
      names,
    );
    expect(await cli('import', 'model.safetensors.index.json', '--out', 'm')).toMatchObject({
      code: 0,
    });
    await rm(join(folder, SHARDS[1]));
    const lacking = await cli('import', 'model.safetensors.index.json', '--out', 'n');
    expect(lacking.code).toBe(2);
    expect(lacking.stderr).toMatch(/no such file: model-00002-of-00002\.safetensors, which model/);
  });
});
