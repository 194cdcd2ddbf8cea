// WGSL's built-in functions that keep several small numbers in one of 32 bits.
import { floatToHalf, halfToFloat } from '../../formats/half.ts';
import { type Builtin, only } from './builtin.ts';
import { flat, numberOf, type Scalar, scalar, Unknown } from './values.ts';

const clamped = (x: number, least: number, most: number) => Math.min(Math.max(x, least), most);

/** Two halves or four quarters, the first in the lowest bits. */
const pack =
  (count: number, bitsOf: (x: number) => number): Builtin =>
  (args) => {
    only(args, 1);
    const numbers = args.flatMap(flat);
    if (numbers.length !== count) throw new Unknown(`${numbers.length} numbers to pack`);
    const width = 32 / count;
    const mask = (1n << BigInt(width)) - 1n;
    const word = numbers.reduce(
      (whole, { value }, i) => whole | ((BigInt(bitsOf(value)) & mask) << BigInt(i * width)),
      0n,
    );
    return scalar('u32', word);
  };

const fields = (word: number, count: number, isSigned: boolean): number[] =>
  Array.from({ length: count }, (_, i) => {
    const width = 32 / count;
    const high = word << (32 - width * (i + 1));
    return isSigned ? high >> (32 - width) : high >>> (32 - width);
  });

const unpack =
  (
    count: number,
    type: Scalar,
    isSigned: boolean,
    numberOfBits: (bits: number) => number,
  ): Builtin =>
  (args) => {
    only(args, 1);
    const parts = fields(numberOf(args[0]), count, isSigned);
    return { parts: parts.map((bits) => scalar(type, numberOfBits(bits))) };
  };

const dotPacked =
  (type: 'i32' | 'u32'): Builtin =>
  (args) => {
    only(args, 2);
    const [a, b] = args.map((each) => fields(numberOf(each), 4, type === 'i32')) as [
      number[],
      number[],
    ];
    return scalar(
      type,
      a.reduce((whole, each, i) => whole + each * (b[i] as number), 0),
    );
  };

/** A share of the most that the bits hold, to the nearest. */
const share = (most: number, least: number) => (x: number) =>
  Math.floor(0.5 + most * clamped(x, least, 1));
/** The lowest of signed numbers means as much as the next. */
const ofShare = (most: number) => (bits: number) => Math.max(bits / most, -1);
const same = (x: number) => x;

export const packing: Readonly<Record<string, Builtin>> = {
  pack4x8snorm: pack(4, share(127, -1)),
  pack4x8unorm: pack(4, share(255, 0)),
  pack4xI8: pack(4, same),
  pack4xU8: pack(4, same),
  pack4xI8Clamp: pack(4, (x) => clamped(x, -128, 127)),
  pack4xU8Clamp: pack(4, (x) => clamped(x, 0, 255)),
  pack2x16snorm: pack(2, share(32767, -1)),
  pack2x16unorm: pack(2, share(65535, 0)),
  pack2x16float: pack(2, floatToHalf),
  unpack4x8snorm: unpack(4, 'f32', true, ofShare(127)),
  unpack4x8unorm: unpack(4, 'f32', false, ofShare(255)),
  unpack4xI8: unpack(4, 'i32', true, same),
  unpack4xU8: unpack(4, 'u32', false, same),
  unpack2x16snorm: unpack(2, 'f32', true, ofShare(32767)),
  unpack2x16unorm: unpack(2, 'f32', false, ofShare(65535)),
  unpack2x16float: unpack(
    2,
    'f32',
    false,
    (bits) => halfToFloat(Uint16Array.of(bits))[0] as number,
  ),
  dot4I8Packed: dotPacked('i32'),
  dot4U8Packed: dotPacked('u32'),
};
