// JPEG images as data. The decoding is jpeg-js's; what is here makes sure that it is an image that can
// be decoded before anything large is allocated, and turns it as its camera was held.
import { decode } from 'jpeg-js';
import { LatentGpuError } from '../errors.ts';
import { orientationOf, turned } from './exif.ts';
import { MOST_PIXELS, type Raster } from './raster.ts';

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
  /** Whether Adobe's marker says how four inks are stored. */
  readonly hasAdobe: boolean;
}

/**
 * Reads a JPEG image (baseline or progressive, 8 bits, grey, colour or CMYK), turned as its Exif orientation
 * says. Inks become colours as (255 - ink)(255 - black) / 255, without a profile.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no JPEG file, is damaged, or of a kind that is not read
 */
export function readJpeg(bytes: Uint8Array, name = 'JPEG file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isJpeg(bytes)) throw bad('not a JPEG file (its marker is missing)');
  const { width, height, components, orientation, isRgb, hasAdobe } = frameOf(bytes, bad);
  if (![1, 3, 4].includes(components)) {
    throw bad(`has ${components} components, neither grey nor RGB nor CMYK; save it as RGB`);
  }
  const file = components === 4 && !hasAdobe ? withAdobe(bytes) : bytes;
  let decoded: { width: number; height: number; data: Uint8Array };
  try {
    decoded = decode(file, {
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

const ADOBE = [0x41, 0x64, 0x6f, 0x62, 0x65];

/** With Adobe's marker: inks are stored inverted by all programs that write them. */
function withAdobe(bytes: Uint8Array): Uint8Array {
  const marker = [0xff, 0xee, 0, 14, ...ADOBE, 0, 100, 0, 0, 0, 0, 0];
  const file = new Uint8Array(bytes.length + marker.length);
  file.set(bytes.subarray(0, 2));
  file.set(marker, 2);
  file.set(bytes.subarray(2), 2 + marker.length);
  return file;
}

/** Walks over the segments up to the frame header (ITU T.81, B.2). */
function frameOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Frame {
  let orientation = 1;
  // Both tell what the components are.
  let hasMarker = false;
  let hasAdobe = false;
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
    if (marker === 0xee) hasAdobe ||= ADOBE.every((byte, i) => bytes[at + 4 + i] === byte);
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
      return { width, height, components, orientation, isRgb, hasAdobe };
    }
    at += 2 + length;
  }
  throw bad('damaged (it ends before its frame)');
}
