// Textures and samplers of a kernel: what a test gives, as plain data that a device can be handed.
import { LatentGpuError } from '../errors.ts';
import type { Binding } from './reflect.ts';
import { packTexels, type Texels, texelBytes, texelFormat, unpackTexels } from './texels.ts';

/** Numbers in nested arrays: a texel of several channels, rows of texels, layers of rows. */
export type Nested = number | readonly Nested[] | ArrayLike<number>;

/** A texture by its size, with its numbers in a row, or zeros. */
export interface TextureData {
  readonly width: number;
  readonly height?: number;
  /** Of a texture of three dimensions; or how many layers an array of textures has, 6 a cube. */
  readonly depth?: number;
  readonly data?: ArrayLike<number>;
  /**
   * Of a sampled texture. Default: 32 bits a channel; 16 where a sampler with a linear filter reads it,
   * because few devices filter 32; `depth16unorm` for depths.
   */
  readonly format?: string;
}

/**
 * A texture: rows of texels, `[[0, 0.5], [1, 0]]`, where a texel of several channels is an array of
 * them (of three dimensions, an array of textures or the six faces of cubes, layers of rows); or as
 * {@link TextureData}.
 */
export type TextureValue = readonly Nested[] | TextureData;

/** A sampler. Default: the nearest texel, coordinates clamped to the edge; comparing, `less`. */
export interface SamplerValue {
  readonly magFilter?: 'nearest' | 'linear';
  readonly minFilter?: 'nearest' | 'linear';
  readonly mipmapFilter?: 'nearest' | 'linear';
  readonly addressModeU?: 'clamp-to-edge' | 'repeat' | 'mirror-repeat';
  readonly addressModeV?: 'clamp-to-edge' | 'repeat' | 'mirror-repeat';
  readonly addressModeW?: 'clamp-to-edge' | 'repeat' | 'mirror-repeat';
  readonly compare?: GPUCompareFunction;
}

/** What a device makes a texture of. */
export interface TexturePlan {
  readonly format: string;
  readonly dimension: '1d' | '2d' | '3d';
  readonly view: '1d' | '2d' | '2d-array' | '3d' | 'cube' | 'cube-array';
  readonly size: readonly [number, number, number];
  readonly bytesPerTexel: number;
  /** Of a sampled texture. */
  readonly sampleType?: 'float' | 'unfilterable-float' | 'depth' | 'sint' | 'uint';
  /** Of a storage texture. */
  readonly access?: 'read-only' | 'write-only' | 'read-write';
}

/** What a device makes a sampler of. */
export interface SamplerPlan {
  readonly type: 'filtering' | 'non-filtering' | 'comparison';
  readonly descriptor: SamplerValue;
}

function bad(message: string): LatentGpuError {
  return new LatentGpuError('bad-input', message);
}

const TYPE =
  /^texture_(storage_|depth_)?(1d|2d|2d_array|3d|cube|cube_array)(?:<(\w+)(?:, (\w+))?>)?$/;
const ACCESS = { read: 'read-only', write: 'write-only', read_write: 'read-write' } as const;
const LETTER: Record<string, string> = { f32: 'float', i32: 'sint', u32: 'uint' };

interface TextureType {
  readonly view: TexturePlan['view'];
  readonly isStorage: boolean;
  readonly isDepth: boolean;
  /** The format of a storage texture, or the numbers that a sampled one is read as. */
  readonly of: string;
}

function textureType({ name, type }: Binding): TextureType {
  const [, what, view, of = 'f32'] = TYPE.exec(type) ?? [];
  if (!view) {
    throw bad(
      `${name} is a ${type}; a test can give textures of one to three dimensions, and cubes.`,
    );
  }
  return {
    view: view.replace('_', '-') as TexturePlan['view'],
    isStorage: what === 'storage_',
    isDepth: what === 'depth_',
    of,
  };
}

/** The lengths of nested arrays, the outermost first. @throws LatentGpuError if rows differ */
function lengthsOf(value: Nested, name: string): number[] {
  if (typeof value === 'number') return [];
  const parts = Array.from(value as ArrayLike<Nested>);
  const [first, ...rest] = parts.map((part) => lengthsOf(part, name));
  if (!first) throw bad(`${name} has an empty row.`);
  if (rest.some((each) => each.join() !== first.join())) {
    throw bad(`${name} has rows of different lengths.`);
  }
  return [parts.length, ...first];
}

const flat = (value: Nested): number[] =>
  typeof value === 'number' ? [value] : Array.from(value as ArrayLike<Nested>).flatMap(flat);

interface Given {
  readonly size: [number, number, number];
  /** Undefined for zeros. */
  readonly data?: ArrayLike<number>;
  readonly channels?: number;
  readonly format?: string;
}

function fromRows(value: Nested, view: TexturePlan['view'], name: string): Given {
  const lengths = lengthsOf(value, name);
  const dimensions = view === '1d' ? 1 : view === '2d' ? 2 : 3;
  const channels = lengths[dimensions] ?? 1;
  if (lengths.length < dimensions || lengths.length > dimensions + 1) {
    const levels = ['texels', 'rows of texels', 'layers of rows of texels'][dimensions - 1];
    throw bad(
      `${name} is a texture of the view ${view}: give ${levels}, or { width, height, data }.`,
    );
  }
  const [width = 1, height = 1, depth = 1] = lengths.slice(0, dimensions).reverse();
  return { size: [width, height, depth], data: flat(value), channels };
}

function givenOf(value: unknown, view: TexturePlan['view'], { name, type }: Binding): Given {
  if (Array.isArray(value)) return fromRows(value, view, name);
  if (typeof value !== 'object' || value === null || !('width' in value)) {
    throw bad(`${name} is ${type}: give rows of texels, or { width, height, data }.`);
  }
  const { width, height = 1, depth = 1, data, format } = value as TextureData;
  const size = [width, height, depth] as [number, number, number];
  if (size.some((n) => !(Number.isInteger(n) && n > 0))) {
    throw bad(`${name} is of ${size.join(' x ')} texels: give whole numbers above 0.`);
  }
  return { size, ...(data && { data }), ...(format && { format }) };
}

function defaultFormat(type: TextureType, channels: number, filtered: boolean): string {
  if (type.isStorage) return type.of;
  if (type.isDepth) return 'depth16unorm';
  // There is no format of three channels.
  const order = { 1: 'r', 2: 'rg' }[channels] ?? 'rgba';
  return `${order}${filtered && type.of === 'f32' ? 16 : 32}${LETTER[type.of]}`;
}

/** How many numbers a texel has that was given. */
function channelsOf({ channels, data, size: [w, h, d] }: Given, name: string): number {
  const each = channels ?? (data ? data.length / (w * h * d) : 4);
  if (!Number.isInteger(each) || each < 1 || each > 4) {
    throw bad(
      `${name} is of ${w} x ${h} x ${d} texels: ${data?.length} numbers do not make 1 to 4 a texel.`,
    );
  }
  return each;
}

/** Missing channels are 0, as WebGPU has them, and alpha 1. */
function spread(data: ArrayLike<number>, from: number, to: number): ArrayLike<number> {
  if (from === to) return data;
  const texels = data.length / from;
  return Array.from({ length: texels * to }, (_, i) => {
    const channel = i % to;
    return channel < from
      ? (data[Math.floor(i / to) * from + channel] as number)
      : +(channel === 3);
  });
}

/**
 * A texture as plain data.
 *
 * @param filtered whether a sampler with a linear filter may read it
 * @throws LatentGpuError `bad-input`
 */
export function planTexture(
  binding: Binding,
  value: unknown,
  filtered: boolean,
): { plan: TexturePlan; bytes: Uint8Array } {
  const { name } = binding;
  const type = textureType(binding);
  const { view, isStorage, isDepth, of } = type;
  const given = givenOf(value, view, binding);
  const isCube = view.startsWith('cube');
  const [w, h, d] = given.size;
  if (isCube && (w !== h || d % 6 !== 0 || (view === 'cube' && d !== 6))) {
    const faces = view === 'cube' ? 'six square faces' : 'six square faces for each cube';
    throw bad(`${name} is ${binding.type}, of ${w} x ${h} x ${d} texels: give ${faces}.`);
  }
  const channels = channelsOf(given, name);
  if (isStorage && given.format && given.format !== of) {
    throw bad(`${name} is ${binding.type}: its format is not ${given.format}.`);
  }
  const format = texelFormat(given.format ?? defaultFormat(type, channels, filtered), name);
  if (given.data && channels > format.channels) {
    throw bad(`${name}: ${channels} numbers a texel do not fit into ${format.name}.`);
  }
  const numbers = given.data && spread(given.data, channels, format.channels);
  const bytes = numbers
    ? packTexels(format, numbers, name)
    : new Uint8Array(w * h * d * texelBytes(format));
  const isFloat32 = format.kind === 'float' && format.bits === 32;
  const sampled = isDepth
    ? 'depth'
    : LETTER[of] === 'float' && isFloat32
      ? 'unfilterable-float'
      : LETTER[of];
  return {
    plan: {
      format: format.name,
      dimension: view === '1d' || view === '3d' ? view : '2d',
      view,
      size: given.size,
      bytesPerTexel: texelBytes(format),
      ...(isStorage
        ? { access: ACCESS[binding.access] }
        : { sampleType: sampled as NonNullable<TexturePlan['sampleType']> }),
    },
    bytes,
  };
}

/** What a storage texture holds: its numbers in a row, `channels` a texel. */
export function unpackTexture({ format }: TexturePlan, bytes: Uint8Array, name: string): Texels {
  return unpackTexels(texelFormat(format, name), bytes);
}

/** @throws LatentGpuError `bad-input` */
export function planSampler({ name, type }: Binding, value: unknown = {}): SamplerPlan {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`${name} is a ${type}: give an object such as { magFilter: 'linear' }, or nothing.`);
  }
  const given = value as SamplerValue;
  if (type === 'sampler_comparison') {
    return { type: 'comparison', descriptor: { compare: 'less', ...given } };
  }
  const { magFilter, minFilter, mipmapFilter } = given;
  const linear = [magFilter, minFilter, mipmapFilter].includes('linear');
  return { type: linear ? 'filtering' : 'non-filtering', descriptor: given };
}
