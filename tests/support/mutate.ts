// Files with random damage, for property tests of what reads them.
import fc from 'fast-check';

export interface Edit {
  kind: 'cut' | 'grow' | 'remove' | 'byte' | 'word' | 'text';
  at: number;
  length: number;
  value: number;
}

/** Pieces of text that tables and headers are made of, and some that they are not. */
const TEXTS = ['0', '9', '.', ',', ';', '\t', '\n', '\r\n', '"', '-', 'e9', 'nan', ' ', 'x', '\0'];

/** Positions crowd towards the beginning, where headers are. */
const position = fc.oneof(fc.nat(16), fc.nat(80), fc.nat(2000));
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('cut', 'grow', 'remove', 'byte', 'byte', 'text', 'text', 'word'),
  at: position,
  length: fc.nat(20),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000)),
});

/** One to four edits. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

/** `middle` in place of `length` bytes at `at`. */
function splice(bytes: Uint8Array, at: number, length: number, middle: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + length));
  const result = new Uint8Array(at + middle.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(middle, at);
  result.set(rest, at + middle.length);
  return result;
}

export function mutate(original: Uint8Array, list: readonly Edit[]): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(original);
  for (const { kind, at: wanted, length, value } of list) {
    const at = wanted % (bytes.length + 1);
    if (kind === 'cut') bytes = bytes.slice(0, at);
    else if (kind === 'grow') bytes = splice(bytes, at, 0, new Uint8Array(length));
    else if (kind === 'remove') bytes = splice(bytes, at, length, new Uint8Array());
    else if (kind === 'text') {
      const text = new TextEncoder().encode(TEXTS[value % TEXTS.length]);
      bytes = splice(bytes, at, length % 3, text);
    } else if (kind === 'word') {
      if (at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, value);
    } else if (at < bytes.length) bytes[at] = value;
  }
  return bytes;
}
