import fc from 'fast-check';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { cloudPicture } from '../src/pictures/clouds.ts';
import { clustersPicture } from '../src/pictures/clusters.ts';
import { inThePlane } from '../src/pictures/codes.ts';
import { principalComponents } from '../src/pictures/components.ts';
import { densityPicture } from '../src/pictures/density.ts';
import { grid, pairs } from '../src/pictures/grid.ts';
import { atMeans, seenMeans } from '../src/pictures/missing.ts';
import { numberText } from '../src/pictures/plot.ts';
import { encodePng, type Picture } from '../src/pictures/png.ts';
import { pairsPicture, pictureOf } from '../src/pictures/points.ts';
import { PALETTE, scatter } from '../src/pictures/scatter.ts';

const badInput = expect.objectContaining({ name: 'LatentGpuError', code: 'bad-input' });

/** The channels of one pixel. */
const pixel = ({ width, channels, data }: Picture, x: number, y: number) =>
  Array.from(data.subarray((y * width + x) * channels, (y * width + x + 1) * channels));

describe('PNG', () => {
  test('decodes back to the same bytes, grey and RGB', () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.constantFrom(1 as const, 3 as const),
        (width, height, channels) => {
          const data = Uint8Array.from({ length: width * height * channels }, (_, i) => i * 7);
          const back = decode(encodePng({ width, height, channels, data }));
          expect(back).toMatchObject({ width, height, channels, depth: 8 });
          expect(back.data).toEqual(data);
        },
      ),
    );
  });

  test('a size that does not describe the data is refused', () => {
    const data = new Uint8Array(5);
    expect(() => encodePng({ width: 2, height: 2, channels: 1, data })).toThrow(badInput);
  });
});

describe('density', () => {
  test('lets the frame and the lines of the axes through where it is next to nothing', () => {
    const frame = { low: [-2, -2], span: 4 } as const;
    const lines = (density: readonly number[]) => {
      const picture = densityPicture(density, frame, [], 40);
      return [0, 20].map((along) => pixel(picture, 62 + along, 22 + 5));
    };
    const [empty, faint, dense] = [[0], [1, 0.0002, 0.0002, 0.0002], [1]].map((cells) =>
      lines(cells.length > 1 ? [...cells].reverse() : cells),
    );
    expect(faint).toEqual(empty);
    expect(dense).not.toEqual(empty);
  });
});

test('groups of rows of very many features are drawn in the plane of those that vary most', () => {
  const [count, width] = [30, 20_000];
  const rows = Float32Array.from({ length: count * width }, (_, at) => {
    const [i, j] = [Math.floor(at / width), at % width];
    const group = i % 2 ? 5 : -5;
    return (j === 7777 ? 10 * group : 0) + (((i * 31 + j * 17) % 11) - 5) / 50;
  });
  const labels = Uint32Array.from({ length: count }, (_, i) => i % 2);
  const { points, share } = inThePlane(rows, count, width);
  for (let i = 0; i < count; i++) expect(Math.sign(points[2 * i] as number)).toBe(i % 2 ? 1 : -1);
  expect(share).toBeGreaterThan(0.9);
  const subject = { rows, count, labels, size: 2, responsibilities: new Float32Array(2 * count) };
  const picture = clustersPicture(subject, { shape: [width], standardization: undefined }, 100);
  expect(picture.width).toBeGreaterThan(100);
});

test('ticks of any scale fit beside a plot, and are told from each other', () => {
  for (const [value, step, text] of [
    [0, 0.5, '0.0'],
    [-1500, 500, '-1500'],
    [0.02, 0.01, '0.02'],
    [-1.5e30, 5e29, '-1.5e30'],
    [2e-30, 1e-30, '2e-30'],
    [0, 1e-30, '0'],
    [250_000_000, 50_000_000, '2.5e8'],
    [0.000012, 0.000002, '1.2e-5'],
    [1e10 + 2, 1, '10000000002'],
  ] as const) {
    expect(numberText(value, step)).toBe(text);
  }
  // Nothing but paper to the left of all numbers.
  const far = scatter(Float32Array.of(-3e12, -3e12, 4e12, 4e12), { count: 2, size: 200 });
  for (let y = 0; y < far.height; y++) expect(pixel(far, 1, y)).toEqual([255, 255, 255]);
});

describe('the legend of data and a model', () => {
  test('has words', () => {
    const points = Float32Array.of(0, 0, 1, 1);
    const ink = (picture: Picture) => {
      const { width, height } = picture;
      let count = 0;
      for (let y = 0; y < height; y++) {
        for (let x = width - 72; x < width; x++) {
          const [r, g, b] = pixel(picture, x, y) as [number, number, number];
          if (Math.abs(r - 70) + Math.abs(g - 76) + Math.abs(b - 84) < 90) count++;
        }
      }
      return count;
    };
    const numbers = scatter(points, { count: 2, labels: [0, 1], size: 200 });
    const words = cloudPicture(points, points, 2, 200);
    expect(words.width).toBeGreaterThan(numbers.width);
    expect(ink(words)).toBeGreaterThan(2 * ink(numbers));
  });
});

describe('grid', () => {
  test('puts image i at row ⌊i / columns⌋, column i mod columns', () => {
    const images = Uint8Array.from({ length: 5 * 6 }, (_, i) => 10 * (Math.floor(i / 6) + 1));
    const options = { count: 5, shape: [2, 3], columns: 2, gap: 1, background: 7 };
    const picture = grid(images, options);
    expect([picture.width, picture.height, picture.channels]).toEqual([9, 10, 1]);
    expect(pixel(picture, 1, 1)).toEqual([10]);
    expect(pixel(picture, 5, 2)).toEqual([20]);
    expect(pixel(picture, 3, 8)).toEqual([50]);
    for (const [x, y] of [
      [0, 0],
      [4, 1],
      [1, 3],
      [5, 8],
    ] as const) {
      expect(pixel(picture, x, y)).toEqual([7]);
    }
    const large = grid(images, { ...options, scale: 3 });
    expect([large.width, large.height]).toEqual([21, 22]);
    expect([pixel(large, 1, 1), pixel(large, 9, 6), pixel(large, 10, 1)]).toEqual([
      [10],
      [10],
      [7],
    ]);
  });

  test('draws floats clamped to [0, 1], colours, and vectors as one row', () => {
    const values = Float32Array.of(-1, 0.5, 2, Number.NaN, 1, 0.25);
    const rgb = grid(values, { count: 1, shape: [1, 2, 3], gap: 0 });
    expect(Array.from(rgb.data)).toEqual([0, 128, 255, 0, 255, 64]);
    const rows = grid(values, { count: 2, shape: [3], columns: 1, gap: 0 });
    expect([rows.width, rows.height, rows.channels]).toEqual([3, 2, 1]);
  });

  test('pairs put each reconstruction under its image', () => {
    const data = Uint8Array.of(1, 2, 3);
    const mirrored = Float32Array.of(1, 0, 1);
    const picture = pairs(data, mirrored, {
      count: 3,
      shape: [1, 1],
      columns: 2,
      gap: 1,
      background: 9,
    });
    const column = (x: number) =>
      Array.from({ length: picture.height }, (_, y) => pixel(picture, x, y)[0]);
    expect(column(1)).toEqual([9, 1, 9, 255, 9, 9, 9, 9, 3, 9, 255, 9]);
    expect(column(3)).toEqual([9, 2, 9, 0, 9, 9, 9, 9, 9, 9, 9, 9]);
  });

  test('sizes that do not agree are refused', () => {
    const images = new Uint8Array(12);
    for (const wrong of [
      { count: 2, shape: [2, 2] },
      { count: 3, shape: [2, 1, 2] },
      { count: 0, shape: [2, 2] },
      { count: 3, shape: [4], columns: 0 },
    ]) {
      expect(() => grid(images, wrong)).toThrow(badInput);
    }
    expect(() => pairs(images, images.subarray(1), { count: 3, shape: [2, 2] })).toThrow(badInput);
  });
});

describe('scatter', () => {
  test('draws every point in its colour where it belongs, on white', () => {
    const points = Float32Array.of(-2, -2, 2, -2, 2, 2, -2, 2);
    const picture = scatter(points, { count: 4, labels: [0, 1, 2, 13], size: 200 });
    const near = (label: number) => {
      const color = PALETTE[label] ?? [];
      const found: [number, number][] = [];
      for (let y = 0; y < picture.height; y++) {
        // The plot alone: the legend repeats the colours.
        for (let x = 0; x < 62 + 200; x++) {
          const difference = pixel(picture, x, y).map((value, c) => value - Number(color[c]));
          if (Math.hypot(...difference) < 80) found.push([x, y]);
        }
      }
      const mean = (axis: 0 | 1) =>
        found.reduce((sum, position) => sum + position[axis], 0) / found.length + 0.5;
      return [Math.round(mean(0)), Math.round(mean(1))];
    };
    // Span 1.06 × 4 over 200 pixels: the points lie 5.7 pixels inside the frame.
    expect(near(0)).toEqual([68, 216]);
    expect(near(1)).toEqual([256, 216]);
    expect(near(2)).toEqual([256, 28]);
    expect(near(3)).toEqual([68, 28]);
    expect(pixel(picture, 0, 0)).toEqual([255, 255, 255]);
    expect(decode(encodePng(picture)).data).toEqual(picture.data);
  });

  test('one point, no labels and extreme scales can be drawn', () => {
    for (const points of [
      [3, 3],
      [1e-20, 2e-20, 3e-20, 0],
      [1e30, 2, -1e30, 1],
    ]) {
      const count = points.length / 2;
      const picture = scatter(Float32Array.from(points), { count, size: 100 });
      expect(picture.data.some((value) => value < 100)).toBe(true);
    }
  });

  test('wrong sizes and values that are not finite are refused', () => {
    expect(() => scatter(new Float32Array(3), { count: 2 })).toThrow(badInput);
    expect(() => scatter(new Float32Array(4), { count: 2, labels: [1] })).toThrow(badInput);
    expect(() => scatter(Float32Array.of(0, 1, Number.NaN, 0), { count: 2 })).toThrow(/point 1/);
  });
});

describe('principal components', () => {
  test('finds the axes and variances that the data were made of', () => {
    const [count, dims] = [4000, 5];
    // Orthogonal directions by Householder: I − 2 v vᵀ / |v|², columns scaled 5, 4, 3, 2, 1.
    const v = [1, -2, 0.5, 3, 1];
    const norm = v.reduce((sum, x) => sum + x * x, 0);
    const axis = (k: number) => v.map((x, d) => (d === k ? 1 : 0) - (2 * x * Number(v[k])) / norm);
    const codes = new Float32Array(count * dims);
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < dims; k++) {
        // Square waves of doubling period: exactly uncorrelated, variance one.
        const sign = (i >> k) & 1 ? 1 : -1;
        axis(k).forEach((x, d) => {
          codes[i * dims + d] = Number(codes[i * dims + d]) + sign * (5 - k) * x;
        });
      }
      codes[i * dims] = Number(codes[i * dims]) + 10;
    }
    const { axes, variances, projected, mean } = principalComponents(codes, count, dims, 3);
    Array.from(variances).forEach((variance, k) => {
      expect(variance / (5 - k) ** 2).toBeCloseTo(1, 5);
    });
    expect(mean[0]).toBeCloseTo(10, 5);
    for (let k = 0; k < 3; k++) {
      const found = axes.subarray(k * dims, (k + 1) * dims);
      const cosine = axis(k).reduce((sum, x, d) => sum + x * Number(found[d]), 0);
      expect(Math.abs(cosine)).toBeCloseTo(1, 6);
      const spread = projected.reduce((sum, x, i) => sum + (i % 3 === k ? x * x : 0), 0) / count;
      expect(spread / Number(variances[k])).toBeCloseTo(1, 5);
    }
  });

  test('all variance is kept, constant codes have none, wrong sizes are refused', () => {
    const codes = Float32Array.from({ length: 90 }, (_, i) => ((i * 7919) % 101) / 101);
    const { variances } = principalComponents(codes, 10, 9, 2);
    let total = 0;
    for (let d = 0; d < 9; d++) {
      const column = Array.from({ length: 10 }, (_, i) => Number(codes[i * 9 + d]));
      const mean = column.reduce((sum, x) => sum + x, 0) / 10;
      total += column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 10;
    }
    expect(variances.reduce((sum, x) => sum + x, 0)).toBeCloseTo(total, 10);
    const flat = principalComponents(new Float32Array(12).fill(2), 4, 3);
    expect(Array.from(flat.variances)).toEqual([0, 0, 0]);
    expect(() => principalComponents(codes, 9, 9)).toThrow(badInput);
    expect(() => principalComponents(codes, 10, 9, 10)).toThrow(badInput);
    expect(() => principalComponents(Float32Array.of(1, Number.NaN), 1, 2)).toThrow(badInput);
  });
});

describe('holes', () => {
  const look = { shape: [2, 2], standardization: undefined };
  const HOLE = [64, 115, 191];
  /** How many pixels of a picture have a colour. */
  const count = ({ width, height, ...rest }: Picture, color: readonly number[]) =>
    Array.from({ length: width * height }, (_, i) =>
      pixel({ width, height, ...rest }, i % width, Math.floor(i / width)),
    ).filter((own) => own.every((channel, c) => Math.abs(channel - (color[c] as number)) <= 1))
      .length;

  test('of images have a colour of their own, and zeros that are seen stay black', () => {
    const rows = Float32Array.of(0, 0, 1, 1, 0, 1, 0, 0);
    const mask = [0, 1, 1, 1, 1, 1, 1, 0];
    const cell = 28 * 28;
    const picture = pictureOf(rows, 2, look, { mask });
    expect(count(picture, HOLE)).toBe(2 * cell);
    expect(count(picture, [0, 0, 0])).toBe(3 * cell);
    expect(pictureOf(rows, 2, look).channels).toBe(1);
    // Above reconstructions, which have none.
    const again = new Float32Array(8).fill(1);
    expect(count(pairsPicture(rows, again, 2, look, mask), HOLE)).toBe(2 * cell);
  });

  test('of standardised vectors are grey among red, white and blue', () => {
    const standardization = {
      mean: Float32Array.of(0, 0, 0),
      std: Float32Array.of(1, 1, 1),
    } as const;
    const strip = { shape: [3], standardization };
    const picture = pictureOf(Float32Array.of(-3, 0, 3), 1, strip, { mask: [1, 0, 1] });
    expect(count(picture, [153, 153, 153])).toBe(16 * 16);
    expect(count(picture, [33, 102, 171])).toBe(16 * 16);
  });

  test('in the plane lie at the mean of what is seen, and their rows are grey', () => {
    const rows = Float32Array.of(0, 0, 2, 4, 4, 0);
    const mask = [1, 1, 1, 1, 1, 0];
    expect([...atMeans(rows, mask, 2)]).toEqual([0, 0, 2, 4, 4, 2]);
    expect([...seenMeans(rows, mask, 2)]).toEqual([2, 2]);
    const GREY = [176, 180, 186];
    const made = Float32Array.of(1, 1, 1, 1, 1, 1);
    expect(count(cloudPicture(rows, made, 2, 200, mask), GREY)).toBeGreaterThan(
      count(cloudPicture(rows, made, 2, 200), GREY),
    );
  });

  test('of sequences are gaps', () => {
    const sequence = { shape: [5], standardization: undefined, sequence: {} };
    const rows = Float32Array.of(1, 2, 0, 4, 5);
    const whole = pictureOf(rows, 1, sequence);
    const holed = pictureOf(rows, 1, sequence, { mask: [1, 1, 0, 1, 1] });
    expect(holed.data).not.toEqual(whole.data);
    const blue = PALETTE[0] as readonly number[];
    expect(count(holed, blue)).toBeLessThan(count(whole, blue));
  });

  test('of groups leave the mean to the members that are seen', () => {
    const subject = {
      rows: Float32Array.of(1, 1, 1, 1, 0, 1, 1, 1),
      mask: [1, 1, 1, 1, 0, 1, 1, 1],
      count: 2,
      responsibilities: Float32Array.of(1, 1),
      labels: Uint32Array.of(0, 0),
      size: 1,
    };
    const picture = clustersPicture(subject, look);
    expect(count(picture, HOLE)).toBe(28 * 28);
    // The mean is white all over: one cell of four, and seven of the members' eight.
    expect(count(picture, [255, 255, 255])).toBe((4 + 7) * 28 * 28);
  });
});
