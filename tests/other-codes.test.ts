/** Codes that are not real numbers, and posteriors that belong to rows: from training to every command. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readNpy, writeNpy } from '../src/formats/npy.ts';
import { perform } from './support/perform.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder = '';
const here = (path: string) => join(folder, path);

async function cli(line: string, code = 0): Promise<string> {
  const run = await perform(`${line} --quiet`.split(' '), folder);
  expect(run.code, `${line}: ${run.stderr}`).toBe(code);
  return code === 0 ? run.stdout : run.stderr;
}

const NETS = 'encoder.hidden=8 decoder.hidden=8';
const DATA = '--data rows.npy --batch 10';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-codes-'));
  const rows = Float32Array.from({ length: 60 * 24 }, (_, i) => ((i * 7919) % 101) / 101);
  writeFileSync(here('rows.npy'), writeNpy(rows, [60, 6, 4]));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** A run that was stopped and continued is one that was not. */
async function resumes(name: string, keys: string) {
  const train = (out: string, steps: number) =>
    cli(`train vae ${DATA} --steps ${steps} --out ${out} --set ${NETS} ${keys}`);
  await Promise.all([train(name, 7), train(`${name}-whole`, 12)]);
  await cli(`train vae --resume --steps 12 --out ${name}`);
  for (const file of ['weights.safetensors', 'checkpoint.safetensors']) {
    const [own, whole] = [name, `${name}-whole`].map((each) =>
      readFileSync(here(`${each}/${file}`)),
    );
    expect(own?.equals(whole as Buffer), file).toBe(true);
  }
}

const array = (path: string) => readNpy(readFileSync(here(path)), path);

test('a categorical code is trained, resumed, drawn, encoded, decoded and refined', async () => {
  await resumes('classes', 'code.kind=categorical code.groups=3 code.classes=4 prior=learned');
  const [text] = await Promise.all([
    cli('eval classes --split train --samples 5 --refine 20 --json'),
    cli('encode classes --split train --draw --out z.npy'),
  ]);
  const found = JSON.parse(text);
  expect(found.dimensions).toHaveLength(3);
  expect(found.activeUnits).toBeLessThanOrEqual(3);
  // Sums over all codes have exact gradients: the refined bound is the better one.
  expect(found.refinement.gap).toBeGreaterThan(0);
  const { shape, data } = array('z.npy');
  expect(shape).toEqual([60, 12]);
  for (let i = 0; i < data.length; i += 4) {
    expect([...data.slice(i, i + 4)].sort()).toEqual([0, 0, 0, 1]);
  }
  await Promise.all([
    cli('decode classes --data z.npy --out x.npy'),
    cli('sample classes --count 5 --out s.npy'),
  ]);
  expect([array('x.npy').shape, array('s.npy').shape]).toEqual([
    [60, 6, 4],
    [5, 6, 4],
  ]);
});

test('posteriors of rows are resumed, asked by the rows’ numbers, and fitted to others', async () => {
  await resumes('free', 'posterior=free latent=2 optimizer.lr=0.05');
  // It has codes of what it was trained on, and so it has pictures of them.
  expect(readdirSync(here('free'))).toEqual(
    expect.arrayContaining(['latent.png', 'reconstructions.png', 'samples.png']),
  );
  const [refused] = await Promise.all([
    cli('eval free --data rows.npy', 2),
    cli('reconstruct free --split train --out all.npy'),
    cli('reconstruct free --split train --rows 41,3 --out two.npy'),
  ]);
  expect(refused).toMatch(/^latentgpu: free holds a model with posterior=free.*--refine 100`\n$/);
  const [all, two] = [array('all.npy').data, array('two.npy').data];
  expect([...two]).toEqual([...all.slice(41 * 24, 42 * 24), ...all.slice(3 * 24, 4 * 24)]);
  const found = JSON.parse(await cli('eval free --data rows.npy --split train --refine 30 --json'));
  expect(Number.isFinite(found.refinement.after)).toBe(true);
});
