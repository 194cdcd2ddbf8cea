// Sounds as RIFF WAVE files: whole numbers of 8 to 32 bits, floats, or the two laws of telephones. (Microsoft and IBM 1991,
// "Multimedia programming interface and data specifications"; WAVE_FORMAT_EXTENSIBLE of 2001; ITU-T G.711.)
import { LatentGpuError } from '../errors.ts';
import { quote } from './message.ts';

export interface Wav {
  /** Frames a second. */
  readonly rate: number;
  readonly channels: number;
  /** [frames, channels]; whole numbers as parts of the largest, in [-1, 1). */
  readonly data: Float32Array;
}

export const WAV_ENCODINGS = ['u8', 's16', 's24', 's32', 'f32'] as const;
export type WavEncoding = (typeof WAV_ENCODINGS)[number];

/** Those and what is read alone: float64, as SciPy writes NumPy's usual numbers, and G.711's. */
type Encoding = WavEncoding | 'f64' | 'µ-law' | 'A-law';

const BYTES: Readonly<Record<Encoding, number>> = {
  ...{ u8: 1, s16: 2, s24: 3, s32: 4 },
  ...{ f32: 4, f64: 8, 'µ-law': 1, 'A-law': 1 },
};
/** Lengths from here on stand for one that the writer did not know: SoX says this, others all ones. */
const UNKNOWN_LENGTH = 0x7ffff000;
const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];
const LAWS: Readonly<Record<number, Encoding>> = { 6: 'A-law', 7: 'µ-law' };

/** Encodings that people meet and that are not read here. */
const OTHERS: Readonly<Record<number, string>> = {
  2: 'ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  85: 'MP3',
};

const tag = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Whether `bytes` begin as a WAVE file does. */
export function isWav(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && tag(bytes, 0) === 'RIFF' && tag(bytes, 8) === 'WAVE';
}

/**
 * Reads a WAVE file.
 *
 * @param name what to call it in errors
 * @throws LatentGpuError `bad-format` for a damaged file, or another encoding, by its name
 */
export function readWav(bytes: Uint8Array, name = 'WAV file'): Wav {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name} ${why}`);
  if (!isWav(bytes)) throw bad('is no WAV file (RIFF WAVE)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: { encoding: Encoding; channels: number; rate: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [id, start] = [tag(bytes, at), at + 8];
    const [said, rest] = [view.getUint32(at + 4, true), bytes.length - start];
    // What is recorded to a pipe does not know its length.
    const isOpen = id === 'data' && said >= UNKNOWN_LENGTH && said > rest;
    const length = isOpen ? rest : said;
    if (length > rest) {
      throw bad(`is cut off: ${length} bytes of ${quote(id)} are said and ${rest} there`);
    }
    if (id === 'fmt ') format = formatAt(view, start, length, bad);
    if (id === 'data') {
      if (!format) throw bad("has no 'fmt ' before its data");
      const { encoding, channels, rate } = format;
      const frames = Math.floor(length / (BYTES[encoding] * channels));
      if (frames === 0) throw bad('holds no sound');
      const data = decode(view, start, frames * channels, encoding);
      const wrong = data.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) throw bad(`holds ${data[wrong]} in frame ${Math.floor(wrong / channels)}`);
      return { rate, channels, data };
    }
    at = start + length + (length % 2);
  }
  throw bad("has no 'data'");
}

function formatAt(view: DataView, start: number, length: number, bad: (why: string) => Error) {
  if (length < 16) throw bad(`is damaged: 'fmt ' of ${length} bytes`);
  const said = view.getUint16(start, true);
  const kind = said === EXTENSIBLE && length >= 26 ? view.getUint16(start + 24, true) : said;
  const [channels, rate] = [view.getUint16(start + 2, true), view.getUint32(start + 4, true)];
  const bits = view.getUint16(start + 14, true);
  const encoding = kind === FLOAT ? float(bits) : kind === PCM ? pcm(bits) : LAWS[kind];
  if (!encoding) {
    const what = OTHERS[kind] ?? (kind === FLOAT || kind === PCM ? undefined : `encoding ${kind}`);
    const found = what ?? `${bits}-bit ${kind === FLOAT ? 'floats' : 'numbers'}`;
    throw bad(
      `holds ${found}; whole numbers of 8 to 32 bits, floats of 32 or 64, µ-law and A-law are read, so convert it (ffmpeg -i in.wav -c:a pcm_s16le out.wav)`,
    );
  }
  if (channels < 1 || rate < 1) throw bad(`says ${channels} channels at ${rate} Hz`);
  const frame = view.getUint16(start + 12, true);
  if (frame !== channels * BYTES[encoding]) {
    throw bad(
      `says that ${channels} x ${bits} bits take ${frame} bytes, not ${channels * BYTES[encoding]}; convert it (ffmpeg -i in.wav -c:a pcm_s16le out.wav)`,
    );
  }
  return { encoding, channels, rate } as const;
}

const float = (bits: number): Encoding | undefined =>
  bits === 32 ? 'f32' : bits === 64 ? 'f64' : undefined;

/** Numbers of 12 or 20 bits lie in the upper bits of whole bytes. */
const pcm = (bits: number): Encoding | undefined =>
  bits < 8 ? undefined : ([undefined, 'u8', 's16', 's24', 's32'] as const)[Math.ceil(bits / 8)];

function decode(view: DataView, start: number, count: number, encoding: Encoding): Float32Array {
  const size = BYTES[encoding];
  const at = (i: number) => start + i * size;
  const readers: Record<Encoding, (i: number) => number> = {
    u8: (i) => (view.getUint8(at(i)) - 128) / 2 ** 7,
    s16: (i) => view.getInt16(at(i), true) / 2 ** 15,
    s24: (i) => (view.getUint16(at(i), true) + 2 ** 16 * view.getInt8(at(i) + 2)) / 2 ** 23,
    s32: (i) => view.getInt32(at(i), true) / 2 ** 31,
    f32: (i) => view.getFloat32(at(i), true),
    f64: (i) => view.getFloat64(at(i), true),
    'µ-law': (i) => ofMuLaw(view.getUint8(at(i))) / 2 ** 15,
    'A-law': (i) => ofALaw(view.getUint8(at(i))) / 2 ** 15,
  };
  return Float32Array.from({ length: count }, (_, i) => readers[encoding](i));
}

/** Sign, three bits of an exponent, four of a mantissa; all bits turned around. */
function ofMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  const size = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 0x80 ? -size : size;
}

/** The same with every other bit turned around, and linear where the exponent is 0. */
function ofALaw(byte: number): number {
  const code = byte ^ 0x55;
  const [exponent, mantissa] = [(code >> 4) & 7, (code & 15) << 4];
  const size = exponent === 0 ? mantissa + 8 : (mantissa + 264) << (exponent - 1);
  return code & 0x80 ? size : -size;
}

/**
 * Writes a WAVE file. Floats are kept bit for bit; whole numbers hold values from -1 to just below 1, beyond
 * which they are clipped.
 *
 * @throws LatentGpuError `bad-input` for numbers that make no whole frames
 */
export function writeWav({ rate, channels, data }: Wav, encoding: WavEncoding = 'f32'): Uint8Array {
  if (data.length % channels !== 0 || !Number.isInteger(rate)) {
    throw new LatentGpuError(
      'bad-input',
      `${data.length} numbers at ${rate} Hz are no sound of ${channels} channels`,
    );
  }
  const size = BYTES[encoding];
  const length = data.length * size;
  const bytes = new Uint8Array(44 + length + (length % 2));
  const view = new DataView(bytes.buffer);
  const text = (at: number, four: string) => bytes.set(new TextEncoder().encode(four), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, encoding === 'f32' ? FLOAT : PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * channels * size, true);
  view.setUint16(32, channels * size, true);
  view.setUint16(34, 8 * size, true);
  text(36, 'data');
  view.setUint32(40, length, true);
  const whole = (value: number, bits: number) => {
    const most = 2 ** (bits - 1);
    return Math.max(-most, Math.min(most - 1, Math.round(value * most)));
  };
  const writers: Record<WavEncoding, (at: number, value: number) => void> = {
    u8: (at, value) => view.setUint8(at, whole(value, 8) + 128),
    s16: (at, value) => view.setInt16(at, whole(value, 16), true),
    s24: (at, value) => {
      const number = whole(value, 24);
      view.setUint16(at, number & 0xffff, true);
      view.setInt8(at + 2, number >> 16);
    },
    s32: (at, value) => view.setInt32(at, whole(value, 32), true),
    f32: (at, value) => view.setFloat32(at, value, true),
  };
  data.forEach((value, i) => {
    writers[encoding](44 + i * size, value);
  });
  return bytes;
}
