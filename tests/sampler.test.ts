/** The sampler against the engine: the same numbers for the same seed, from the same files. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requestGpu } from '../src/device/host.node.ts';
import { type Device, openDevice } from '../src/device/index.ts';
import { readSafetensors } from '../src/formats/safetensors.ts';
import { input } from '../src/graph/variable.ts';
import { giveWeights, Inference, type LikelihoodConfig, need } from '../src/models/index.ts';
import { interpolate } from '../src/models/latent-space.ts';
import { type Activation, activations, evaluate } from '../src/ops/index.ts';
import { load, type Sampler } from '../src/sampler/index.ts';
import { Runtime } from '../src/scheduler/index.ts';
import {
  buildSampler,
  type Decoder,
  DIGITS,
  type MadeModel,
  makeModel,
  serveFiles,
  writeModel,
} from './support/sampler.ts';

/** What a page may be asked to load, minified and with gzip -9: for a decoder of full layers, for any model. */
const MOST_BYTES = 12 * 1024;
const MOST_IN_ALL = 20 * 1024;
/** Between the sampler, whichever its backend, and the engine: absolute below 1, relative above. */
const TOLERANCE = 1e-5;

let folder = '';
let device: Device;
let gpu: GPU;
let built = '';

const all = Object.keys(activations) as Activation[];
const normal = (sigma: 'shared' | 'pixel'): LikelihoodConfig => ({ kind: 'normal', sigma });
const fixed: LikelihoodConfig = { kind: 'normal', sigma: 'fixed', std: 0.3 };
const bernoulli: LikelihoodConfig = { kind: 'bernoulli' };

const job = { column: 'job', at: 1, levels: ['cook', 'nurse', 'smith'] };

/** Every activation and every likelihood; widths that are odd, 1, and larger than a tile. */
const decoders: [string, Decoder][] = [
  [
    'the network of the README',
    { shape: [28, 28], latent: 20, hidden: [300], activation: 'relu', likelihood: bernoulli },
  ],
  [
    'one number everywhere',
    { shape: [1], latent: 1, hidden: [1], activation: 'identity', likelihood: bernoulli },
  ],
  [
    'a code of one number',
    { shape: [3, 5], latent: 1, hidden: [7], activation: 'gelu', likelihood: bernoulli },
  ],
  [
    'no hidden layer',
    { shape: [2, 3, 3], latent: 5, hidden: [], activation: 'silu', likelihood: fixed },
  ],
  [
    'one feature with a deviation of its own',
    { shape: [1], latent: 3, hidden: [17], activation: 'silu', likelihood: normal('pixel') },
  ],
  [
    'a deviation for each pixel',
    { shape: [13], latent: 3, hidden: [17, 33], activation: 'tanh', likelihood: normal('pixel') },
  ],
  [
    'a shared deviation, standardised',
    {
      shape: [4],
      latent: 2,
      hidden: [9],
      activation: 'softplus',
      likelihood: normal('shared'),
      standardization: {
        mean: Float32Array.of(-3, 0, 100, 7),
        std: Float32Array.of(0.01, 1, 20, 3),
      },
    },
  ],
  [
    'seven levels',
    {
      shape: [5, 3],
      latent: 5,
      hidden: [40],
      activation: 'leakyRelu',
      likelihood: { kind: 'categorical', levels: 7 },
    },
  ],
  [
    'bits',
    {
      shape: [4, 4],
      latent: 11,
      hidden: [9],
      activation: 'relu',
      likelihood: bernoulli,
      code: { kind: 'bernoulli' },
    },
  ],
  [
    'a bit, by a learned prior',
    {
      shape: [5],
      latent: 1,
      hidden: [4],
      activation: 'tanh',
      likelihood: normal('shared'),
      code: { kind: 'bernoulli' },
      prior: 'learned',
    },
  ],
  [
    'classes',
    {
      family: 'iwae',
      shape: [4, 4],
      latent: 20 * 10,
      hidden: [9],
      activation: 'relu',
      likelihood: bernoulli,
      code: { kind: 'categorical', groups: 20, classes: 10 },
    },
  ],
  [
    'one variable of seven classes, by a learned prior',
    {
      shape: [3, 3],
      latent: 7,
      hidden: [],
      activation: 'relu',
      likelihood: { kind: 'categorical', levels: 3 },
      code: { kind: 'categorical', groups: 1, classes: 7 },
      prior: 'learned',
    },
  ],
  [
    'bytes',
    {
      family: 'iwae',
      shape: [8, 8],
      latent: 5,
      hidden: [40, 21],
      activation: 'sigmoid',
      likelihood: { kind: 'categorical' },
    },
  ],
  [
    'numbers between columns of words, standardised',
    {
      shape: [9],
      latent: 3,
      hidden: [20],
      activation: 'relu',
      likelihood: normal('shared'),
      categories: [job, { column: 'size', at: 5, levels: ['s', 'm', 'l'] }],
      standardization: {
        mean: Float32Array.of(-3, 0, 0, 0, 2, 0, 0, 0, 100),
        std: Float32Array.of(2, 1, 1, 1, 0.1, 1, 1, 1, 9),
      },
    },
  ],
  [
    'words and a deviation for each number',
    {
      shape: [7],
      latent: 2,
      hidden: [11],
      activation: 'tanh',
      likelihood: normal('pixel'),
      categories: [job],
    },
  ],
  [
    'words and numbers that are 0 or 1',
    {
      shape: [6],
      latent: 2,
      hidden: [12],
      activation: 'relu',
      likelihood: bernoulli,
      categories: [job],
    },
  ],
  [
    'words alone, one of them the only one',
    {
      shape: [4],
      latent: 2,
      hidden: [8],
      activation: 'relu',
      likelihood: fixed,
      categories: [
        { column: 'all', at: 0, levels: ['one'] },
        { ...job, at: 1 },
      ],
    },
  ],
];

/** Numbers that agree; counts those that do not, as draws may fall on either side of a rounding. */
function differing(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let count = 0;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] as number;
    const off = Math.abs((actual[i] as number) - wanted);
    if (!(off <= TOLERANCE * Math.max(1, Math.abs(wanted)))) count++;
  }
  return count;
}

/** The engine's numbers in data units. */
function original(rows: Float32Array, { standardization }: Decoder): Float32Array {
  if (!standardization) return rows;
  const { mean, std } = standardization;
  const at = (i: number) => i % mean.length;
  return rows.map((x, i) => x * (std[at(i)] as number) + (mean[at(i)] as number));
}

async function withModel(
  decoder: Decoder,
  body: (at: string, made: MadeModel) => Promise<void>,
): Promise<void> {
  const at = mkdtempSync(join(folder, 'model-'));
  const made = makeModel(decoder);
  await body(writeModel(at, made, decoder.standardization), made);
}

/** An adapter as most are: without subgroups of four. */
const plain = (): GPU =>
  ({
    async requestAdapter() {
      const adapter = (await gpu.requestAdapter()) as GPUAdapter;
      const { vendor, architecture, device: model, description } = adapter.info;
      return {
        info: { vendor, architecture, device: model, description },
        features: new Set(),
        limits: adapter.limits,
        requestDevice: (descriptor?: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
      };
    },
  }) as unknown as GPU;

/** Every way of computing a model, one after the other. */
async function eachBackend(
  at: string,
  body: (sampler: Sampler) => void | Promise<void>,
): Promise<void> {
  const ways = [
    { backend: 'javascript' },
    { backend: 'webgpu', gpu },
    { backend: 'webgpu', gpu: plain() },
  ] as const;
  for (const way of ways) {
    const sampler = await load(at, way);
    expect(sampler.backend).toBe(way.backend);
    await body(sampler);
    sampler.destroy();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latentgpu-sampler-'));
  ({ gpu } = await requestGpu());
  device = await openDevice();
  console.log(`adapter of the sampler: ${device.adapter.name}`);
  built = await buildSampler(join(folder, 'dist'));
}, 60_000);

afterAll(() => {
  device?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

describe('the published file', () => {
  test('is at most 12 KiB, and at most 20 KiB with what plays programs', () => {
    const player = readFileSync(join(folder, 'dist/sampler-program.js'), 'utf8');
    const [bytes, more] = [built, player].map((text) => gzipSync(text, { level: 9 }).length) as [
      number,
      number,
    ];
    console.log(
      `sampler.js: ${built.length} bytes, ${bytes} with gzip -9; with programs ${bytes + more}`,
    );
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
    expect(bytes + more).toBeLessThanOrEqual(MOST_IN_ALL);
    // The one file that it needs is loaded when there is a program to play, and needs no other.
    expect(built.match(/\bimport\s*[("'`{*][^)]*|\bfrom\s*["'`]|\brequire\(/g)).toEqual([
      'import(`./sampler-program.js`',
    ]);
    expect(player.match(/\bfrom\s*["'`][^"'`]*/g)).toEqual(['from"./sampler.js']);
  });

  test('runs in Node.js as it is, from a path, a file URL and a server', async () => {
    const url = pathToFileURL(join(folder, 'dist/sampler.js')).href;
    const published = (await import(/* @vite-ignore */ url)) as { load: typeof load };
    const expected = await (await load(DIGITS, { backend: 'javascript' })).sample(3);
    const server = await serveFiles(
      new Map(
        ['model.json', 'weights.safetensors'].map((name) => [
          `/some where/${name}`,
          readFileSync(join(DIGITS, name)),
        ]),
      ),
    );
    try {
      for (const at of [
        DIGITS,
        'tests/fixtures/digits-vae',
        pathToFileURL(`${DIGITS}/`),
        `${server.url}/some where`,
      ]) {
        const model = await published.load(at);
        expect(model.backend).toBe('javascript');
        expect(await model.sample(3)).toEqual(expected);
      }
    } finally {
      server.close();
    }
  });
});

describe('against the engine', () => {
  test('the cases have every activation', () => {
    expect(new Set(decoders.map(([, { activation }]) => activation))).toEqual(new Set(all));
  });

  for (const [name, decoder] of decoders) {
    test(`a seed gives the same numbers: ${name}`, async () => {
      await withModel(decoder, async (at, { model, values }) => {
        const runtime = new Runtime(device);
        giveWeights(runtime, values);
        const engine = new Inference(runtime, model);
        const counts = [1, 5, 130];
        const seed = 2 ** 40 + 7;
        const codes = await engine
          .sample(1)
          .then(() => Float32Array.from({ length: 3 * decoder.latent }, (_, i) => Math.sin(i)));
        const means = new Map<number, Float32Array>();
        const draws = new Map<number, Float32Array>();
        for (const count of counts) {
          means.set(count, original(await engine.sample(count, 'mean', seed), decoder));
          draws.set(count, original(await engine.sample(count, 'draw', seed), decoder));
        }
        const decoded = original(await engine.decode(codes, 3), decoder);
        const drawn = original(await engine.decode(codes, 3, 'draw', seed), decoder);
        await eachBackend(at, async (sampler) => {
          expect(sampler.categories).toEqual(decoder.categories ?? []);
          for (const count of counts) {
            const mean = await sampler.sample(count, { seed });
            expect(differing(mean, means.get(count) as Float32Array)).toBe(0);
            const draw = await sampler.sample(count, { seed, draw: true });
            // One in 10^5 may be so close to its threshold that a rounding decides.
            const few = 1e-5 * draw.length + 1;
            expect(differing(draw, draws.get(count) as Float32Array)).toBeLessThan(few);
          }
          expect(differing(await sampler.decode(codes), decoded)).toBe(0);
          expect(differing(await sampler.decode(codes, { seed, draw: true }), drawn)).toBe(0);
          expect(await sampler.decode(await sampler.codes(9, { seed }))).toEqual(
            await sampler.sample(9, { seed }),
          );
        });
        await engine.destroy();
        runtime.destroy();
      });
    });
  }

  test('any decoder decodes as its graph does in float64', async () => {
    const width = fc.integer({ min: 1, max: 40 });
    const decoder = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
      latent: fc.integer({ min: 1, max: 20 }),
      hidden: fc.array(width, { maxLength: 3 }),
      activation: fc.constantFrom(...all),
      likelihood: fc.oneof(
        fc.constantFrom(bernoulli, fixed, normal('shared'), normal('pixel')),
        fc.record({
          kind: fc.constant('categorical' as const),
          levels: fc.integer({ min: 2, max: 20 }),
        }),
      ),
      family: fc.constantFrom('vae' as const, 'iwae' as const, 'ae' as const),
    });
    const count = fc.integer({ min: 1, max: 30 });
    await fc.assert(
      fc.asyncProperty(decoder, count, fc.nat(), async (made, rows, seed) => {
        await withModel(made, async (at, { model, values }) => {
          const codes = Float32Array.from({ length: rows * made.latent }, (_, i) =>
            Math.fround(2 * Math.sin(seed + i)),
          );
          const z = input('z', [rows, made.latent]);
          const [expected] = evaluate(
            [need(model, 'decode', 'this').mean(z)],
            new Map([...values, [z, codes]]),
          );
          await eachBackend(at, async (sampler) => {
            const images = await sampler.decode(codes);
            expect(differing(images, expected?.data as ArrayLike<number>)).toBe(0);
          });
        });
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});

describe('a model', () => {
  const small: Decoder = {
    shape: [2, 3],
    latent: 4,
    hidden: [8],
    activation: 'relu',
    likelihood: bernoulli,
  };

  test('says what it is', async () => {
    await eachBackend(DIGITS, (sampler) => {
      expect(sampler).toMatchObject({ family: 'vae', shape: [16, 16], features: 256, latent: 8 });
      expect(sampler.adapter.length).toBeGreaterThan(2);
    });
  });

  test('goes from one code to another as the engine does', async () => {
    await withModel(small, async (at) => {
      const model = await load(at);
      const [a, b] = [await model.codes(1, { seed: 1 }), await model.codes(1, { seed: 2 })];
      for (const spherical of [false, true]) {
        const way = interpolate(a, b, 7, spherical ? 'spherical' : 'straight');
        const images = await model.interpolate(a, b, { spherical });
        expect(differing(images, await model.decode(way))).toBe(0);
      }
      const still = await model.interpolate([0, 0, 0, 0], b, { steps: 2, spherical: true });
      expect(differing(still, await model.decode([0, 0, 0, 0, ...b]))).toBe(0);
    });
  });

  test('has weights of any float type', async () => {
    await withModel(small, async (at, { values }) => {
      const { buffer } = new Float32Array(1);
      const bitsOf = (x: number) => {
        new Float32Array(buffer)[0] = x;
        return new Uint32Array(buffer)[0] as number;
      };
      // Numbers that every type can hold: eight bits of fraction or fewer.
      const coarse = [...values].map(([{ name, shape }, data]) => ({
        name,
        shape,
        data: data.map((x) => Math.round(64 * x) / 64),
      }));
      const half = (x: number) => {
        const bits = bitsOf(x);
        if (x === 0) return 0;
        return (
          ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023)
        );
      };
      const types: [string, (data: Float32Array) => ArrayBufferView][] = [
        ['F32', (data) => data],
        ['F64', (data) => Float64Array.from(data)],
        ['F16', (data) => Uint16Array.from(data, half)],
        ['BF16', (data) => Uint16Array.from(data, (x) => bitsOf(x) >>> 16)],
      ];
      const fileOf = (dtype: string, convert: (data: Float32Array) => ArrayBufferView) => {
        const parts: Uint8Array[] = [];
        const header: Record<string, unknown> = {};
        let end = 0;
        for (const { name, shape, data } of coarse) {
          const { buffer: bytes, byteOffset, byteLength } = convert(data);
          parts.push(new Uint8Array(bytes, byteOffset, byteLength));
          header[name] = { dtype, shape, data_offsets: [end, end + byteLength] };
          end += byteLength;
        }
        // An odd header: tensors need not be aligned.
        const json = Buffer.from(`${JSON.stringify(header)} `.padEnd(1001));
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(json.length));
        return Buffer.concat([length, json, ...parts]);
      };
      const write = (file: Buffer) => writeFileSync(join(at, 'weights.safetensors'), file);
      const results: Float32Array[] = [];
      for (const [dtype, convert] of types) {
        const file = fileOf(dtype, convert);
        expect(readSafetensors(file).tensors.size).toBe(coarse.length);
        write(file);
        results.push(await (await load(at)).sample(5));
      }
      for (const result of results) expect(result).toEqual(results[0]);
      // What overflowed when it became float16 is an infinity, which a sigmoid makes a 1.
      write(fileOf('F16', (data) => Uint16Array.from(data, half).fill(0x7c00, 1, 2)));
      await expect(load(at)).rejects.toThrow(
        /holds Infinity at element 1; float16 goes to ±65504: save it as float32$/,
      );
    });
  });

  test('tells how far its weights are', async () => {
    const seen: { loaded: number; total: number }[] = [];
    await load(DIGITS, { onProgress: (progress) => seen.push(progress) });
    const total = readFileSync(join(DIGITS, 'weights.safetensors')).length;
    expect(seen.at(-1)).toEqual({ loaded: total, total });
  });
});
