// PNG images as data. The decoding is fast-png's; what is here makes sure, before anything large is
// allocated, that a file holds the image that it claims to hold, and makes bytes of what comes out.
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png';
import { Unzlib, unzlibSync, zlibSync } from 'fflate';
import { LatentGpuError } from '../errors.ts';
import { deinterlaced, interlacedSize, sizeOf } from './adam7.ts';
import { crc32 } from './crc32.ts';
import { orientationOf, turned } from './exif.ts';
import { checkPixels, type Raster } from './raster.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bit depths by colour type, and samples a pixel (PNG specification, table 11.1). */
const COLOR_TYPES: Readonly<Record<number, { depths: readonly number[]; samples: number }>> = {
  0: { depths: [1, 2, 4, 8, 16], samples: 1 },
  2: { depths: [8, 16], samples: 3 },
  3: { depths: [1, 2, 4, 8], samples: 1 },
  4: { depths: [8, 16], samples: 2 },
  6: { depths: [8, 16], samples: 4 },
};

/** Those that make the image; others (profiles, texts, times) may be large and tell nothing. */
const KEPT = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];

/** What a deflate stream can grow by at most. */
const LARGEST_RATIO = 1032;

/** Whether `bytes` begin with the PNG signature. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a PNG image: grey or colour of any depth, or with a palette, turned as its Exif orientation says. Opaque
 * alpha is dropped; a palette of greys makes a grey image.
 *
 * @param bytes the file
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` if it is no PNG file, is damaged, or holds more or less than its
 *   size needs; `bad-data` if it is too large, or transparent anywhere
 */
export function readPng(bytes: Uint8Array, name = 'PNG file'): Raster {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const file = essentials(bytes, name, bad);
  let png: DecodedPng;
  let rgb: Uint8Array | undefined;
  try {
    png = decode(file.bytes, { checkCrc: true });
    if (file.type === 3) rgb = convertIndexedToRgb(png);
  } catch (cause) {
    throw bad(`damaged (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const { width, height } = png;
  const data = rgb ?? unpacked(png);
  const samples = data.length / (width * height);
  const pixels = { data, samples, count: width * height, white: png.depth === 16 ? 65535 : 255 };
  if (isTransparent(pixels, png)) {
    const why = 'has transparent pixels; lay it on an opaque background';
    throw new LatentGpuError('bad-data', `${name}: ${why}`);
  }
  const isGrey = samples < 3 || (rgb !== undefined && hasOnlyGreys(pixels));
  const channels = isGrey ? 1 : 3;
  const image: Raster = { width, height, channels, data: firstSamples(pixels, channels) };
  return turned(image, file.orientation);
}

interface Essentials {
  /** The file without what does not make the image. */
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly orientation: number;
}

/** Walks over the chunks, and checks that the compressed data hold the image and no more. */
function essentials(
  bytes: Uint8Array,
  name: string,
  bad: (why: string) => LatentGpuError,
): Essentials {
  if (!isPng(bytes)) throw bad('not a PNG file (its signature is missing)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  const compressed: Uint8Array[] = [];
  let orientation = 1;
  for (let at = 8, kind = ''; kind !== 'IEND'; ) {
    if (at + 12 > bytes.length) throw bad('cut short');
    const length = view.getUint32(at);
    kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 12 + length;
    if (end > bytes.length) throw bad(`cut short within its ${JSON.stringify(kind)} chunk`);
    if ((at === 8) !== (kind === 'IHDR')) throw bad('its first chunk, and no other, must be IHDR');
    if (KEPT.includes(kind)) kept.push(bytes.subarray(at, end));
    if (kind === 'eXIf')
      orientation = orientationOf(bytes.subarray(at + 8, end - 4)) ?? orientation;
    if (kind === 'acTL' && length === 8 && view.getUint32(at + 8) > 1)
      throw bad('is an animation; save one image of it');
    if (kind === 'IDAT') compressed.push(bytes.subarray(at + 8, end - 4));
    at = end;
  }
  if (view.getUint32(8) !== 13) throw bad('its header is not of 13 bytes');
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, type, isInterlaced] = [bytes[24], bytes[25], bytes[28] !== 0] as const;
  const known = COLOR_TYPES[type as number];
  if (!known?.depths.includes(depth as number)) {
    throw bad(`colour type ${type} with ${depth} bits is no PNG image`);
  }
  if (width === 0 || height === 0) throw bad(`is ${width} × ${height}, without a pixel`);
  if ((bytes[28] as number) > 1)
    throw bad(`is interlaced by method ${bytes[28]}, which PNG has not`);
  const bits = known.samples * (depth as number);
  const need = isInterlaced ? interlacedSize(width, height, bits) : sizeOf(width, height, bits);
  const data = joined(compressed);
  const claims = `claims ${width} × ${height} pixels and its data`;
  if (need > LARGEST_RATIO * data.length) throw bad(`${claims} could not hold them`);
  checkPixels(name, width, height);
  const held = inflatedSize(data, need, bad);
  if (held !== need) throw bad(`${claims} hold ${held < need ? 'less' : 'more'}`);
  const isPacked = isInterlaced && bits < 8;
  const file = isPacked ? plain(kept, unzlibSync(data), width, height, bits, bad) : kept;
  return { bytes: joined(file), type: type as number, orientation };
}

/**
 * The chunks of an interlaced image of less than 8 bits a pixel, which fast-png does not put together, as those
 * of one that is not interlaced.
 *
 * @param chunks the signature first
 * @param passes the image's data, inflated
 */
function plain(
  chunks: readonly Uint8Array[],
  passes: Uint8Array,
  width: number,
  height: number,
  bits: number,
  bad: (why: string) => LatentGpuError,
): Uint8Array[] {
  const kindOf = (chunk: Uint8Array) => String.fromCharCode(...chunk.subarray(4, 8));
  const [signature, header, ...rest] = chunks as [Uint8Array, Uint8Array, ...Uint8Array[]];
  for (const chunk of [header, ...rest]) {
    const crc = new DataView(chunk.buffer, chunk.byteOffset).getUint32(chunk.length - 4);
    if (crc32(chunk.subarray(4, -4)) !== crc) throw bad(`damaged (CRC of its ${kindOf(chunk)})`);
  }
  const fields = header.slice(8, -4);
  fields[12] = 0;
  let image: Uint8Array;
  try {
    image = deinterlaced(passes, width, height, bits);
  } catch (cause) {
    throw bad(`damaged (${(cause as Error).message})`);
  }
  const others = rest.filter((chunk) => !['IDAT', 'IEND'].includes(kindOf(chunk)));
  const data = chunkOf('IDAT', zlibSync(image, { level: 0 }));
  return [signature, chunkOf('IHDR', fields), ...others, data, chunkOf('IEND', new Uint8Array(0))];
}

function chunkOf(kind: string, content: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(12 + content.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  chunk.set(new TextEncoder().encode(kind), 4);
  chunk.set(content, 8);
  view.setUint32(8 + content.length, crc32(chunk.subarray(4, -4)));
  return chunk;
}

/** Compressed bytes that are inflated at once: what comes of them is small, whatever they claim. */
const PIECE = 2 ** 14;

/** @returns more than `most`, without the rest, if there is more */
function inflatedSize(
  data: Uint8Array,
  most: number,
  bad: (why: string) => LatentGpuError,
): number {
  let size = 0;
  const inflating = new Unzlib((part) => {
    size += part.length;
  });
  try {
    for (let at = 0; at < data.length && size <= most; at += PIECE) {
      const end = Math.min(data.length, at + PIECE);
      inflating.push(data.subarray(at, end), end === data.length);
    }
  } catch {
    throw bad('damaged or cut short (its data do not inflate)');
  }
  return size;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Samples of less than 8 bits, which lie several to a byte, brought to 0 … 255. */
function unpacked({ width, height, depth, data }: DecodedPng): Uint8Array | Uint16Array {
  if (depth >= 8) return data as Uint8Array | Uint16Array;
  const perLine = Math.ceil((width * depth) / 8);
  const scale = 255 / (2 ** depth - 1);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    const byte = data[y * perLine + ((x * depth) >> 3)] as number;
    const shift = 8 - depth - ((x * depth) & 7);
    return scale * ((byte >> shift) & (2 ** depth - 1));
  });
}

interface Pixels {
  readonly data: Uint8Array | Uint16Array;
  /** Numbers a pixel: 1 or 3, and alpha. */
  readonly samples: number;
  readonly count: number;
  readonly white: number;
}

function isTransparent({ data, samples, count, white }: Pixels, png: DecodedPng): boolean {
  if (samples === 2 || samples === 4) {
    for (let i = samples - 1; i < data.length; i += samples) if (data[i] !== white) return true;
    return false;
  }
  // A colour that stands for transparency.
  const key = png.transparency;
  if (!key || key.length < samples) return false;
  const scale = png.depth < 8 ? 255 / (2 ** png.depth - 1) : 1;
  for (let i = 0; i < count; i++) {
    let isKey = true;
    for (let k = 0; k < samples; k++) {
      isKey &&= data[i * samples + k] === scale * (key[k] as number);
    }
    if (isKey) return true;
  }
  return false;
}

function hasOnlyGreys({ data, samples, count }: Pixels): boolean {
  for (let at = 0; at < count * samples; at += samples) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
  }
  return true;
}

/** The first samples of every pixel: without alpha, or one of three that agree. */
function firstSamples({ data, samples, count }: Pixels, wanted: number): Uint8Array | Uint16Array {
  if (samples === wanted) return data;
  const Type = data instanceof Uint16Array ? Uint16Array : Uint8Array;
  const result = new Type(count * wanted);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < wanted; k++) result[i * wanted + k] = data[i * samples + k] as number;
  }
  return result;
}
