// Whether data suit a model.
import { type Category, extentsText } from '../../categories.ts';
import { type ImageDataset, imageSize, type LoadedDataset } from '../../data/dataset.ts';
import { LatentGpuError } from '../../errors.ts';
import type { Model } from '../../models/index.ts';

/**
 * Checks that data fit a model: the same shape, or plain vectors of as many features.
 *
 * @param categories of the model
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkShape(
  dataset: LoadedDataset,
  shape: readonly number[],
  categories?: readonly Category[],
): void {
  const essential = (extents: readonly number[]) => extents.filter((n) => n !== 1).join();
  const isVector = dataset.shape.length === 1 || shape.length === 1;
  const fits = isVector
    ? imageSize(dataset) === imageSize({ shape: [...shape] })
    : essential(dataset.shape) === essential(shape);
  if (fits) return;
  const isColour = dataset.shape.length === 3 && `${dataset.shape}` === `${shape.slice(0, 2)},3`;
  const grey = isColour ? ', or make these grey (magick mogrify -colorspace gray FILES)' : '';
  throw new LatentGpuError(
    'shape-mismatch',
    categories || dataset.categories
      ? `${dataset.name} has ${extentsText(dataset.shape, dataset.categories ?? [])} and the model takes ${extentsText(shape, categories ?? [])}; name a table of such columns with --data`
      : `${dataset.name} has data points of [${dataset.shape.join(', ')}] and the model takes ` +
          `[${shape.join(', ')}]; name data of that shape with --data${grey}`,
  );
}

/**
 * Sounds of another rate are another signal, whatever their windows.
 *
 * @param rate of what a model is trained on
 * @throws LatentGpuError `shape-mismatch`
 */
export function checkRate({ name, sequence }: LoadedDataset, rate: number | undefined): void {
  if (rate === undefined || sequence?.rate === undefined || sequence.rate === rate) return;
  throw new LatentGpuError(
    'shape-mismatch',
    `${name} has ${sequence.rate} steps a second and the model was trained on ${rate}; bring them to it with --rate ${rate}`,
  );
}

/** @throws LatentGpuError `bad-config` for values that a model cannot take */
export function checkRange({ can }: Model, { data, name }: ImageDataset): void {
  const { unitRange } = can;
  if (!unitRange || data instanceof Uint8Array) return;
  const low = data.reduce((a, b) => Math.min(a, b));
  const high = data.reduce((a, b) => Math.max(a, b));
  if (low >= 0 && high <= 1) return;
  const { who, remedy } = unitRange;
  throw new LatentGpuError(
    'bad-config',
    `${who} takes values in [0, 1], and those of ${name} range from ${short(low)} to ${short(high)}; ${remedy}`,
  );
}

const short = (value: number) => String(Number(value.toPrecision(4)));
