// The built-in data set: handwritten digits that a function draws.
import { LatentGpuError } from '../errors.ts';
import { Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import type { ImageDataset } from './dataset.ts';
import { HANDWRITINGS, type Handwriting } from './glyphs.ts';

export interface DigitsOptions {
  count: number;
  /** A whole number from 0 to 2⁵³ − 1. */
  seed?: number;
  /** Side of an image in pixels. */
  size?: number;
  /** Both splits of a seed are drawn from the same distribution and share no image. */
  split?: 'train' | 'test';
}

/**
 * The built-in data set: grey images of handwritten digits, drawn and not collected.
 *
 * A label is drawn uniformly, then one of several ways to write that digit, then the pen's path is
 * bent, wobbled, sheared, turned and scaled, and stroked with a pen of random thickness. As in MNIST,
 * the digit fills a box of 20/28 of the side and is centred by its mass; the ink is white on black
 * with a bright core and a thin grey rim.
 *
 * Image `i` is a function of seed, split and `i` alone, so a shorter data set is the beginning of a
 * longer one. It uses nothing but + − × ÷ and square roots, which IEEE 754 rounds the same way
 * everywhere: the bytes are the same on every platform.
 *
 * @returns bytes `[count, size, size]` with labels 0 … 9
 * @throws LatentGpuError `bad-input` if an option is out of range
 * @example digits({ count: 20 }).shape // [28, 28]
 */
export function digits({
  count,
  seed = 0,
  size = 28,
  split = 'train',
}: DigitsOptions): ImageDataset {
  const bad = (why: string) => new LatentGpuError('bad-input', `digits: ${why}`);
  if (!Number.isInteger(count) || count < 1 || count > 2 ** 32) {
    throw bad(`count must be a whole number of at least 1, not ${count}`);
  }
  if (!Number.isInteger(size) || size < 8 || size > 1024) {
    throw bad(`size must be a whole number from 8 to 1024, not ${size}`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw bad(`seed must be a whole number from 0 to 2^53 - 1, not ${seed}`);
  }
  if (split !== 'train' && split !== 'test') {
    throw bad(`split must be 'train' or 'test', not '${split}'`);
  }
  const data = new Uint8Array(count * size * size);
  const labels = new Uint8Array(count);
  const ink = new Float64Array(size * size);
  for (let i = 0; i < count; i++) {
    const random = new Random(
      seed,
      split === 'train' ? STREAMS.trainingDigits : STREAMS.testDigits,
      i,
    );
    const label = random.integer(10);
    labels[i] = label;
    ink.fill(0);
    drawDigit(ink, size, label, random);
    const image = data.subarray(i * size * size, (i + 1) * size * size);
    for (let p = 0; p < image.length; p++) image[p] = Math.floor((ink[p] as number) * 255 + 0.5);
  }
  const source = `generated: ${split} split of seed ${seed}`;
  return { name: 'digits', count, shape: [size, size], data, labels, classes: 10, source };
}

/** Points on the pen's path: position, and the pen's half-width there relative to its mean. */
interface Path {
  x: number[];
  y: number[];
  pressure: number[];
}

function drawDigit(ink: Float64Array, size: number, label: number, random: Random): void {
  const way = choose(HANDWRITINGS[label] as readonly Handwriting[], random);
  const paths = wobble(way, random).map(smooth);
  pose(paths, random);

  const pixel = size / 28;
  const radius = pixel * (1.22 + 0.26 * clamp(random.normal(), -1.8, 2.6));
  const box = pixel * (20 - 1.2 * random.uniform()) - 2 * radius + pixel;
  const shiftX = pixel * random.uniform(-0.7, 0.7);
  const shiftY = pixel * random.uniform(-0.7, 0.7);
  fit(paths, box, size / 2 + shiftX, size / 2 + shiftY);

  const rim = pixel * random.uniform(1.0, 1.35);
  for (const path of paths) {
    for (let i = 1; i < path.x.length; i++) inkSegment(ink, size, path, i, radius, rim);
  }
}

function choose(ways: readonly Handwriting[], random: Random): Handwriting {
  let left = random.uniform() * ways.reduce((sum, way) => sum + way.weight, 0);
  for (const way of ways) {
    left -= way.weight;
    if (left < 0) return way;
  }
  return ways[0] as Handwriting;
}

/** Moves every control point a little by itself and all of them together by a smooth bend. */
function wobble({ strokes }: Handwriting, random: Random): Path[] {
  const bend = Array.from({ length: 6 }, () => 0.24 * random.normal());
  const [bxx, bxy, byy, cxx, cxy, cyy] = bend as [number, number, number, number, number, number];
  const jitter = 0.012 + 0.018 * random.uniform();
  return strokes.map((stroke) => {
    const path: Path = { x: [], y: [], pressure: [] };
    for (let i = 0; i < stroke.length; i += 2) {
      const u = stroke[i] as number;
      const v = stroke[i + 1] as number;
      if (i > 0 && u === stroke[i - 2] && v === stroke[i - 1]) {
        // A corner: the second of two equal points goes where the first went.
        path.x.push(path.x.at(-1) as number);
        path.y.push(path.y.at(-1) as number);
        path.pressure.push(path.pressure.at(-1) as number);
        continue;
      }
      const a = u - 0.33;
      const b = v - 0.5;
      path.x.push(a + bxx * a * a + bxy * a * b + byy * b * b + jitter * random.normal());
      path.y.push(b + cxx * a * a + cxy * a * b + cyy * b * b + jitter * random.normal());
      path.pressure.push(1 + 0.14 * random.normal());
    }
    return path;
  });
}

/** Points on each curve between two control points. */
const STEPS = 6;

/** A uniform Catmull–Rom spline through the points, broken where a point is doubled. */
function smooth({ x, y, pressure }: Path): Path {
  const path: Path = { x: [], y: [], pressure: [] };
  const last = x.length - 1;
  const equal = (i: number, j: number) => x[i] === x[j] && y[i] === y[j];
  for (let i = 0; i < last; i++) {
    if (equal(i, i + 1)) continue;
    const before = i > 0 && !equal(i - 1, i) ? i - 1 : i;
    const after = i + 2 <= last && !equal(i + 1, i + 2) ? i + 2 : i + 1;
    for (let step = i === 0 ? 0 : 1; step <= STEPS; step++) {
      const t = step / STEPS;
      for (const key of ['x', 'y', 'pressure'] as const) {
        const points = key === 'x' ? x : key === 'y' ? y : pressure;
        const p0 = points[before] as number;
        const p1 = points[i] as number;
        const p2 = points[i + 1] as number;
        const p3 = points[after] as number;
        path[key].push(
          p1 +
            0.5 *
              t *
              (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))),
        );
      }
    }
  }
  return path;
}

/** Turns, shears and stretches all paths by one random linear map. */
function pose(paths: Path[], random: Random): void {
  const [sine, cosine] = sineAndCosine(clamp(0.11 * random.normal(), -0.3, 0.3));
  const shear = 0.1 + 0.2 * random.normal();
  const width = clamp(1.04 + 0.2 * random.normal(), 0.6, 1.6);
  for (const { x, y } of paths) {
    for (let i = 0; i < x.length; i++) {
      const a = width * (x[i] as number) - shear * (y[i] as number);
      const b = y[i] as number;
      x[i] = cosine * a - sine * b;
      y[i] = sine * a + cosine * b;
    }
  }
}

/** Scales the paths to fill a square of side `box` and puts their centre of mass at the point given. */
function fit(paths: Path[], box: number, centerX: number, centerY: number): void {
  let [left, right, top, bottom] = [1e9, -1e9, 1e9, -1e9];
  let [mass, massX, massY] = [0, 0, 0];
  for (const { x, y } of paths) {
    for (let i = 0; i < x.length; i++) {
      const a = x[i] as number;
      const b = y[i] as number;
      left = Math.min(left, a);
      right = Math.max(right, a);
      top = Math.min(top, b);
      bottom = Math.max(bottom, b);
      if (i === 0) continue;
      const dx = a - (x[i - 1] as number);
      const dy = b - (y[i - 1] as number);
      const length = Math.sqrt(dx * dx + dy * dy);
      mass += length;
      massX += length * (a - dx / 2);
      massY += length * (b - dy / 2);
    }
  }
  const scale = box / Math.max(right - left, bottom - top);
  for (const { x, y } of paths) {
    for (let i = 0; i < x.length; i++) {
      x[i] = centerX + scale * ((x[i] as number) - massX / mass);
      y[i] = centerY + scale * ((y[i] as number) - massY / mass);
    }
  }
}

/** Inks the segment that ends at point `i`: full within the pen's radius, fading over the rim. */
function inkSegment(
  ink: Float64Array,
  size: number,
  { x, y, pressure }: Path,
  i: number,
  radius: number,
  rim: number,
): void {
  // Pixel centres lie at half-integers.
  const x0 = (x[i - 1] as number) - 0.5;
  const y0 = (y[i - 1] as number) - 0.5;
  const dx = (x[i] as number) - 0.5 - x0;
  const dy = (y[i] as number) - 0.5 - y0;
  const r0 = radius * (pressure[i - 1] as number);
  const dr = radius * (pressure[i] as number) - r0;
  const reach = Math.max(r0, r0 + dr) + rim / 2;
  const lengthSquared = dx * dx + dy * dy;
  const inverse = lengthSquared > 0 ? 1 / lengthSquared : 0;
  const left = Math.max(0, Math.ceil(Math.min(x0, x0 + dx) - reach));
  const right = Math.min(size - 1, Math.floor(Math.max(x0, x0 + dx) + reach));
  const top = Math.max(0, Math.ceil(Math.min(y0, y0 + dy) - reach));
  const bottom = Math.min(size - 1, Math.floor(Math.max(y0, y0 + dy) + reach));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const a = column - x0;
      const b = row - y0;
      const t = clamp((a * dx + b * dy) * inverse, 0, 1);
      const ex = a - t * dx;
      const ey = b - t * dy;
      const outside = r0 + t * dr + rim / 2 - Math.sqrt(ex * ex + ey * ey);
      if (outside <= 0) continue;
      const value = outside >= rim ? 1 : outside / rim;
      const p = row * size + column;
      if (value > (ink[p] as number)) ink[p] = value;
    }
  }
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** Taylor series for |angle| ≤ 0.3, to better than 1e-9: Math.sin is not the same everywhere. */
function sineAndCosine(angle: number): [number, number] {
  const q = angle * angle;
  const sine = angle * (1 - (q / 6) * (1 - (q / 20) * (1 - q / 42)));
  const cosine = 1 - (q / 2) * (1 - (q / 12) * (1 - (q / 30) * (1 - q / 56)));
  return [sine, cosine];
}
