// Images of any of the formats that are read, told apart by their first bytes: names often lie.
import { LatentGpuError } from '../errors.ts';
import { isJpeg, readJpeg } from './jpeg.node.ts';
import { isPng, readPng } from './png.ts';
import type { Raster } from './raster.ts';
import { isWebp, readWebp } from './webp.node.ts';

/**
 * Reads a PNG, JPEG or WebP image.
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is none, or damaged; `bad-data` if it is transparent anywhere
 */
export function readImage(bytes: Uint8Array, name: string): Raster {
  if (isPng(bytes)) return readPng(bytes, name);
  if (isJpeg(bytes)) return readJpeg(bytes, name);
  if (isWebp(bytes)) return readWebp(bytes, name);
  if (/\.png$/i.test(name)) return readPng(bytes, name);
  const what = bytes.length === 0 ? 'is empty' : 'is no PNG, JPEG or WebP image';
  throw new LatentGpuError('bad-format', `${name} ${what}; replace or remove it`);
}
