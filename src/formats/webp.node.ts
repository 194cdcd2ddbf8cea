// WebP images as data. The decoding is libwebp's, as WebAssembly (@cwasm/webp); what is here makes sure that
// a file holds one image of a size that can be had before anything is allocated.
import wasm from '@cwasm/webp/webp.wasm?url&inline';
import { LatentGpuError } from '../errors.ts';
import { orientationOf, turned } from './exif.ts';
import { begins, isWebp } from './image-signatures.ts';
import { checkPixels, type Raster } from './raster.ts';
import { openLibrary, pointerTo, type WasmLibrary } from './wasm.node.ts';

/** What libwebp offers. */
interface Library extends WasmLibrary {
  /** @returns where `[height, width, 4]` bytes are, 0 for a damaged image; writes the extents as u32 */
  WebPDecodeRGBA(data: number, bytes: number, width: number, height: number): number;
}

let library: Library | undefined;

/** The pixels of a file as RGBA; undefined if it is damaged. */
function decoded(bytes: Uint8Array, { width, height }: Size): Uint8Array | undefined {
  library ??= openLibrary<Library>(wasm);
  const { memory, malloc, free, WebPDecodeRGBA } = library;
  const data = pointerTo(library, bytes);
  const extents = malloc(8);
  const pixels = WebPDecodeRGBA(data, bytes.length, extents, extents + 4);
  const [across, down] = new Uint32Array(memory.buffer.slice(extents, extents + 8));
  const fits = pixels !== 0 && across === width && down === height;
  const found = fits
    ? new Uint8Array(memory.buffer.slice(pixels, pixels + 4 * width * height))
    : undefined;
  for (const pointer of [data, extents, pixels]) free(pointer);
  return found;
}

/** From the chunk of Exif data, if there is one (RFC 9649, 2.7.1.5). */
function orientationIn(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (begins(bytes, at, 'EXIF'))
      return orientationOf(bytes.subarray(at + 8, at + 8 + length)) ?? 1;
    at += 8 + length + (length % 2);
  }
  return 1;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** From the first chunk (RFC 9649, 2.5 to 2.7). */
function sizeOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30 || view.getUint32(4, true) + 8 > bytes.length) {
    throw bad('damaged (it is cut short)');
  }
  if (begins(bytes, 12, 'VP8X')) {
    const flags = bytes[20] as number;
    if ((flags & 2) !== 0) throw bad('is an animation; save one image of it');
    const extent = (at: number) => (view.getUint32(at, true) & 0xffffff) + 1;
    return { width: extent(24), height: view.getUint16(27, true) + 65536 * view.getUint8(29) + 1 };
  }
  if (begins(bytes, 12, 'VP8L')) {
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (!begins(bytes, 12, 'VP8 ')) throw bad('damaged (it holds no image)');
  const extent = (at: number) => view.getUint16(at, true) & 0x3fff;
  return { width: extent(26), height: extent(28) };
}

/**
 * Reads a WebP image, lossy or lossless, turned as its Exif orientation says. Opaque alpha is dropped; one of greys alone is grey.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no WebP file, is damaged or moves; `bad-data` if it is too
 *   large, or transparent anywhere
 */
export function readWebp(bytes: Uint8Array, name = 'WebP file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isWebp(bytes)) throw bad('not a WebP file (its signature is missing)');
  const { width, height } = sizeOf(bytes, bad);
  const count = width * height;
  checkPixels(name, width, height);
  let rgba: Uint8Array | undefined;
  try {
    rgba = decoded(bytes, { width, height });
  } catch {
    // A trap leaves the library's memory as it was.
    library = undefined;
  }
  if (!rgba) throw bad('damaged');
  let isGrey = true;
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] !== 255) {
      const why = 'has transparent pixels; lay it on an opaque background';
      throw new LatentGpuError('bad-data', `${name}: ${why}`);
    }
    isGrey &&= rgba[i] === rgba[i + 1] && rgba[i] === rgba[i + 2];
  }
  const channels = isGrey ? 1 : 3;
  const data = new Uint8Array(count * channels);
  for (let i = 0; i < data.length; i++) {
    data[i] = rgba[4 * Math.floor(i / channels) + (i % channels)] as number;
  }
  return turned({ width, height, channels, data }, orientationIn(bytes));
}
