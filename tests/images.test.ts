// Folders of images as people have them: JPEG beside PNG, what archives leave behind, classes by name.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode as encodePng } from 'fast-png';
import { encode as encodeJpeg } from 'jpeg-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadData } from '../src/data/load.node.ts';
import { readImage } from '../src/formats/image.node.ts';
import { readJpeg } from '../src/formats/jpeg.node.ts';
import { readPng } from '../src/formats/png.ts';
import { readWebp } from '../src/formats/webp.node.ts';
import { chunk, png as rawPng } from './support/png.ts';
import { refusal, refusalOf } from './support/refusal.ts';

const png = (value: number) =>
  encodePng({ width: 8, height: 8, channels: 1, depth: 8, data: new Uint8Array(64).fill(value) });

/** Darker to the right, and half as bright in the lower half. */
function jpeg(width = 8, height = 8): Uint8Array {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const value = (240 - (160 * x) / width) * (y < height / 2 ? 1 : 0.5);
    data.set([value, value / 2, 40, 255], 4 * i);
  }
  return Uint8Array.from(encodeJpeg({ width, height, data }, 98).data);
}

/** Exif data that say how the camera was held. */
const tiffOf = (orientation: number) => {
  const entry = [1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  return [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, ...entry, 0, 0, 0, 0];
};

/** With a segment of them. */
function held(bytes: Uint8Array, orientation: number): Uint8Array {
  const tiff = tiffOf(orientation);
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff];
  return Uint8Array.from([
    0xff,
    0xd8,
    0xff,
    0xe1,
    0,
    exif.length + 2,
    ...exif,
    ...bytes.subarray(2),
  ]);
}

/** Chunks that Chromium's encoder made of the formulas below. */
const CHUNKS = {
  lossless: 'VlA4TDUAAAAvBIAAAHdAkG0zxCLcH+QMIyMWTOZPFlH3/PcgBdi9AAYBIBGoWFJIIbgUVhg1ov/hIce+AAA=',
  lossy:
    'VlA4IE4AAAAwAgCdASoQAAgAAMASJbACdLoAK39K71u64AD+B7VB83WCNaMz/x0iN0sv9C//X4N479Y23UM1N6PAFjr/3D+ywXPM/z0bIXz+3RK2AAA=',
  grey: 'VlA4TDQAAAAvA8AAAH9AkG2zYt3f7QwCgRQe1gKBFB7W81+EKgDsvQMIAiDWLFiwYNKCBQtGIvofCKv5',
  clear: 'VlA4TBQAAAAvA8AAEB8wCIMwCMMT8IgoeUT/Aw==',
} as const;

/** A file of such a chunk, with the extended header or without. */
function webp(name: keyof typeof CHUNKS, extended?: number[]): Uint8Array {
  const chunk = Buffer.from(CHUNKS[name], 'base64');
  const header = extended ? [...Buffer.from('VP8X'), 10, 0, 0, 0, ...extended] : [];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(4 + header.length + chunk.length);
  return Uint8Array.from([
    ...Buffer.from('RIFF'),
    ...size,
    ...Buffer.from('WEBP'),
    ...header,
    ...chunk,
  ]);
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latentgpu-images-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folder(name: string, files: Record<string, Uint8Array | string>): Promise<string> {
  const path = join(root, name);
  await mkdir(path, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(join(path, file, '..'), { recursive: true });
    await writeFile(join(path, file), bytes);
  }
  return path;
}

describe('folders of images', () => {
  test('what archives and file managers leave behind is passed over', async () => {
    const data = await folder('mac', {
      'cats/0.png': png(1),
      'cats/._0.png': 'x',
      'cats/Thumbs.db': 'x',
      'dogs/0.png': png(2),
      '__MACOSX/cats/._0.png': 'x',
      '@eaDir/0.png/SYNO.jpg': 'x',
      '.DS_Store': 'x',
      'desktop.ini': 'x',
    });
    const found = await loadData({ data, split: 'train' });
    expect(found).toMatchObject({ count: 2, classes: 2, classNames: ['cats', 'dogs'] });
    const splits = await folder('splits', {
      'test/a/0.png': png(1),
      'train/a/0.png': png(1),
      '__MACOSX/train/._a': 'x',
      'val/a/0.png': png(1),
    });
    expect(await refusal(loadData({ data: splits, split: 'train' }))).toContain(
      `--data ${join(splits, 'train')} --test ${join(splits, 'test')}`,
    );
  });

  test('classes have one number in all splits, whatever a split lacks', async () => {
    const train = await folder('t/train', {
      'ant/0.png': png(1),
      'bee/0.png': png(2),
      'cow/0.png': png(3),
    });
    const test = await folder('t/test', {
      'bee/0.png': png(2),
      'cow/0.png': png(3),
      'asp/0.png': png(4),
    });
    const { classNames } = await loadData({ data: train, split: 'train' });
    const other = await loadData({ data: test, split: 'test', classes: classNames ?? [] });
    expect([...(other.labels ?? [])]).toEqual([3, 1, 2]);
    expect(other).toMatchObject({ classes: 4, classNames: ['ant', 'bee', 'cow', 'asp'] });
    const few = await loadData({ data: train, split: 'train', count: 1 });
    expect(few).toMatchObject({ count: 1, classes: 3 });
  });

  test('splits are no classes, and no image is left out without a word', async () => {
    const read = async (name: string, files: Record<string, Uint8Array>) =>
      await refusal(loadData({ data: await folder(name, files), split: 'train' }));
    expect(await read('flat', { 'train/0.png': png(1), 'val/1.png': png(2) })).toMatch(
      /flat holds train and val, which are splits .* --data \S+train --test \S+val$/,
    );
    const splits = [
      ['seg_train', 'seg_test', 'seg_pred'],
      ['training_set', 'test_set'],
      ['train-images', 'Validation Images'],
    ];
    for (const [i, names] of splits.entries()) {
      const files = Object.fromEntries(names.map((name, j) => [`${name}/0.png`, png(j)]));
      expect(await read(`named${i}`, files)).toContain('which are splits and no classes');
    }
    const vehicles = await folder('vehicles', { 'train/0.png': png(1), 'tram/0.png': png(2) });
    expect(await loadData({ data: vehicles, split: 'train' })).toMatchObject({ classes: 2 });
    const tables = { 'test.csv': png(1), 'train.csv': png(1), 'sample_submission.csv': png(1) };
    expect(await read('kaggle', tables)).toMatch(
      /nor folders with any; name a file of it, as in --data \S+train\.csv --test \S+test\.csv$/,
    );
    expect(await read('table', { 'a.csv': png(1), 'b.csv': png(1) })).toMatch(/--data \S+a\.csv$/);
    const railway = await folder('railway', { 'train/0.png': png(1), 'bus/1.png': png(2) });
    expect(await loadData({ data: railway, split: 'train' })).toMatchObject({ classes: 2 });
    expect(await read('deep', { 'a/0.png': png(1), 'a/more/1.png': png(1) })).toMatch(
      /deep.a holds images and a folder of images \(more\)/,
    );
    const beside = { '0.png': png(1), 'b/1.png': png(2) };
    await mkdir(join(await folder('beside', beside), 'a'));
    expect(await read('beside', beside)).toMatch(/beside holds images and a folder .* \(b\)/);
  });

  test('a link to a folder that it lies in is passed over', async () => {
    const data = await folder('linked', { 'cat/0.png': png(1), 'dog/0.png': png(2) });
    await symlink('..', join(data, 'cat', 'up'));
    await symlink('.', join(data, 'again'));
    await symlink('dog', join(data, 'elk'));
    const found = await loadData({ data, split: 'train' });
    expect([found.count, found.classNames]).toEqual([3, ['cat', 'dog', 'elk']]);
  });

  test('JPEG and WebP stand beside PNG, and are known by their bytes', async () => {
    const data = await folder('mixed', {
      'a.jpg': jpeg(),
      'b.png': png(9),
      'c.JPEG': jpeg(),
      'd.png': jpeg(),
      'e.jpg': png(9),
    });
    const found = await loadData({ data, split: 'train' });
    expect([found.count, found.shape]).toEqual([5, [8, 8, 3]]);
    const size = 192;
    expect(found.data.subarray(3 * size, 4 * size)).toEqual(found.data.subarray(0, size));
    expect(found.data.subarray(4 * size)).toEqual(found.data.subarray(size, 2 * size));
    const small = await folder('webp', { 'a.webp': webp('grey'), 'b.png': webp('grey') });
    expect(await loadData({ data: small, split: 'train' })).toMatchObject({
      count: 2,
      shape: [4, 4],
    });
  });
});

describe('files that are named as images', () => {
  test.each([
    ['GIF89a', /0\.png is a GIF image under another name; convert it/],
    ['II*\x00\x08', /is a TIFF image/],
    ['\x00\x00\x00\x1cftypheic', /is an AVIF or HEIC image/],
    ['\n<!DOCTYPE html>', /is HTML or XML, and no image/],
    ['version https://git-lfs.github.com/spec/v1', /is a pointer of Git LFS; .* git lfs pull/],
    ['', /is empty; replace or remove it/],
    ['none', /is no PNG, JPEG, WebP, BMP or PNM image; replace or remove it/],
  ])('and begin with %j are told what they are', async (text, why) => {
    const data = await folder(`named-${text.length}`, { '0.png': text });
    expect(await refusal(loadData({ data, split: 'train' }))).toMatch(why);
  });
});

const IMAGES = join(import.meta.dirname, 'fixtures', 'images');

describe('JPEG images', () => {
  test('keep their colours', () => {
    const { width, height, channels, data } = readJpeg(jpeg(16, 8));
    expect([width, height, channels]).toEqual([16, 8, 3]);
    // Lossy: a few grey levels.
    const at = (x: number, y: number) =>
      Array.from(data.subarray(3 * (16 * y + x), 3 * (16 * y + x) + 3));
    [240, 120, 40].forEach((value, c) => {
      expect(Math.abs((at(0, 0)[c] as number) - value)).toBeLessThan(16);
    });
    expect((at(0, 0)[0] as number) - (at(15, 0)[0] as number)).toBeGreaterThan(100);
  });

  test('whose components are named R, G and B hold colours as they are', () => {
    const usual = jpeg(16, 8);
    // Without its JFIF segment, which says that there is a brightness.
    const bare = Uint8Array.from([0xff, 0xd8, ...usual.subarray(20)]);
    const at = (marker: number) => bare.findIndex((x, i) => x === 0xff && bare[i + 1] === marker);
    for (const [k, name] of [0x52, 0x47, 0x42].entries()) {
      bare[at(0xc0) + 10 + 3 * k] = name;
      bare[at(0xda) + 5 + 2 * k] = name;
    }
    const [as, named] = [readJpeg(usual).data, readJpeg(bare).data];
    const [red = 0, green = 0, blue = 0] = as;
    expect(
      Math.abs((named[0] as number) - (0.299 * red + 0.587 * green + 0.114 * blue)),
    ).toBeLessThan(3);
    expect(Math.abs((named[2] as number) - red)).toBeGreaterThan(20);
  });

  test.each(['cmyk', 'ycck', 'bare'])(
    'of four inks (%s) become the colours that Pillow makes of them',
    async (name) => {
      const found = readJpeg(new Uint8Array(await readFile(join(IMAGES, `${name}.jpg`))));
      expect(found).toMatchObject({ width: 12, height: 8, channels: 3 });
      const wanted = JSON.parse(await readFile(join(IMAGES, 'inks.json'), 'utf8'));
      expect([...found.data]).toEqual(wanted[name === 'bare' ? 'cmyk' : name]);
    },
  );

  test.each(['444', '422', '420', 'progressive'])(
    'of sharp colours (%s) have the pixels that Pillow has',
    async (name) => {
      const file = (end: string) => readFile(join(IMAGES, `${name}.${end}`));
      const found = readJpeg(new Uint8Array(await file('jpg')));
      expect(found).toEqual(readPng(new Uint8Array(await file('png'))));
    },
  );

  test('without the marker at their end are whole if their pixels are', async () => {
    for (const [name, isRead] of [
      ['420', true],
      ['progressive', false],
    ] as const) {
      const file = new Uint8Array(await readFile(join(IMAGES, `${name}.jpg`)));
      const why = refusalOf(() => readJpeg(file.subarray(0, -2), 'j.jpg'));
      expect(why).toBe(isRead ? undefined : 'bad-format: j.jpg: damaged (it is cut short)');
      expect(refusalOf(() => readJpeg(file.subarray(0, -40), 'j.jpg'))).toBe(
        'bad-format: j.jpg: damaged (it is cut short)',
      );
    }
  });

  test('are turned as the camera was held', () => {
    const upright = readJpeg(jpeg(16, 8));
    const pixel = (image: typeof upright, x: number, y: number) =>
      image.data[3 * (image.width * y + x)];
    // Where the upper left of what is stored comes to lie (Exif 2.3, table 6).
    const corners = {
      1: [0, 0],
      2: [15, 0],
      3: [15, 7],
      4: [0, 7],
      5: [0, 0],
      6: [7, 0],
      7: [7, 15],
      8: [0, 15],
    };
    for (const [orientation, [x = 0, y = 0]] of Object.entries(corners)) {
      const found = readJpeg(held(jpeg(16, 8), Number(orientation)));
      expect([found.width, found.height]).toEqual(Number(orientation) < 5 ? [16, 8] : [8, 16]);
      expect(pixel(found, x, y)).toBe(pixel(upright, 0, 0));
      const [far, low] = [found.width - 1 - x, found.height - 1 - y];
      expect(pixel(found, far, low)).toBe(pixel(upright, 15, 7));
    }
  });

  test('damaged ones give an image or one clear line', () => {
    const whole = jpeg();
    expect(refusalOf(() => readJpeg(whole.subarray(0, 40), 'j.jpg'))).toMatch(
      /^bad-format: j\.jpg: damaged/,
    );
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647);
    for (let run = 0; run < 300; run++) {
      const at = 2 + (random() % (whole.length - 2));
      const bytes = whole.slice();
      bytes[at] = random() % 256;
      refusalOf(() => {
        const { width, height, channels, data } = readJpeg(bytes, 'j.jpg');
        expect(data.length).toBe(width * height * channels);
      });
    }
  });
});

describe('bitmaps', () => {
  test.each([
    'colour.bmp',
    'palette.bmp',
    'grey.bmp',
    'bits.bmp',
    'colour.ppm',
    'grey.pgm',
    'bits.pbm',
    'deep.pgm',
  ])('%s has the pixels of the PNG image beside it', async (name) => {
    const [whole, same] = await Promise.all(
      [name, name.replace(/\w+$/, 'png')].map((file) => readFile(join(IMAGES, file))),
    );
    const bytes = new Uint8Array(whole as Buffer);
    expect(await readImage(bytes, name)).toEqual(readPng(new Uint8Array(same as Buffer)));
    expect(await refusal(readImage(bytes.subarray(0, -3), name))).toBe(
      `bad-format: ${name}: cut short`,
    );
  });

  test.each([
    ['P2 # by hand\n3 1\n15\n0 5\n15\n', 1, [0, 85, 255]],
    ['P3\n1 2\n255\n1 2 3  4 5 6', 3, [1, 2, 3, 4, 5, 6]],
    ['P1\n4 1\n0110', 1, [255, 0, 0, 255]],
  ])('as text, %j', async (text, channels, data) => {
    const found = await readImage(Buffer.from(text), 'text.pnm');
    expect([found.channels, [...found.data]]).toEqual([channels, data]);
  });

  test('that are none are refused', async () => {
    const why = (text: string) => refusal(readImage(Buffer.from(text), 'b'));
    expect(await why('P2\n2 1\n9\n1')).toBe('bad-format: b: cut short');
    expect(await why('P2\n2 1\n9\n1 10')).toBe('bad-format: b: damaged (a value)');
    expect(await why('P5\n0 1\n255\n')).toBe('bad-format: b: damaged (its header)');
    expect(await why('P5\n65536 65536\n255\n')).toMatch(/^bad-data: b: has 65536 × 65536 pixels/);
    const packed = new Uint8Array(await readFile(join(IMAGES, 'palette.bmp')));
    packed[30] = 1;
    expect(await refusal(readImage(packed, 'b'))).toMatch(/is compressed .*; convert it to PNG$/);
  });
});

describe('WebP images', () => {
  test('without loss are what they were, grey ones grey', () => {
    const pixels = (width: number, height: number, at: (x: number, y: number) => number[]) =>
      Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))).flat();
    const colour = { width: 5, height: 3, channels: 3 };
    const expected = pixels(5, 3, (x, y) => [50 * x, 80 * y, 200 - 10 * x]);
    for (const file of [webp('lossless'), webp('lossless', [0, 0, 0, 0, 4, 0, 0, 2, 0, 0])]) {
      const { data, ...size } = readWebp(file);
      expect(size).toEqual(colour);
      expect([...data]).toEqual(expected);
    }
    const { data, channels } = readWebp(webp('grey'));
    expect([channels, [...data]]).toEqual([1, pixels(4, 4, (x, y) => [60 * x + y])]);
  });

  test('and PNG are turned as the camera was held, too', () => {
    const upright = readWebp(webp('lossless'));
    const tiff = tiffOf(6);
    const plain = webp('lossless', [8, 0, 0, 0, 4, 0, 0, 2, 0, 0]);
    const exif = [...Buffer.from('EXIF'), tiff.length, 0, 0, 0, ...tiff];
    const file = Uint8Array.from([...plain, ...exif]);
    new DataView(file.buffer).setUint32(4, file.length - 8, true);
    const found = readWebp(file);
    expect([upright.width, found.width, found.height]).toEqual([5, 3, 5]);
    // A quarter turned to the right, the lower left comes to lie at the upper left.
    const { channels } = found;
    const below = channels * upright.width * (upright.height - 1);
    expect(found.data.subarray(0, channels)).toEqual(
      upright.data.subarray(below, below + channels),
    );
    const lines = Uint8Array.of(0, 1, 2, 3, 0, 4, 5, 6);
    const size = { width: 3, height: 2 };
    const turned = [chunk('eXIf', Uint8Array.from(tiff))];
    expect(readPng(rawPng(size, lines, turned))).toMatchObject({
      ...{ width: 2, height: 3 },
      data: Uint8Array.of(4, 1, 5, 2, 6, 3),
    });
  });

  test('with loss keep their colours', () => {
    const { width, height, channels, data } = readWebp(webp('lossy'));
    expect([width, height, channels]).toEqual([16, 8, 3]);
    // A few grey levels, but for the sharp edge in the middle.
    for (const [x, y] of [
      [0, 0],
      [9, 1],
      [15, 7],
    ] as const) {
      const scale = y < 4 ? 1 : 0.5;
      [(240 - 10 * x) * scale, (120 - 5 * x) * scale, 40].forEach((value, c) => {
        const found = data[3 * (16 * y + x) + c] as number;
        expect(Math.abs(found - value)).toBeLessThan(24);
      });
    }
  });

  test('that are no data are refused', () => {
    const why = (bytes: Uint8Array) => refusalOf(() => readWebp(bytes, 'w.webp'));
    expect(why(webp('clear'))).toMatch(/^bad-data: w\.webp: has transparent pixels/);
    expect(why(webp('lossless', [2, 0, 0, 0, 4, 0, 0, 2, 0, 0]))).toContain('is an animation');
    expect(why(webp('lossless', [0, 0, 0, 0, 255, 255, 0, 255, 255, 0]))).toMatch(
      /^bad-data: .*65536 × 65536 pixels; make it smaller/,
    );
    expect(why(webp('lossless', [0, 0, 0, 0, 9, 0, 0, 2, 0, 0]))).toBe(
      'bad-format: w.webp: damaged',
    );
    expect(why(webp('lossless').subarray(0, 60))).toContain('it is cut short');
    expect(why(png(1))).toContain('not a WebP file');
  });

  test('damaged ones give an image or one clear line', () => {
    const whole = webp('lossy');
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647);
    for (let run = 0; run < 300; run++) {
      const bytes = whole.slice();
      bytes[12 + (random() % (whole.length - 12))] = random() % 256;
      refusalOf(() => {
        const { width, height, channels, data } = readWebp(bytes, 'w.webp');
        expect(data.length).toBe(width * height * channels);
      });
    }
    expect(readWebp(whole).width).toBe(16);
  });
});
