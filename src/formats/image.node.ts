// Images of any of the formats that are read, told apart by their first bytes: names often lie.
import { LatentGpuError } from '../errors.ts';
import { isBmp, readBmp } from './bmp.ts';
import { isJpeg, isWebp } from './image-signatures.ts';
import { isPng, readPng } from './png.ts';
import { isPnm, readPnm } from './pnm.ts';
import type { Raster } from './raster.ts';

/** Beginnings of what is often named .png or .jpg, too. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'is empty; replace or remove it'],
  [/^GIF8/, 'is a GIF image under another name; convert it'],
  [/^(II\*\0|MM\0\*)/, 'is a TIFF image under another name; convert it'],
  [/^....ftyp(avi|hei|hev|mif)/s, 'is an AVIF or HEIC image under another name; convert it'],
  [/^\s*<(!doctype|html|\?xml|svg)/i, 'is HTML or XML, and no image; replace or remove it'],
  [/^version https:\/\/git-lfs/, 'is a pointer of Git LFS; fetch the image with git lfs pull'],
];
const NONE = 'is no PNG, JPEG, WebP, BMP or PNM image; replace or remove it';

/**
 * Reads a PNG, JPEG, WebP, BMP or PNM image.
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is none, or damaged; `bad-data` if it is transparent anywhere
 */
export async function readImage(bytes: Uint8Array, name: string): Promise<Raster> {
  if (isPng(bytes)) return readPng(bytes, name);
  // Their decoders are large, and come when there is something to decode.
  if (isJpeg(bytes)) return (await import('./jpeg.node.ts')).readJpeg(bytes, name);
  if (isWebp(bytes)) return (await import('./webp.node.ts')).readWebp(bytes, name);
  if (isPnm(bytes)) return readPnm(bytes, name);
  if (isBmp(bytes)) return readBmp(bytes, name);
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  const what = OTHERS.find(([begins]) => begins.test(head))?.[1] ?? NONE;
  throw new LatentGpuError('bad-format', `${name} ${what}`);
}
