// Shaders in files, as a page would get them.
import { readFileSync } from 'node:fs';
import { LatentGpuError } from '../errors.ts';
import { placeAt } from './wgsl/lines.ts';

/**
 * A shader's text from its bytes, without a byte order mark, which `fetch(…).text()` takes off as well.
 *
 * @param name what messages call it
 * @throws LatentGpuError `bad-input` for what is no UTF-8, as WGSL must be
 */
export function shaderText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const text = new TextDecoder().decode(bytes);
    const { line } = placeAt(text, text.indexOf('\ufffd'));
    const isUtf16 = ['255,254', '254,255'].includes(bytes.subarray(0, 2).join());
    const what = isUtf16 ? 'is UTF-16' : `is no UTF-8 in line ${line}`;
    throw new LatentGpuError('bad-input', `${name} ${what}; save it as UTF-8.`, { cause });
  }
}

/** @throws LatentGpuError `bad-input` for a file that cannot be read, or is no text */
export function readShaderFile(file: string | URL, name: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read: ${message}`;
    throw new LatentGpuError('bad-input', `${name} ${why}.`, { cause });
  }
  return shaderText(bytes, name);
}
