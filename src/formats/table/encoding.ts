// The bytes of a text file as UTF-8: checked, or read in the encoding that was named.
import { LatentGpuError } from '../../errors.ts';
import { quote } from '../message.ts';

type Bad = (why: string) => LatentGpuError;

export interface EncodingChoice {
  /** What the file is in, by a name that browsers know. */
  readonly encoding?: string;
  /** What it is read in where it is not UTF-8. */
  readonly otherEncoding?: string;
}

/** Bytes that are decoded at a time. */
const PIECE = 2 ** 22;

/**
 * The file's text as UTF-8 bytes: UTF-16 with its mark is read as such.
 *
 * @throws LatentGpuError `bad-format` naming the first line that is not UTF-8, where nothing was said;
 *   `bad-input` for an encoding that nobody knows
 */
export function utf8Of(bytes: Uint8Array, choice: EncodingChoice, bad: Bad): Uint8Array {
  // Of each character's four bytes, the second and third are zeros in either order.
  if (bytes.length >= 8 && bytes[5] === 0 && bytes[6] === 0)
    throw bad('has three zeros beside each character, as UTF-32 text has; save it as UTF-8');
  const mark = markOf(bytes);
  const asked = choice.encoding;
  if (asked !== undefined) {
    const label = /^utf-?16$/i.test(asked) ? (mark ?? 'utf-16le') : asked;
    const decoder = decoderOf(label, asked);
    return decoder.encoding === 'utf-8' ? checked(bytes, bad) : transcoded(bytes, decoder, bad);
  }
  if (mark) return transcoded(bytes, decoderOf(mark, mark), bad);
  const zero = bytes.subarray(0, 256).indexOf(0);
  if (zero >= 0) {
    const label = zero % 2 === 0 ? 'utf-16be' : 'utf-16le';
    throw bad(
      `has zeros between its characters, as UTF-16 text has; save it as UTF-8, or read it with --encoding ${label}`,
    );
  }
  const other = choice.otherEncoding;
  if (other === undefined || firstInvalid(bytes) < 0) return checked(bytes, bad);
  return transcoded(bytes, decoderOf(other, other), bad);
}

/** The byte order mark of UTF-16. */
function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}

function decoderOf(label: string, asked: string): TextDecoder {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    throw new LatentGpuError(
      'bad-input',
      `--encoding ${quote(asked)} is not known; it may be utf-8, windows-1252 (Latin-1), windows-1250, windows-1251, iso-8859-15, utf-16le, gb18030, shift_jis, euc-kr …`,
    );
  }
}

function transcoded(bytes: Uint8Array, decoder: TextDecoder, bad: Bad): Uint8Array {
  const pieces: Uint8Array[] = [];
  const encoder = new TextEncoder();
  for (let at = 0; at < bytes.length; at += PIECE) {
    const stream = at + PIECE < bytes.length;
    try {
      const text = decoder.decode(bytes.subarray(at, at + PIECE), { stream });
      pieces.push(encoder.encode(decoder.encoding === 'windows-1252' ? inWindows(text) : text));
    } catch {
      throw bad(`is not text in ${decoder.encoding}; name another --encoding`);
    }
  }
  const [only] = pieces;
  if (pieces.length === 1 && only) return only;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function checked(bytes: Uint8Array, bad: Bad): Uint8Array {
  const at = firstInvalid(bytes);
  if (at < 0) return bytes;
  const start = bytes.lastIndexOf(0x0a, at) + 1;
  let line = 1;
  for (let i = 0; i < start; i++) if (bytes[i] === 0x0a) line += 1;
  const isPart = (byte: number | undefined) =>
    byte !== undefined && /[\w.'\u00a1-\u017f-]/.test(text([byte]));
  let [from, to] = [at, at + 1];
  while (from > start && at - from < 20 && isPart(bytes[from - 1])) from -= 1;
  while (to - at < 20 && isPart(bytes[to])) to += 1;
  const word = quote(text(bytes.subarray(from, to)));
  throw bad(
    `line ${line} is not UTF-8; in windows-1252 it has ${word}: read it with --encoding windows-1252 if that is right (another encoding if not), or save it as UTF-8`,
  );
}

/** What windows-1252 has where Latin-1 has control characters. */
const WINDOWS = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Node.js 20 decodes windows-1252 as Latin-1. */
const inWindows = (text: string) =>
  text.replace(/[\x80-\x9f]/g, (c) => WINDOWS[c.charCodeAt(0) - 0x80] as string);

const text = (bytes: ArrayLike<number>) =>
  inWindows(new TextDecoder('windows-1252').decode(Uint8Array.from(bytes)));

/** Where the first byte is that is no part of UTF-8 text; -1 if there is none. */
function firstInvalid(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let start = 0; start < bytes.length; ) {
    const end = boundary(bytes, start + PIECE);
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return start + invalidIn(bytes.subarray(start, end));
    }
    start = end;
  }
  return -1;
}

/** The first byte from `at` on that begins a character, so that none is cut. */
function boundary(bytes: Uint8Array, at: number): number {
  let end = Math.min(at, bytes.length);
  for (let i = 0; i < 3 && end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80; i++)
    end++;
  return end;
}

/** By halving: the longest beginning that is UTF-8. */
function invalidIn(bytes: Uint8Array): number {
  let [good, wrong] = [0, bytes.length];
  while (wrong - good > 1) {
    const middle = (good + wrong) >> 1;
    try {
      // In a stream, a character that has only begun is no fault.
      const decoder = new TextDecoder('utf-8', { fatal: true });
      decoder.decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      wrong = middle;
    }
  }
  return good;
}
