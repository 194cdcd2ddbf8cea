// Two-dimensional densities on which flows are tried, drawn from a seed.
import { LatentGpuError } from '../errors.ts';
import { boxMuller, Random } from '../random.ts';
import { STREAMS } from '../streams.ts';
import type { ImageDataset } from './dataset.ts';

/** A point and the class it was drawn from. */
type Draw = (random: Random) => readonly [x: number, y: number, label: number];

/** A true normal: only those give round clouds. */
const normal = (random: Random): number => boxMuller(() => random.uniform());

const NOISE = { moons: 0.1, circles: 0.08, eight: 0.2, roll: 0.08, spiral: 0.1 } as const;

const draws: Readonly<Record<string, { readonly classes: number; readonly draw: Draw }>> = {
  /** Two half circles of radius 1 that reach into each other, with normal noise of deviation 0.1. */
  moons: {
    classes: 2,
    draw(random) {
      const label = random.integer(2);
      const angle = Math.PI * random.uniform();
      const [x, y] =
        label === 0
          ? [Math.cos(angle), Math.sin(angle)]
          : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
      return [x + NOISE.moons * normal(random), y + NOISE.moons * normal(random), label];
    },
  },
  /** Circles of radius 1 and 2. */
  circles: {
    classes: 2,
    draw(random) {
      const label = random.integer(2);
      const angle = 2 * Math.PI * random.uniform();
      const radius = 1 + label;
      return [
        radius * Math.cos(angle) + NOISE.circles * normal(random),
        radius * Math.sin(angle) + NOISE.circles * normal(random),
        label,
      ];
    },
  },
  /** Five blades that bend as they go out. Johnson et al. 2016. */
  pinwheel: {
    classes: 5,
    draw(random) {
      const label = random.integer(5);
      const along = 1 + 0.3 * normal(random);
      const across = 0.1 * normal(random);
      const angle = (2 * Math.PI * label) / 5 + 0.25 * Math.exp(along);
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      return [2 * (c * along - s * across), 2 * (s * along + c * across), label];
    },
  },
  /** Two arms of one and a half turns. */
  spirals: {
    classes: 2,
    draw(random) {
      const label = random.integer(2);
      const turn = Math.sqrt(random.uniform()) * 3 * Math.PI;
      const sign = label === 0 ? 1 : -1;
      const x = (-Math.cos(turn) * turn) / 3 + random.uniform() / 6;
      const y = (Math.sin(turn) * turn) / 3 + random.uniform() / 6;
      return [
        sign * x + NOISE.spiral * normal(random),
        sign * y + NOISE.spiral * normal(random),
        label,
      ];
    },
  },
  /** Uniform on the eight dark fields of a board of 4 × 4, each of side 2. */
  checkerboard: {
    classes: 8,
    draw(random) {
      const label = random.integer(8);
      const row = Math.floor(label / 2);
      const column = 2 * (label % 2) + (row % 2);
      return [2 * column - 4 + 2 * random.uniform(), 2 * row - 4 + 2 * random.uniform(), label];
    },
  },
  /** Eight normals of deviation 0.2 on a circle of radius 2. */
  'eight-gaussians': {
    classes: 8,
    draw(random) {
      const label = random.integer(8);
      const angle = (label * Math.PI) / 4;
      return [
        2 * Math.cos(angle) + NOISE.eight * normal(random),
        2 * Math.sin(angle) + NOISE.eight * normal(random),
        label,
      ];
    },
  },
  /** One arm of a turn and a half, seen from the side of the roll. */
  'swiss-roll': {
    classes: 1,
    draw(random) {
      const turn = 1.5 * Math.PI * (1 + 2 * random.uniform());
      return [
        (turn * Math.cos(turn)) / 5 + NOISE.roll * normal(random),
        (turn * Math.sin(turn)) / 5 + NOISE.roll * normal(random),
        0,
      ];
    },
  },
};

/** Names of the densities in the plane: `moons`, `circles`, `pinwheel` and others. */
export const PLANE_DATA: readonly string[] = Object.keys(draws);

/** Streams of a seed, apart from those of digits and shuffles. */
const STREAM = { train: STREAMS.trainingPlane, test: STREAMS.testPlane } as const;

/** Entropies in nats, where they are known in closed form. */
export const PLANE_ENTROPY: Readonly<Record<string, number>> = {
  checkerboard: Math.log(32),
  // The components do not overlap to any digit that counts.
  'eight-gaussians': Math.log(8) + Math.log(2 * Math.PI * Math.E * NOISE.eight ** 2),
};

export interface PlaneOptions {
  count: number;
  seed?: number;
  split?: 'train' | 'test';
}

/**
 * Draws of a density in the plane, [count, 2], with the class each was drawn from. Values are not in
 * [0, 1]: models take them as they are, or standardised.
 *
 * @param name one of {@link PLANE_DATA}, `moons` say
 * @throws LatentGpuError `bad-input` for an unknown name
 * @example plane('moons', { count: 100 }).shape // [2]
 */
export function plane(name: string, options: PlaneOptions): ImageDataset {
  const { count, seed = 0, split = 'train' } = options;
  const density = Object.hasOwn(draws, name) ? draws[name] : undefined;
  if (!density) {
    const known = PLANE_DATA.join(', ');
    throw new LatentGpuError('bad-input', `no density '${name}' in the plane; known: ${known}`);
  }
  const data = new Float32Array(2 * count);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const [x, y, label] = density.draw(new Random(seed, STREAM[split], i));
    data[2 * i] = x;
    data[2 * i + 1] = y;
    labels[i] = label;
  }
  return {
    name,
    count,
    shape: [2],
    data,
    labels,
    classes: density.classes,
    source: `drawn from seed ${seed}`,
  };
}
