// Sequences: series cut into windows, sounds, signals, and what is held out and hidden of them.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadModelData } from '../src/cli/data/model-data.ts';
import { loadData } from '../src/data/load.node.ts';
import { hide, parseHiding } from '../src/data/missing.ts';
import { split } from '../src/data/parts.ts';
import { resample } from '../src/data/resample.ts';
import { signal } from '../src/data/signals.ts';
import { standardizationOf } from '../src/data/standardize.ts';
import { writeNpy } from '../src/formats/npy.ts';
import { readWav, WAV_ENCODINGS, writeWav } from '../src/formats/wav.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { variable } from '../src/graph/variable.ts';
import { readModelJson, settledConfig } from '../src/models/index.ts';
import * as nn from '../src/nn/index.ts';
import * as o from '../src/ops/index.ts';
import { reals } from './support/engine.ts';
import { refusal, refusalOf } from './support/refusal.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latentgpu-sequences-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tone = (length: number, frequency: number) =>
  Float32Array.from({ length }, (_, t) => 0.8 * Math.sin(2 * Math.PI * frequency * t + 0.3));

async function written(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** Data as a model of such data points takes them. */
function asModelData(path: string, data: { shape: number[]; sequence: object }) {
  const loaded = { config: { family: 'ar', data }, model: { can: {} } };
  const out = {
    remark() {},
    progress: (_: string, work: (bar: object) => unknown) => work({ update() {} }),
  };
  const options = { data: path, window: data.shape[0] as number };
  return loadModelData(loaded as never, options, 'runs/x', out as never);
}

describe('WAV files', () => {
  test('floats come back bit for bit, whole numbers to half a step', () => {
    const data = Float32Array.from([...tone(101, 0.013), -1, 1 - 2 ** -7, 0.5]);
    const steps = { u8: 2 ** -7, s16: 2 ** -15, s24: 2 ** -23, s32: 2 ** -31, f32: 0 };
    for (const encoding of WAV_ENCODINGS) {
      const found = readWav(writeWav({ rate: 8000, channels: 2, data }, encoding));
      expect([found.rate, found.channels, found.data.length]).toEqual([8000, 2, data.length]);
      found.data.forEach((value, i) => {
        // float32 holds a 32-bit number to 2⁻²⁵ of its size.
        const bound = steps[encoding] / 2 + (encoding === 's32' ? 2 ** -25 : 0);
        expect(Math.abs(value - (data[i] as number))).toBeLessThanOrEqual(bound);
      });
      // What was read is written as the same bytes.
      const again = writeWav(found, encoding);
      expect(readWav(again).data).toEqual(found.data);
    }
  });

  test('other encodings and damage are told in a line', () => {
    const bytes = writeWav({ rate: 8000, channels: 1, data: tone(20, 0.1) }, 's16');
    const changed = (at: number, ...values: number[]) => {
      const copy = bytes.slice();
      copy.set(values, at);
      return () => readWav(copy, 'a.wav');
    };
    expect(changed(20, 17, 0)).toThrow(/a\.wav holds IMA ADPCM; whole numbers/);
    expect(changed(34, 40, 0)).toThrow(/40-bit numbers/);
    expect(changed(32, 4, 0)).toThrow(/says that 1 x 16 bits take 4 bytes, not 2/);
    expect(() => readWav(bytes.subarray(0, 60), 'a.wav')).toThrow(/is cut off/);
    expect(changed(12, 10, 0, 0, 0, 255, 255)).toThrow(/^a\.wav is cut off: .* of "\\n/);
    expect(() => readWav(new Uint8Array(50), 'a.wav')).toThrow(/no WAV file/);
  });

  test('float64, numbers of 12 bits, and lengths that a pipe did not know are read', () => {
    const data = tone(20, 0.1);
    const doubles = writeWav({ rate: 8000, channels: 2, data }, 'f32');
    const view = new DataView(doubles.buffer);
    view.setUint16(22, 1, true);
    view.setUint16(34, 64, true);
    for (let i = 0; i < 10; i++) view.setFloat64(44 + 8 * i, 0.1 * i - 0.5, true);
    expect(readWav(doubles).data).toEqual(
      Float32Array.from({ length: 10 }, (_, i) => 0.1 * i - 0.5),
    );
    const whole = writeWav({ rate: 8000, channels: 1, data }, 's16');
    const expected = readWav(whole).data;
    whole[34] = 12;
    expect(readWav(whole).data).toEqual(expected);
    for (const length of [0x7ffff000, 0xffffffff]) {
      new DataView(whole.buffer).setUint32(40, length, true);
      expect(readWav(whole).data).toEqual(expected);
    }
  });

  test.each([
    ['µ-law', 7, [0x00, 0x80, 0xff, 0x0f, 0x9c], [-32124, 32124, 0, -16764, 9852]],
    ['A-law', 6, [0xd5, 0x55, 0x2a, 0xaa, 0x9c], [8, -8, -32256, 32256, 3264]],
  ])('%s gives the numbers of ITU-T G.711', (_, kind, codes, numbers) => {
    const bytes = writeWav({ rate: 8000, channels: 1, data: new Float32Array(5) }, 'u8');
    bytes[20] = kind;
    bytes.set(codes, 44);
    expect(readWav(bytes).data).toEqual(Float32Array.from(numbers, (x) => x / 2 ** 15));
  });

  test('another rate keeps what lies below half of it', () => {
    const length = 400;
    const found = resample(tone(length, 0.02), 2, 1);
    const wanted = tone(length, 0.04).subarray(0, length / 2);
    // Away from the ends, where the sinc is whole; 16 crossings leave less than a thousandth.
    for (let i = 20; i < 180; i++) {
      expect(Math.abs((found[i] as number) - (wanted[i] as number))).toBeLessThan(2e-3);
    }
    expect(
      Math.max(...resample(tone(length, 0.45), 2, 1).subarray(20, 180).map(Math.abs)),
    ).toBeLessThan(2e-2);
  });
});

describe('windows', () => {
  const series = Float32Array.from({ length: 200 }, (_, i) => i);

  test('of a series of channels are cut at strides', async () => {
    const path = await written('two.npy', writeNpy(series, [100, 2]));
    const data = await loadData({
      data: path,
      split: 'train',
      range: 'any',
      windows: { window: 16, stride: 10 },
    });
    expect([data.count, data.shape]).toEqual([9, [16, 2]]);
    expect([...data.data.subarray(32, 36)]).toEqual([20, 21, 22, 23]);
    const { mean, std } = standardizationOf(data);
    // All steps of a channel count alike.
    expect(mean[0]).toBe(mean[2]);
    expect((mean[1] as number) - (mean[0] as number)).toBeCloseTo(1, 5);
    expect(std[0]).toBe(std[30]);
  });

  test('held out share no step with those to train on', async () => {
    const path = await written('one.npy', writeNpy(series, [200]));
    const whole = await loadData({
      data: path,
      split: 'train',
      range: 'any',
      windows: { window: 20, stride: 5 },
    });
    const { train, test: held } = split(whole, 0.3, 0);
    expect(held.count).toBe(Math.round(0.3 * whole.count));
    expect(Math.max(...train.data)).toBeLessThan(Math.min(...held.data));
    expect(() => split(whole, whole.count - 1, 0)).toThrow(
      /overlap those that are; hold fewer out/,
    );
  });

  test('of several series whole ones are held out', async () => {
    const path = await written('many.npy', writeNpy(series, [10, 20, 1]));
    const whole = await loadData({
      data: path,
      split: 'train',
      range: 'any',
      windows: { window: 8, stride: 4 },
    });
    expect([whole.count, whole.shape]).toEqual([40, [8]]);
    const { train, test: held } = split(whole, 0.2, 0);
    const seriesOf = (values: Iterable<number>) =>
      new Set([...values].map((x) => Math.floor(x / 20)));
    expect([train.count, held.count]).toEqual([32, 8]);
    for (const s of seriesOf(held.data)) expect(seriesOf(train.data).has(s)).toBe(false);
  });

  test('of tables know their columns by name, in whatever order they stand', async () => {
    const text = (head: string, row: (t: number) => string) =>
      new TextEncoder().encode([head, ...Array.from({ length: 8 }, (_, t) => row(t))].join('\n'));
    const own = await written(
      'own.csv',
      text('x,y', (t) => `${t},${-1 - t}`),
    );
    const other = await written(
      'turned.csv',
      text('y,x', (t) => `${-1 - t},${t}`),
    );
    const windows = { window: 4, stride: 4 };
    const read = await loadData({ data: own, split: 'train', range: 'any', windows });
    expect(read.sequence?.channels).toEqual(['x', 'y']);
    const data = { shape: [4, 2], sequence: { channels: ['x', 'y'] } };
    const json = (of: typeof data) =>
      JSON.stringify({ format: 2, ...settledConfig({ family: 'ar', data }), data: of });
    expect(readModelJson(json(data)).config.data).toMatchObject(data);
    const { original } = await asModelData(other, data);
    expect(Array.from(original.data).slice(0, 4)).toEqual([0, -1, 1, -2]);
    await expect(
      asModelData(other, { ...data, sequence: { channels: ['x', 'z'] } }),
    ).rejects.toThrow(/"z"/);
    const wrong = { shape: [4, 2], sequence: { channels: ['x'] } };
    expect(refusalOf(() => readModelJson(json(wrong)))).toMatch(
      /data\.sequence is .* with a text a channel/,
    );
  });

  test('without any value are told by their steps', async () => {
    const holes = Float32Array.from({ length: 40 }, (_, i) => (i > 9 && i < 25 ? Number.NaN : i));
    const data = await written('holes.npy', writeNpy(holes, [40]));
    const load = (windows: object) =>
      loadData({ data, split: 'train', range: 'any', takesMissing: true, windows } as never);
    expect(await refusal(load({ window: 10, stride: 10 }))).toMatch(
      /all values of the window of steps 10 to 19 \(from 0\) are missing; take longer windows/,
    );
    expect(await load({ window: 20, stride: 20 })).toMatchObject({ count: 2 });
  });

  test('longer than the series, of images, or of steps with classes are refused', async () => {
    const path = await written('short.npy', writeNpy(series, [200]));
    const load = (data: string, windows = { window: 300 }) =>
      loadData({ data, split: 'train', range: 'any', windows });
    await expect(load(path)).rejects.toThrow(/has 200 steps, and a window 300; take a smaller one/);
    const wide = await written('wide.npy', writeNpy(series, [2, 100]));
    await expect(load(wide, { window: 20 })).rejects.toThrow(
      /has 2 steps, and a window 20; .* if its 100 columns are the steps, save x.T/,
    );
    const dated = await written('dated.csv', new TextEncoder().encode('day,x\n2024-01-01,2\n'));
    await expect(load(dated, { window: 1 })).rejects.toThrow(
      /holds "2024-01-01", which is no number; leave the column out with --drop day$/,
    );
    await expect(load('digits')).rejects.toThrow(/digits holds no series/);
    await expect(load('ecg', { window: 64, stride: 3 } as never)).rejects.toThrow(
      /--stride: windows of ecg are drawn/,
    );
  });
});

describe('sounds', () => {
  test('of a folder are mixed down to one rate; rates that differ are refused without one', async () => {
    const stereo = Float32Array.from({ length: 200 }, (_, i) => (i % 2 ? 0.5 : -0.25));
    await written('a.wav', writeWav({ rate: 8000, channels: 2, data: stereo }, 's16'));
    await written('b.wav', writeWav({ rate: 4000, channels: 1, data: tone(100, 0.01) }, 'f32'));
    const load = (windows?: object) =>
      loadData({
        data: folder,
        split: 'train',
        range: 'any',
        ...(windows && { windows }),
      } as never);
    await expect(load()).rejects.toThrow(/holds sound; say how many samples/);
    await expect(load({ window: 50 })).rejects.toThrow(
      /b\.wav has 4000 samples a second and .*a\.wav 8000; .*--rate 4000/,
    );
    const data = await load({ window: 50, stride: 50, rate: 4000 });
    expect([data.count, data.shape, data.sequence?.rate]).toEqual([3, [50], 4000]);
    expect(data.data[25]).toBeCloseTo(0.125, 3);
    expect(data.data.subarray(50, 100)).toEqual(tone(100, 0.01).subarray(0, 50));
  });

  test('of other formats or deeper folders are not left out without a word', async () => {
    const wav = writeWav({ rate: 8000, channels: 1, data: tone(60, 0.01) }, 's16');
    const refused = async (name: string, files: Record<string, Uint8Array>) => {
      const data = join(folder, name);
      for (const [path, bytes] of Object.entries(files)) {
        await mkdir(dirname(join(data, path)), { recursive: true });
        await writeFile(join(data, path), bytes);
      }
      const windows = { window: 50 };
      return await refusal(loadData({ data, split: 'train', range: 'any', windows }));
    };
    const mp3 = new TextEncoder().encode('ID3');
    const other = /b\.mp3 is no WAV file; sounds must be, so move it or convert it/;
    expect(await refused('both', { 'a.wav': wav, 'b.mp3': mp3 })).toMatch(other);
    expect(await refused('none', { 'x/b.mp3': mp3 })).toMatch(other);
    expect(await refused('beside', { 'a.wav': wav, 'x/b.wav': wav })).toMatch(
      /holds sounds and a folder of sounds \(x\)/,
    );
    expect(await refused('deep', { 'train/x/a.wav': wav, 'test/x/a.wav': wav })).toMatch(
      /holds folders of folders; .* --data \S+train --test \S+test$/,
    );
    expect(await refused('splits', { 'train/a.wav': wav, 'test/a.wav': wav })).toMatch(
      /holds test and train, which are splits and no classes/,
    );
  });

  test('of another rate than the model was trained on are refused', async () => {
    const path = await written(
      'other.wav',
      writeWav({ rate: 4000, channels: 1, data: tone(200, 0.01) }, 'f32'),
    );
    const of = (rate: number) => asModelData(path, { shape: [50], sequence: { rate } });
    expect((await of(4000)).original.count).toBe(13);
    await expect(of(8000)).rejects.toThrow(
      /other\.wav has 4000 steps a second and the model was trained on 8000; .*--rate 8000/,
    );
  });
});

describe('signals', () => {
  test('follow from the seed; splits differ', () => {
    for (const name of ['sines', 'ecg', 'random-walks']) {
      const [a, b] = [signal(name, { count: 3 }), signal(name, { count: 4 })];
      expect(b.data.subarray(0, 3 * 128)).toEqual(a.data);
      expect(signal(name, { count: 3, split: 'test' }).data).not.toEqual(a.data);
    }
  });

  test('a walk has steps N(0, 1)', () => {
    const { data } = signal('random-walks', { count: 100, window: 100 });
    let squares = 0;
    data.forEach((value, i) => {
      squares += (value - (i % 100 ? (data[i - 1] as number) : 0)) ** 2;
    });
    // The mean of 10,000 squares deviates by √(2 / 10⁴); five deviations.
    expect(Math.abs(squares / 1e4 - 1)).toBeLessThan(0.071);
  });
});

describe('stretches', () => {
  test('are hidden in the middle or at the end, and withheld', () => {
    const data = signal('sines', { count: 2, window: 10 });
    const seen = (how: string) =>
      [...(hide(data, parseHiding(how) as never, 0).mask ?? [])].slice(0, 10);
    expect(seen('last:3')).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
    expect(seen('middle:4')).toEqual([1, 1, 1, 0, 0, 0, 0, 1, 1, 1]);
    expect(() => seen('last:10')).toThrow(/have 10 steps, of which one at least is to be seen/);
    expect(() => seen('top')).toThrow(/sequences, which have no top; take --hide last:32/);
  });
});

/** Of PyTorch 1.13, in float64. */
const TORCH = {
  gru: [
    0.012832657, -0.34859742, 0.06194539, -0.262863514, 0.118624942, 0.025852539, 0.142885021,
    -0.287720681, 0.099737803, -0.322752614, 0.232606065, -0.402299206,
  ],
  lstm: [
    0.0311689, -0.042639767, 0.092902336, -0.087548669, 0.222945892, -0.00742915, 0.319030798,
    -0.174129862, 0.256651351, -0.050259815, 0.376353476, -0.183904012,
  ],
};

describe('recurrent units', () => {
  test('see every step before and none after', () => {
    const [steps, channels] = [5, 2];
    const net = new nn.LSTM(channels, [8, 4]);
    const rows = 1 + steps;
    // Row 0 as it is; row 1 + t with a step moved.
    const x = variable('x', [rows, steps, channels]);
    const base = reals('steps', steps * channels);
    const moved = Float32Array.from({ length: x.size }, (_, at) => {
      const [row, place] = [Math.floor(at / base.length), at % base.length];
      return (base[place] as number) + (Math.floor(place / channels) === row - 1 ? 1 : 0);
    });
    const values = new Map<Tensor, ArrayLike<number>>([[x, moved]]);
    for (const p of net.parameters()) values.set(p, reals(p.name, p.size));
    const [y] = o.evaluate([net.call(nn.delayed(x))], values);
    const state = (row: number, t: number) =>
      y?.data.subarray((row * steps + t) * 4, (row * steps + t + 1) * 4);
    for (let t = 0; t < steps; t++) {
      for (let from = 0; from < steps; from++) {
        const isSame = state(1 + from, t)?.every((value, i) => value === state(0, t)?.[i]);
        expect(isSame, `state ${t}, step ${from}`).toBe(from >= t);
      }
    }
  });

  test.each(['gru', 'lstm'] as const)('%s: names, layouts and numbers of PyTorch', (cell) => {
    // torch.nn.GRU(2, 4, batch_first=True), or LSTM; all parameters (-1)^i (i % 7) / 10, input (i % 3) / 2 - 0.4.
    const net = new nn.Recurrent(cell, 2, [4]);
    const all = cell === 'gru' ? 12 : 16;
    expect(net.namedParameters().map(([name, { shape }]) => [name, shape])).toEqual([
      ['weight_ih_l0', [all, 2]],
      ['weight_hh_l0', [all, 4]],
      ['bias_ih_l0', [all]],
      ['bias_hh_l0', [all]],
    ]);
    const x = variable('x', [1, 3, 2]);
    const values = new Map<Tensor, ArrayLike<number>>([
      [x, Array.from({ length: 6 }, (_, i) => (i % 3) / 2 - 0.4)],
    ]);
    for (const p of net.parameters()) {
      values.set(
        p,
        Array.from({ length: p.size }, (_, i) => ((-1) ** i * (i % 7)) / 10),
      );
    }
    const [y] = o.evaluate([net.call(x)], values);
    TORCH[cell].forEach((want, i) => {
      expect(Math.abs((y?.data[i] as number) - want)).toBeLessThan(1e-8);
    });
  });
});
