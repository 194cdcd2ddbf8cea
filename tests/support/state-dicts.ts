import { type WritableTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import { parseMapping, parseRule } from '../../src/interchange/rules.ts';
import {
  type Imported,
  type ImportRequest,
  importStateDict,
} from '../../src/interchange/state-dict.ts';
import { assignments } from '../../src/training/index.ts';
import { reals } from './engine.ts';

/** How tests name the layers of pytorch/examples. */
export const RENAME =
  'fc1=encoder.0 fc21=encoder.mean fc22=encoder.logVar fc3=decoder.0 fc4=decoder.1'.split(' ');

export type Tensors = Record<string, readonly number[]>;

/** Tensors of these shapes, with numbers that are a function of the name. */
export const tensorsOf = (shapes: Tensors): [string, WritableTensor][] =>
  Object.entries(shapes).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return [name, { shape, data: reals(name, size) }];
  });

/** A file of such tensors. */
export const file = (shapes: Tensors): Uint8Array => writeSafetensors(tensorsOf(shapes));

/** A file of tensors of another element type, whose elements all have the same bytes. */
export function typed(dtype: string, shapes: Tensors, element: ArrayBufferView): Uint8Array {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += shape.reduce((a, b) => a * b, element.byteLength);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = JSON.stringify(Object.fromEntries(entries));
  const text = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  const one = new Uint8Array(element.buffer, element.byteOffset, element.byteLength);
  for (let at = 8 + text.length; at < bytes.length; at += one.length) bytes.set(one, at);
  return bytes;
}

export interface Asked {
  rename?: string[];
  map?: string;
  set?: string[];
  shape?: readonly number[] | undefined;
  transpose?: boolean;
  family?: 'vae' | 'ae' | 'iwae' | undefined;
}

export function imported(bytes: Uint8Array, asked: Asked = {}): Imported {
  const { rename = [], map = '{}', set = [], shape, family, transpose = false } = asked;
  const request: ImportRequest = {
    bytes,
    file: 'f',
    rules: [...parseMapping(map, 'map'), ...rename.map((text) => parseRule(text, '--rename'))],
    transpose,
    description: { family, shape, given: assignments(family ?? 'vae', set) },
  };
  return importStateDict(request);
}

/** A parameter's numbers. */
export function numbers({ values }: Imported, name: string): number[] {
  const found = [...values].find(([parameter]) => parameter.name === name);
  return Array.from(found?.[1] as Float32Array);
}

export const plain = (name: string, size: number) => Array.from(reals(name, size));

/** D 4 → 3 → M 2, and back. */
export const EXAMPLES: Tensors = {
  'fc1.weight': [3, 4],
  'fc1.bias': [3],
  'fc21.weight': [2, 3],
  'fc21.bias': [2],
  'fc22.weight': [2, 3],
  'fc22.bias': [2],
  'fc3.weight': [3, 2],
  'fc3.bias': [3],
  'fc4.weight': [4, 3],
  'fc4.bias': [4],
};
/** The same net under this library's own names. */
export const OWN: Tensors = {
  'encoder.0.weight': [3, 4],
  'encoder.0.bias': [3],
  'encoder.1.weight': [4, 3],
  'encoder.1.bias': [4],
  'decoder.0.weight': [3, 2],
  'decoder.0.bias': [3],
  'decoder.1.weight': [4, 3],
  'decoder.1.bias': [4],
};

/** The tensors under other names. */
export const renamed = (tensors: Tensors, name: (old: string) => string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([old, shape]) => [name(old), shape]));

export const without = (tensors: Tensors, ...names: string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));
