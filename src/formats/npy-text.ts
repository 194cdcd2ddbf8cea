// Arrays of texts in NumPy's format, which are names of classes.
import { LatentGpuError } from '../errors.ts';
import { npyHeader } from './npy.ts';

const TEXT = /^([<>|=]?)([US])(\d+)$/;

/** Whether elements are texts: of four bytes a character, or of one. */
export const isNpyText = (descr: string): boolean => TEXT.test(descr);

/** @throws LatentGpuError `bad-format` if it is no array of texts, or is cut short */
export function readNpyText(bytes: Uint8Array, name: string): string[] {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const header = npyHeader(bytes, name);
  const [, order, kind, width] = TEXT.exec(header?.descr ?? '') ?? [];
  if (!header || kind === undefined) throw bad('holds no texts');
  const [each, isWide] = [Number(width), kind === 'U'];
  const size = isWide ? 4 * each : each;
  const count = header.shape.reduce((product, length) => product * length, 1);
  const stored = bytes.subarray(header.start);
  if (count * size !== stored.length) throw bad('cut short or too long');
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
  const decoder = new TextDecoder();
  return Array.from({ length: count }, (_, i) => {
    if (!isWide) {
      return decoder.decode(stored.subarray(i * size, (i + 1) * size)).replace(/\0+$/, '');
    }
    let text = '';
    for (let k = 0; k < each; k++) {
      const code = view.getUint32(i * size + 4 * k, order !== '>');
      if (code > 0x10ffff) throw bad('holds what is no text');
      if (code > 0) text += String.fromCodePoint(code);
    }
    return text;
  });
}
