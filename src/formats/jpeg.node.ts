// JPEG images as data. The decoding is jpeg-js's; what is here makes sure that it is an image that can
// be decoded before anything large is allocated, and turns it as its camera was held.
import { decode } from 'jpeg-js';
import { LatentGpuError } from '../errors.ts';
import { MOST_PIXELS, type PngImage } from './png.ts';

/** Whether `bytes` begin as a JPEG file does. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Of the camera, as Exif has it: 1 to 8. */
  readonly orientation: number;
  /** Whether components are colours as they are, and not brightness and two differences. */
  readonly isRgb: boolean;
}

/**
 * Reads a JPEG image (baseline or progressive, 8 bits, grey or colour), turned as its Exif orientation
 * says.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no JPEG file, is damaged, or of a kind that is not read
 */
export function readJpeg(bytes: Uint8Array, name = 'JPEG file'): PngImage {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isJpeg(bytes)) throw bad('not a JPEG file (its marker is missing)');
  const { width, height, components, orientation, isRgb } = frameOf(bytes, bad);
  if (components !== 1 && components !== 3) {
    throw bad(`has ${components} components, as for print (CMYK); save it as RGB`);
  }
  let decoded: { width: number; height: number; data: Uint8Array };
  try {
    decoded = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      ...(isRgb && { colorTransform: false }),
      tolerantDecoding: false,
      maxResolutionInMP: MOST_PIXELS / 1e6,
      maxMemoryUsageInMB: 4096,
    });
  } catch (cause) {
    throw bad(`damaged (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (decoded.width !== width || decoded.height !== height)
    throw bad('damaged (its size is in doubt)');
  const channels = components === 1 ? 1 : 3;
  const data =
    channels === 3
      ? decoded.data
      : Uint8Array.from({ length: width * height }, (_, i) => decoded.data[3 * i] as number);
  return turned({ width, height, channels, data }, orientation);
}

/** Walks over the segments up to the frame header (ITU T.81, B.2). */
function frameOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Frame {
  let orientation = 1;
  // Both tell what the components are.
  let hasMarker = false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) throw bad('damaged (a marker is missing)');
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (marker === 0xe1)
      orientation = orientationOf(bytes.subarray(at + 4, at + 2 + length)) ?? orientation;
    if (marker === 0xe0 || marker === 0xee) hasMarker = true;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (marker > 0xc2)
        throw bad('is of a kind that is not read (lossless or arithmetic); save it anew');
      const bits = bytes[at + 4];
      if (bits !== 8) throw bad(`has ${bits} bits a sample; save it with 8`);
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      if (width === 0 || height === 0) throw bad('damaged (it has no size)');
      if (width * height > MOST_PIXELS) {
        throw new LatentGpuError(
          'bad-data',
          `${bad(`has ${width} × ${height} pixels`).message}; make it smaller`,
        );
      }
      const components = bytes[at + 9] as number;
      // Else their names do, as libjpeg has it.
      const named = String.fromCharCode(
        ...[10, 13, 16].map((place) => bytes[at + place] as number),
      );
      const isRgb = !hasMarker && components === 3 && named === 'RGB';
      return { width, height, components, orientation, isRgb };
    }
    at += 2 + length;
  }
  throw bad('damaged (it ends before its frame)');
}

/** The tag 0x0112 of the first directory of an Exif segment. */
function orientationOf(segment: Uint8Array): number | undefined {
  const tiff = segment.subarray(6);
  if (new TextDecoder('latin1').decode(segment.subarray(0, 4)) !== 'Exif' || tiff.length < 10)
    return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return undefined;
  const count = view.getUint16(start, little);
  for (let i = 0, at = start + 2; i < count && at + 12 <= tiff.length; i++, at += 12) {
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** From row and column of the upright image to those stored, by orientation (Exif 2.3, table 6). */
function turned(image: PngImage, orientation: number): PngImage {
  if (orientation === 1) return image;
  const { width, height, channels, data } = image;
  const isSwapped = orientation >= 5;
  const [across, down] = isSwapped ? [height, width] : [width, height];
  const flipsX = [2, 3, 7, 8].includes(orientation);
  const flipsY = [3, 4, 6, 7].includes(orientation);
  const result = new Uint8Array(data.length);
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const [y, x] = isSwapped ? [column, row] : [row, column];
      const from = (flipsY ? height - 1 - y : y) * width + (flipsX ? width - 1 - x : x);
      for (let c = 0; c < channels; c++) {
        result[(row * across + column) * channels + c] = data[from * channels + c] as number;
      }
    }
  }
  return { width: across, height: down, channels, data: result };
}
