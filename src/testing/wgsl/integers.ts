// WGSL's built-in functions of the bits of integers.
import { type Builtin, only, unary } from './builtin.ts';
import { bigOf, map, numberOf, scalar, type Value, zip } from './values.ts';

/** Bits of a number from one on, so many; a signed one's are signed. */
const extractBits: Builtin = (args) => {
  only(args, 3);
  const from = Math.min(numberOf(args[1]), 32);
  const count = Math.min(numberOf(args[2]), 32 - from);
  return map(args[0] as Value, ({ type, value }) => {
    if (count === 0) return scalar(type, 0);
    const high = value << (32 - from - count);
    return scalar(type, type === 'u32' ? high >>> (32 - count) : high >> (32 - count));
  });
};

/** The lowest bits of another number in the place of some, from one on. */
const insertBits: Builtin = (args) => {
  only(args, 4);
  const from = Math.min(numberOf(args[2]), 32);
  const count = Math.min(numberOf(args[3]), 32 - from);
  const mask = BigInt.asUintN(32, ((1n << BigInt(count)) - 1n) << BigInt(from));
  return zip(args[0] as Value, args[1] as Value, (of, inserted) => {
    const kept = bigOf(of) & ~mask;
    return scalar(of.type, BigInt.asIntN(32, kept | ((bigOf(inserted) << BigInt(from)) & mask)));
  });
};

const bits = (x: number) => (x >>> 0).toString(2).padStart(32, '0');
/** -1 where there is none, as WGSL has it. */
const bitFromLow = (x: number) => (x === 0 ? -1 : 31 - bits(x).lastIndexOf('1'));

export const integers: Readonly<Record<string, Builtin>> = {
  extractBits,
  insertBits,
  reverseBits: unary((x) => Number.parseInt([...bits(x)].reverse().join(''), 2)),
  countOneBits: unary((x) => bits(x).replaceAll('0', '').length),
  countLeadingZeros: unary((x) => Math.clz32(x)),
  countTrailingZeros: unary((x) => (x === 0 ? 32 : bitFromLow(x))),
  firstTrailingBit: unary(bitFromLow),
  firstLeadingBit: unary((x, type) => 31 - Math.clz32(type !== 'u32' && x < 0 ? ~x : x)),
};
