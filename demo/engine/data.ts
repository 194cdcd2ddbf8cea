// What is trained on: the built-in digits, densities in the plane, or the visitor's own.
import type { ImageDataset, LoadedDataset } from '../../src/data/dataset.ts';
import { PLANE_DATA, plane } from '../../src/data/plane.ts';
import { digits, type Standardization, standardizationOf, standardize } from '../../src/index.ts';

/** As the model sees them. */
export interface DataSplit {
  readonly train: ImageDataset;
  readonly heldOut: ImageDataset;
  /** By which they were standardised, if they were. */
  readonly standardization?: Standardization;
}

const DIGITS = { train: 6000, heldOut: 600 };
const POINTS = { train: 4000, heldOut: 400 };

/** Numbers of any range, with mean 0 and deviation 1. @throws LatentGpuError `bad-data` */
export function standardized(train: LoadedDataset, heldOut: LoadedDataset): DataSplit {
  const standardization = standardizationOf(train);
  const [a, b] = [train, heldOut].map((rows) => standardize(rows, standardization)) as [
    ImageDataset,
    ImageDataset,
  ];
  return { train: a, heldOut: b, standardization };
}

/** The same data, standardised by the means and deviations of a model that is trained on. */
export function inUnitsOf(data: DataSplit, to: Standardization | undefined): DataSplit {
  const { train, heldOut, standardization: from } = data;
  if (!from || !to) return data;
  const width = to.mean.length;
  const of = ({ data: rows, ...rest }: ImageDataset): ImageDataset => ({
    ...rest,
    data: Float32Array.from(rows, (value, i) => {
      if (rest.mask?.[i] === 0) return 0;
      const at = (numbers: ArrayLike<number>) => numbers[i % width] as number;
      return (value * at(from.std) + at(from.mean) - at(to.mean)) / at(to.std);
    }),
  });
  return { train: of(train), heldOut: of(heldOut), standardization: to };
}

/** @param name `digits` or a density in the plane */
export function builtIn(name: string): DataSplit {
  if (PLANE_DATA.includes(name)) {
    return standardized(
      plane(name, { count: POINTS.train }),
      plane(name, { count: POINTS.heldOut, split: 'test' }),
    );
  }
  return {
    train: digits({ count: DIGITS.train }),
    heldOut: digits({ count: DIGITS.heldOut, split: 'test' }),
  };
}
