// Images in a column of a Parquet file, made a data set.
import { basename } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { readImage } from '../formats/image.node.ts';
import { readParquetImages } from '../formats/parquet-images.node.ts';
import { classIndices } from '../formats/table/classes.ts';
import type { DataSpec } from './data-spec.node.ts';
import type { LoadedDataset } from './dataset.ts';
import { checkSize, imageDataset, type NamedImage } from './image-stack.ts';

/**
 * @returns undefined of a file that has no column of images
 * @throws LatentGpuError `bad-data` for images of several sizes, `bad-format` for one that is damaged
 */
export async function parquetImages(
  bytes: Uint8Array,
  path: string,
  { labelColumn, classes: numbered, count, holdOut, windows, onRemark, onProgress }: DataSpec,
): Promise<LoadedDataset | undefined> {
  const most = holdOut === undefined ? count : undefined;
  const found = await readParquetImages(bytes, path, labelColumn, most);
  if (!found) return undefined;
  if (windows) {
    throw new LatentGpuError('bad-input', `--window: ${path} holds images; leave it out`);
  }
  const images: NamedImage[] = [];
  for (const [row, file] of found.files.entries()) {
    const name = `${path}: row ${row}`;
    images.push({ ...(await readImage(file, name)), path: name });
    checkSize(images[0] as NamedImage, images[row] as NamedImage);
    onProgress?.((row + 1) / found.files.length);
  }
  if (images.length === 0) throw new LatentGpuError('bad-data', `${path}: holds no row`);
  const { column, labels } = found;
  const also = labels ? `, and ${labels.column} for the classes` : '';
  onRemark?.(`${path}: column ${column} is taken for the images${also}`);
  const whole = imageDataset(images, basename(path), path);
  if (!labels) return whole;
  const { labels: indices, classes } = classIndices(labels.texts, numbered ?? labels.names);
  return { ...whole, labels: indices, classes: classes.length, classNames: classes };
}
