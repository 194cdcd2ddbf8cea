// Texels as numbers and as bytes, by the texture's format.
import { LatentGpuError } from '../errors.ts';
import { floatToHalf, halfToFloat } from '../formats/half.ts';

type Kind = 'unorm' | 'snorm' | 'uint' | 'sint' | 'float';

/** What a texel of a format is made of. */
export interface TexelFormat {
  readonly name: string;
  readonly channels: number;
  /** Of a channel. */
  readonly bits: 8 | 16 | 32;
  readonly kind: Kind;
  /** Blue comes first. */
  readonly isBgra: boolean;
}

const FORMAT = /^(rgba|bgra|rg|r|depth)(8|16|32)(unorm|snorm|uint|sint|float)(-srgb)?$/;

/** @throws LatentGpuError `bad-input` for a format whose texels are not whole numbers of bytes a channel */
export function texelFormat(name: string, variable: string): TexelFormat {
  const [, order, bits, kind] = FORMAT.exec(name) ?? [];
  // Of depths, these alone can be copied into a texture.
  if (!order || (order === 'depth' && name !== 'depth16unorm')) {
    throw new LatentGpuError(
      'bad-input',
      `${variable}: textures of the format ${name} cannot be given or read here; ` +
        `${order ? 'depth16unorm can' : 'rgba32float, r32uint, rgba8unorm and their kind can'}.`,
    );
  }
  return {
    name,
    channels: order === 'depth' ? 1 : order.length,
    bits: Number(bits) as TexelFormat['bits'],
    kind: kind as Kind,
    isBgra: order === 'bgra',
  };
}

export const texelBytes = ({ channels, bits }: TexelFormat) => (channels * bits) / 8;

export type Texels = Float32Array | Int32Array | Uint32Array;

/** The memory of texels: one after another, channels in the format's order. */
type Memory = Uint8Array | Int8Array | Uint16Array | Int16Array | Texels;

function memoryOf({ bits, kind }: TexelFormat, buffer: ArrayBuffer): Memory {
  const signed = kind === 'sint' || kind === 'snorm';
  if (bits === 8) return signed ? new Int8Array(buffer) : new Uint8Array(buffer);
  if (bits === 16) return signed ? new Int16Array(buffer) : new Uint16Array(buffer);
  if (kind === 'float') return new Float32Array(buffer);
  return signed ? new Int32Array(buffer) : new Uint32Array(buffer);
}

/** The largest number that a normalised channel stands for 1 with. */
const unit = ({ bits, kind }: TexelFormat) => 2 ** (kind === 'snorm' ? bits - 1 : bits) - 1;

/** Where channel `i` of all is in memory: red and blue change places. */
const placeOf = ({ isBgra }: TexelFormat, i: number) =>
  isBgra && i % 2 === 0 ? i + (i % 4 === 0 ? 2 : -2) : i;

function encode(format: TexelFormat, value: number, name: string): number {
  const { kind, bits } = format;
  if (kind === 'float') return bits === 16 ? floatToHalf(value) : value;
  if (kind === 'unorm') return Math.round(Math.min(1, Math.max(0, value)) * unit(format));
  if (kind === 'snorm') return Math.round(Math.min(1, Math.max(-1, value)) * unit(format));
  const [least, most] =
    kind === 'uint' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new LatentGpuError('bad-input', `${name} is ${format.name}: ${value} is no such number.`);
  }
  return value;
}

/** Numbers, `channels` a texel, as the bytes of a texture. */
export function packTexels(
  format: TexelFormat,
  values: ArrayLike<number>,
  name: string,
): Uint8Array {
  const buffer = new ArrayBuffer((values.length * format.bits) / 8);
  const memory = memoryOf(format, buffer);
  for (let i = 0; i < values.length; i++) {
    memory[placeOf(format, i)] = encode(format, values[i] as number, name);
  }
  return new Uint8Array(buffer);
}

/** The opposite of {@link packTexels}: what a shader reads in these bytes. */
export function unpackTexels(format: TexelFormat, bytes: Uint8Array): Texels {
  const { kind, bits } = format;
  const stored = memoryOf(format, new Uint8Array(bytes).buffer);
  const inOrder = stored.map((_, i) => stored[placeOf(format, i)] as number);
  if (kind === 'uint') return Uint32Array.from(inOrder);
  if (kind === 'sint') return Int32Array.from(inOrder);
  if (kind === 'float') {
    return bits === 16 ? halfToFloat(inOrder as Uint16Array) : (inOrder as Float32Array);
  }
  return Float32Array.from(inOrder, (x) => Math.max(-1, x / unit(format)));
}
