import fc from 'fast-check';
import { encode } from 'fast-png';
import { describe, expect, test, vi } from 'vitest';
import { readPng } from '../src/formats/png.ts';
import { Random } from '../src/random.ts';
import { edits, mutate } from './support/mutate.ts';
import { adam7, chunk, filtered, type Header, png } from './support/png.ts';
import { refusalOf } from './support/refusal.ts';

/** Mutated files; `LATENTGPU_FUZZ=100` makes it a hundred times as many. */
const FUZZ = Number(process.env.LATENTGPU_FUZZ ?? 1);
const RUNS = 10_000 * FUZZ;
vi.setConfig({ testTimeout: 60_000 * FUZZ });

const bytes = (...values: number[]) => Uint8Array.from(values);
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => 7 * i);

describe('PNG images', () => {
  test.each([1, 3] as const)(
    'with %i channels of 8 and 16 bits, plain and interlaced',
    (channels) => {
      for (const interlace of ['null', 'Adam7'] as const) {
        const data = ramp(11 * 9 * channels);
        const small = encode({ width: 11, height: 9, channels, depth: 8, data }, { interlace });
        expect(readPng(small)).toEqual({ width: 11, height: 9, channels, data });
        const deep = Uint16Array.from(data, (x) => 257 * x);
        const large = encode(
          { width: 11, height: 9, channels, depth: 16, data: deep },
          { interlace },
        );
        expect(readPng(large)).toEqual({ width: 11, height: 9, channels, data: deep });
      }
    },
  );

  test('with opaque alpha lose it; transparent ones are refused', () => {
    const rgba = bytes(1, 2, 3, 255, 4, 5, 6, 255);
    const file = (data: Uint8Array) => encode({ width: 2, height: 1, channels: 4, depth: 8, data });
    expect(readPng(file(rgba))).toMatchObject({ channels: 3, data: bytes(1, 2, 3, 4, 5, 6) });
    rgba[7] = 254;
    expect(refusalOf(() => readPng(file(rgba), 'a.png'))).toBe(
      'bad-data: a.png: has transparent pixels; lay it on an opaque background',
    );
    const grey = encode({
      width: 2,
      height: 1,
      channels: 2,
      depth: 8,
      data: bytes(9, 255, 8, 255),
    });
    expect(readPng(grey)).toMatchObject({ channels: 1, data: bytes(9, 8) });
  });

  test('with a colour that stands for transparency are refused where they show it', () => {
    const key = (value: number) => [chunk('tRNS', bytes(0, value))];
    const image = (value: number) => png({ width: 2, height: 1 }, bytes(0, 5, 6), key(value));
    expect(readPng(image(7)).data).toEqual(bytes(5, 6));
    expect(refusalOf(() => readPng(image(6)))).toMatch(/has transparent pixels/);
  });

  test.each([
    [1, bytes(0, 0b1010_0000), [255, 0, 255]],
    [2, bytes(0, 0b0001_1000), [0, 85, 170]],
    [4, bytes(0, 0x0f, 0x30), [0, 255, 51]],
  ])('of %i bits are brought to 0 … 255', (depth, line, wanted) => {
    const image = readPng(png({ width: 3, height: 1, depth }, line));
    expect([...image.data]).toEqual(wanted);
  });

  test('of less than 8 bits in passes are as those in lines', () => {
    const sides = fc.tuple(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 1, max: 17 }));
    const depths = fc.constantFrom(1, 2, 4);
    fc.assert(
      fc.property(
        sides,
        depths,
        fc.boolean(),
        fc.nat(1e6),
        ([width, height], depth, isIndexed, seed) => {
          const random = new Random(seed, 7, 0);
          const pixels = Array.from({ length: height }, () =>
            Array.from({ length: width }, () => random.integer(2 ** depth)),
          );
          const type = isIndexed ? 3 : 0;
          const palette = isIndexed ? [chunk('PLTE', ramp(3 * 2 ** depth))] : [];
          const image = (interlace: number) => {
            const passes = interlace ? adam7(pixels) : [pixels];
            const lines = passes.flatMap((pass) => filtered(pass, depth, () => random.integer(5)));
            return png({ width, height, depth, type, interlace }, bytes(...lines), palette);
          };
          expect(readPng(image(1))).toEqual(readPng(image(0)));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('with a palette become colour, or grey where it has only greys', () => {
    const indexed = { width: 3, height: 2, depth: 2, type: 3 };
    const lines = bytes(0, 0b0001_1000, 0, 0b1001_0000);
    const palette = (...colors: number[]) => [chunk('PLTE', bytes(...colors))];
    const colors = readPng(png(indexed, lines, palette(1, 2, 3, 4, 5, 6, 7, 8, 9)));
    expect(colors.channels).toBe(3);
    expect([...colors.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9, 4, 5, 6, 1, 2, 3]);
    const greys = readPng(png(indexed, lines, palette(1, 1, 1, 4, 4, 4, 7, 7, 7)));
    expect(greys).toMatchObject({ channels: 1, data: bytes(1, 4, 7, 7, 4, 1) });
    const clear = [...palette(1, 1, 1, 4, 4, 4, 7, 7, 7), chunk('tRNS', bytes(255, 254))];
    expect(refusalOf(() => readPng(png(indexed, lines, clear)))).toMatch(/transparent/);
    const missing = png(indexed, lines, palette(1, 1, 1));
    expect(refusalOf(() => readPng(missing, 'p.png'))).toMatch(/bad-format: p.png: damaged/);
  });

  test.each<[string, Header, Uint8Array, RegExp]>([
    ['less data', { width: 4, height: 4 }, new Uint8Array(19), /claims 4 × 4 .* hold less/],
    ['more data', { width: 4, height: 4 }, new Uint8Array(21), /claims 4 × 4 .* hold more/],
    ['a bomb', { width: 4, height: 4 }, new Uint8Array(5e7), /hold more/],
    ['a lie', { width: 2e9, height: 2e9 }, new Uint8Array(20), /data could not hold them/],
    ['no pixel', { width: 0, height: 4 }, new Uint8Array(4), /is 0 × 4, without a pixel/],
    ['no such depth', { width: 1, height: 1, depth: 3 }, bytes(0, 0), /colour type 0 with 3 bits/],
    ['no such type', { width: 1, height: 1, type: 5 }, bytes(0, 0), /colour type 5 with 8 bits/],
    ['no such filter', { width: 1, height: 1 }, bytes(9, 0), /damaged/],
    [
      'no such passes',
      { width: 1, height: 1, interlace: 2 },
      bytes(0, 0),
      /interlaced by method 2/,
    ],
    [
      'no such filter in a pass',
      { width: 1, height: 1, depth: 1, interlace: 1 },
      bytes(9, 0),
      /damaged \(Unsupported filter: 9\)/,
    ],
  ])('that hold %s are refused', (_, header, lines, why) => {
    const line = refusalOf(() => readPng(png(header, lines), 'x.png'));
    expect(line).toMatch(/^bad-format: x.png: /);
    expect(line).toMatch(why);
  });

  test('that are damaged or cut short are refused', () => {
    const file = png({ width: 2, height: 2 }, new Uint8Array(6));
    expect(refusalOf(() => readPng(file.subarray(0, -1)))).toMatch(/cut short/);
    expect(refusalOf(() => readPng(file.subarray(0, 46)))).toMatch(/cut short within its "IDAT"/);
    const flipped = file.slice();
    flipped[30] = 1 ^ (flipped[30] as number);
    expect(refusalOf(() => readPng(flipped))).toMatch(/damaged \(CRC mismatch/);
    expect(refusalOf(() => readPng(bytes(1, 2, 3)))).toMatch(/not a PNG file/);
  });

  test('of more pixels than any data need are refused before they are inflated', () => {
    let state = 1;
    const noise = Uint8Array.from({ length: 100_000 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    const line = refusalOf(() => readPng(png({ width: 8200, height: 8200 }, noise)));
    expect(line).toMatch(/^bad-data: PNG file: has 8200 × 8200 pixels; make it smaller/);
  });

  test('are read in spite of large or broken chunks that tell nothing', () => {
    const more = [chunk('tEXt', new Uint8Array(1000)), chunk('iCCP', bytes(65, 0, 0, 1, 2))];
    expect(readPng(png({ width: 1, height: 1 }, bytes(0, 3), more)).data).toEqual(bytes(3));
  });

  test('of several frames are none', () => {
    const frames = (count: number) => [chunk('acTL', bytes(0, 0, 0, count, 0, 0, 0, 0))];
    const film = png({ width: 1, height: 1 }, bytes(0, 3), frames(2));
    expect(refusalOf(() => readPng(film))).toMatch(/is an animation; save one image of it$/);
    expect(readPng(png({ width: 1, height: 1 }, bytes(0, 3), frames(1))).data).toEqual(bytes(3));
  });

  test(`${RUNS} mutated files give a whole image or one clear line`, () => {
    const palette = [chunk('PLTE', ramp(12)), chunk('tRNS', bytes(255, 255, 255, 255))];
    const originals = [
      encode({ width: 5, height: 4, channels: 3, depth: 8, data: ramp(60) }),
      encode({ width: 5, height: 4, channels: 1, depth: 16, data: new Uint16Array(20) }),
      png({ width: 5, height: 2, depth: 2, type: 3 }, new Uint8Array(6), palette),
    ];
    const check = (which: number, list: Parameters<typeof mutate>[1]) =>
      isWhole(mutate(originals[which] as Uint8Array, list));
    fc.assert(fc.property(fc.nat(2), edits, check), { numRuns: RUNS });
  });

  test(`${RUNS} well-formed files with wrong contents give an image or one clear line`, () => {
    const side = fc.constantFrom(0, 1, 2, 3, 8, 255, 2 ** 16, 2 ** 31, 2 ** 32 - 1);
    const header = fc.record({
      width: side,
      height: side,
      depth: fc.constantFrom(1, 2, 4, 8, 16, 0, 3, 255),
      type: fc.constantFrom(0, 2, 3, 4, 6, 1, 7),
      interlace: fc.constantFrom(0, 0, 0, 1, 2),
    });
    const filler = fc.constantFrom('PLTE', 'tRNS', 'IDAT', 'IHDR', 'iCCP', 'acTL');
    const more = fc.array(fc.tuple(filler, fc.uint8Array({ maxLength: 12 })), { maxLength: 2 });
    const lines = fc.uint8Array({ maxLength: 40, max: 5 });
    const check = (shape: Header, data: Uint8Array, extra: [string, Uint8Array][]) =>
      isWhole(
        png(
          shape,
          data,
          extra.map(([kind, content]) => chunk(kind, content)),
        ),
      );
    fc.assert(fc.property(header, lines, more, check), { numRuns: RUNS });
  });

  function isWhole(file: Uint8Array): void {
    refusalOf(() => {
      const { width, height, channels, data } = readPng(file);
      expect(data.length).toBe(width * height * channels);
      // Deflate shrinks by no more than 1032; a bit may become three bytes.
      expect(data.length).toBeLessThanOrEqual(24 * 1032 * file.length);
    });
  }
});
