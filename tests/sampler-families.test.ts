/** Programs of every family that draws, played by the small runtime, against the engine: the same numbers for a seed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestGpu } from '../src/device/host.node.ts';
import { type Device, openDevice } from '../src/device/index.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import type { Variable } from '../src/graph/variable.ts';
import { webFiles } from '../src/interchange/web/folder.ts';
import { programOf } from '../src/interchange/web/program.ts';
import {
  type Asked,
  giveWeights,
  modelJson,
  openInference,
  type WeightValues,
  writeWeights,
} from '../src/models/index.ts';
import { load, type SampleOptions, type Sampler } from '../src/sampler/index.ts';
import { PROGRAM } from '../src/sampler/network.ts';
import type { ProgramJson } from '../src/sampler/program/format.ts';
import { Runtime } from '../src/scheduler/index.ts';
import { CASES, type FamilyCase, sourceOf } from './support/every-family.ts';

const CODED = ['encoder.hidden=9', 'decoder.hidden=9'];

/** What the table of exports has not: varieties of draws. */
const MORE: readonly FamilyCase[] = [
  // More coordinates than are gone through in one graph.
  { family: 'maf', set: ['net.hidden=8', 'depth=2'], shape: [12] },
  { family: 'gmm', set: ['components=3', 'covariance=spherical'], shape: [1] },
  {
    family: 'vae',
    set: [...CODED, 'code.kind=bernoulli', 'latent=5', 'prior.kind=learned', 'prior.kind=learned'],
  },
];

/** Flows divide by what may be small. */
const TOLERANCE = 1e-5;
const FLOWS = 1e-4;

/** Models that the runtime has no use for, or has no way of telling what they want to be told. */
const SILENT = /neither draws nor decodes|is told columns/;

/** Cases of which no two are played alike. */
function played(): [FamilyCase, ReturnType<typeof sourceOf>][] {
  const seen = new Set<string>();
  return [...CASES, ...MORE].flatMap((one): [FamilyCase, ReturnType<typeof sourceOf>][] => {
    const source = sourceOf(one);
    try {
      const text = one.family + JSON.stringify(programOf(source).json);
      if (seen.has(text)) return [];
      seen.add(text);
      return [[one, source]];
    } catch (error) {
      if (SILENT.test(String(error))) return [];
      throw error;
    }
  });
}

let folder = '';
let device: Device;
let gpu: GPU;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-played-'));
  ({ gpu } = await requestGpu());
  device = await openDevice();
});
afterAll(() => {
  device.destroy();
  rmSync(folder, { recursive: true, force: true });
});

type Source = ReturnType<typeof sourceOf>;

const typed = (values: ReadonlyMap<Variable, ArrayLike<number>> | undefined) =>
  new Map([...(values ?? [])].map(([key, data]) => [key, Float32Array.from(data)])) as Map<
    Variable,
    WeightValues
  >;

function written(name: string, source: Source): string {
  const at = join(folder, name);
  mkdirSync(at);
  const description = modelJson(source.config);
  const stored = writeWeights(
    typed(source.weights) as never,
    undefined,
    typed(source.buffers) as never,
  );
  const files = new Map(webFiles({ ...source, description, stored }, false, name));
  for (const [file, bytes] of files) writeFileSync(join(at, file), bytes);
  const program = files.get(PROGRAM);
  if (program) expect(unread(program, files.get('weights.safetensors'))).toEqual([]);
  return at;
}

/** Tensors that no node reads, and nodes whose result nobody takes. */
function unread(program: Uint8Array, weights: Uint8Array | undefined): unknown[] {
  const { nodes, parts }: ProgramJson = JSON.parse(new TextDecoder().decode(program));
  const names = new Set(nodes.filter(([op]) => op === 'w').map(([, , name]) => name));
  const tensors = [...readSafetensors(weights as Uint8Array).tensors.keys()];
  const taken = new Set(Object.values(parts).flatMap(({ legs, out }) => [...legs.flat(), out]));
  for (const [, operands] of nodes) for (const place of operands) taken.add(place);
  const alone = nodes.filter(([op], place) => op !== 'in' && !taken.has(place));
  return [...tensors.filter((name) => !names.has(name)), ...alone];
}

/** The largest difference, absolute below 1 and relative above, of all numbers but a few. */
function off(found: Float32Array, wanted: Float32Array, ignored: number): number {
  expect(found.length).toBe(wanted.length);
  const each = found.map((x, i) => Math.abs(x - wanted[i]!) / Math.max(1, Math.abs(wanted[i]!)));
  return each.sort().at(-1 - ignored) as number;
}

/** What may be asked of either, and whether it is a draw that a rounding may decide. */
function questions({ classes, clusters, layers, hasTemperature, latent }: Sampler, count: number) {
  const all = (n: number) => new Array<number>(count).fill(n);
  type Question = [string, SampleOptions, Parameters<Asked['sample']>[3]];
  const list: Question[] = [['mean', {}, {}]];
  list.push(['draw', { draw: true }, {}]);
  if (classes.length) list.push(['draw', { draw: true, label: 'b' }, { labels: all(1) }]);
  if (clusters) {
    list.push(['mean', { cluster: 1 }, { groups: all(1) }]);
    list.push(['draw', { cluster: 1, draw: true }, { groups: all(1) }]);
  }
  if (layers.length) list.push(['mean', { temperatures: [1, 0.5] }, { temperatures: [1, 0.5] }]);
  if (hasTemperature) list.push(['mean', { temperature: 0.5 }, { temperature: 0.5 }]);
  const codes = Float32Array.from({ length: count * latent }, (_, i) => Math.sin(i));
  return { list, codes };
}

async function agrees(
  one: FamilyCase,
  source: Source,
  sampler: Sampler,
  engine: Asked,
  count: number,
): Promise<void> {
  const seed = 2 ** 40 + 7;
  const { can } = source.model;
  const tolerance = can.bijection || one.set?.includes('prior.kind=realnvp') ? FLOWS : TOLERANCE;
  const { list, codes } = questions(sampler, count);
  const hasCodes = can.draw !== undefined || can.ancestral !== undefined;
  for (const [shown, asked, wanted] of hasCodes ? list : []) {
    if (shown === 'draw' && can.decode && !can.decode.draw && !can.bijection) continue;
    const found = await sampler.sample(count, { seed, ...asked });
    const right = await engine.sample(count, shown as 'mean' | 'draw', seed, wanted);
    expect(off(found, right, 0), `${shown} ${JSON.stringify(asked)}`).toBeLessThan(tolerance);
  }
  if (!sampler.latent) return;
  const told = sampler.classes.length ? { label: 2 } : {};
  const labels = new Array<number>(count).fill(2);
  for (const shown of ['mean', 'draw'] as const) {
    if (shown === 'draw' && !can.decode?.draw) continue;
    const found = await sampler.decode(codes, { seed, draw: shown === 'draw', ...told });
    const right = await engine.decode(codes, count, shown, seed, { labels });
    expect(off(found, right, 0), `decoded ${shown}`).toBeLessThan(tolerance);
  }
  if (!can.draw) return;
  // The codes are those that a sample is made of.
  const own = await sampler.codes(count, { seed });
  const label = sampler.classes.length
    ? { label: Array.from({ length: count }, (_, i) => i % sampler.classes.length) }
    : {};
  const again = await sampler.decode(own, label);
  if (can.decode) expect(off(again, await sampler.sample(count, { seed }), 0)).toBe(0);
}

const cases = played();

test('the table has every family that draws', () => {
  expect(new Set(cases.map(([{ family }]) => family))).toEqual(
    new Set(
      CASES.map(({ family }) => family).filter((f) => !['bayes-linear', 'classifier'].includes(f)),
    ),
  );
});

/** A whole workgroup of rows and a part of one. */
const MANY = 70;
/** Of a part alone, which each engine compiles anew: every fourth family is asked. */
const FEW = 3;

describe.each(cases.map(([one, source], i) => ({ ...one, at: i, source })))(
  '$family $set',
  ({ at: i, source, ...one }) => {
    test('as the engine does', async () => {
      const at = written(String(i), source);
      const runtime = new Runtime(device);
      giveWeights(runtime, typed(source.weights));
      giveWeights(runtime, typed(source.buffers));
      const engine = openInference(runtime, source.model);
      for (const way of [{ backend: 'javascript' }, { backend: 'webgpu' }] as const) {
        const sampler = await load(at, { ...way, gpu });
        expect(sampler.backend).toBe(way.backend);
        const counts = i % 4 === 0 ? [FEW, MANY] : [MANY];
        for (const count of counts) await agrees(one, source, sampler, engine, count);
        sampler.destroy();
      }
      await engine.destroy();
      runtime.destroy();
    }, 60_000);
  },
);
