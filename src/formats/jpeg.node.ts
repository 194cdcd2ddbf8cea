// JPEG images as data. The decoding is libjpeg-turbo's, as WebAssembly (@cwasm/jpeg-turbo), so that pixels are
// those that Pillow and PyTorch see; what is here makes sure that it is an image that can be decoded before
// anything large is allocated, and turns it as its camera was held.
import wasm from '@cwasm/jpeg-turbo/jpeg-turbo.wasm?url&inline';
import { LatentGpuError } from '../errors.ts';
import { orientationOf, turned } from './exif.ts';
import { isJpeg } from './image-signatures.ts';
import { checkPixels, type Raster } from './raster.ts';
import { openLibrary, pointerTo, type WasmLibrary } from './wasm.node.ts';

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** Where it is. */
  readonly at: number;
  readonly isProgressive: boolean;
  /** Of the camera, as Exif has it: 1 to 8. */
  readonly orientation: number;
}

/** What libjpeg-turbo offers. */
interface Library extends WasmLibrary {
  tjInitDecompress(): number;
  /** @returns 0, or another number where anything is wrong with the file */
  tjDecompress2(
    decoder: number,
    data: number,
    bytes: number,
    pixels: number,
    width: number,
    pitch: number,
    height: number,
    format: number,
    flags: number,
  ): number;
  tjDestroy(decoder: number): void;
}

/** How it numbers what pixels may be made of, by a file's components. */
const FORMATS: Readonly<Record<number, number>> = { 1: 6, 3: 0, 4: 11 };
/** The slow and exact transform, which is everybody's default. */
const ACCURATE = 4096;
/** What a library may keep for the next image. */
const MOST_MEMORY = 2 ** 27;

/** What it does where it cannot go on. */
const JUMPS = {
  setjmp: () => 0,
  longjmp: () => {
    throw new Error('libjpeg-turbo gave up');
  },
};

let library: Library | undefined;

/** The samples of a file, `[height, width, components]`; undefined if it is damaged. */
function decoded(bytes: Uint8Array, { width, height, components }: Frame): Uint8Array | undefined {
  library ??= openLibrary<Library>(wasm, JUMPS);
  const own = library;
  const data = pointerTo(own, bytes);
  const decoder = own.tjInitDecompress();
  const pitch = width * components;
  const pixels = own.malloc(pitch * height);
  if (pixels === 0) throw new RangeError('Array buffer allocation failed');
  const format = FORMATS[components] as number;
  const size = [width, pitch, height] as const;
  const fault = own.tjDecompress2(decoder, data, bytes.length, pixels, ...size, format, ACCURATE);
  const found =
    fault === 0
      ? new Uint8Array(own.memory.buffer.slice(pixels, pixels + pitch * height))
      : undefined;
  own.tjDestroy(decoder);
  for (const pointer of [data, pixels]) own.free(pointer);
  if (own.memory.buffer.byteLength > MOST_MEMORY) library = undefined;
  return found;
}

/**
 * Reads a JPEG image (baseline or progressive, 8 bits, grey, colour or CMYK), turned as its Exif orientation
 * says. Inks become colours as Pillow has it, (255 - ink)(255 - black) / 255, without a profile.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no JPEG file, is damaged, or of a kind that is not read
 */
export function readJpeg(bytes: Uint8Array, name = 'JPEG file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  if (!isJpeg(bytes)) throw bad('not a JPEG file (its marker is missing)');
  const frame = frameOf(bytes, bad);
  const { width, height, components, orientation } = frame;
  checkPixels(name, width, height);
  if (FORMATS[components] === undefined) {
    throw bad(`has ${components} components, neither grey nor RGB nor CMYK; save it as RGB`);
  }
  const isEnded = endsAfter(bytes, frame.at);
  // Some cameras leave the end out; of a progressive image nobody knows whether all of it is there.
  const file = isEnded || frame.isProgressive ? bytes : withEnd(bytes);
  let samples: Uint8Array | undefined;
  try {
    samples = decoded(file, frame);
  } catch (cause) {
    // What was thrown through its stack leaves the library's memory as it was.
    library = undefined;
    if (cause instanceof RangeError) throw cause;
  }
  if (!samples) throw bad(isEnded ? 'damaged' : 'damaged (it is cut short)');
  const channels = components === 1 ? 1 : 3;
  const data = components === 4 ? coloursOf(samples) : samples;
  return turned({ width, height, channels, data }, orientation);
}

const END = [0xff, 0xd9] as const;

function withEnd(bytes: Uint8Array): Uint8Array {
  const file = new Uint8Array(bytes.length + END.length);
  file.set(bytes);
  file.set(END, bytes.length);
  return file;
}

/** Whether the marker of the end follows the frame; what is behind it is of another image, or nothing. */
function endsAfter(bytes: Uint8Array, frame: number): boolean {
  let at = bytes.length;
  do at = bytes.lastIndexOf(END[0], at - 1);
  while (at > frame && bytes[at + 1] !== END[1]);
  return at > frame;
}

/** Of inks, which all programs store inverted. */
function coloursOf(inks: Uint8Array): Uint8Array {
  const data = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = inks[from + 3] as number;
    for (let k = 0; k < 3; k++) {
      const product = (255 - (inks[from + k] as number)) * light;
      data[to++] = Math.max(0, light - Math.round(product / 255));
    }
  }
  return data;
}

/** Walks over the segments up to the frame header (ITU T.81, B.2). */
function frameOf(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Frame {
  let orientation = 1;
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
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (marker > 0xc2)
        throw bad('is of a kind that is not read (lossless or arithmetic); save it anew');
      const bits = bytes[at + 4];
      if (bits !== 8) throw bad(`has ${bits} bits a sample; save it with 8`);
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      if (width === 0 || height === 0) throw bad('damaged (it has no size)');
      const components = bytes[at + 9] as number;
      return { width, height, components, at, isProgressive: marker === 0xc2, orientation };
    }
    at += 2 + length;
  }
  throw bad('damaged (it ends before its frame)');
}
