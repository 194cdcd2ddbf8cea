// JSON as people and programs write and read it.
import { LatentGpuError } from '../errors.ts';

/**
 * Parses a JSON file.
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format`, on one line whatever is in the file
 */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Engines quote the text, line breaks and all.
    const why = (cause as Error).message.replace(/\s+/g, ' ');
    throw new LatentGpuError('bad-format', `${name}: not JSON (${why})`);
  }
}

/**
 * JSON for files that people read: indented, with lists of numbers on one line.
 *
 * @example formatJson({ hidden: [300, 20] }) // "{\n  \"hidden\": [300, 20]\n}\n"
 */
export function formatJson(content: unknown): string {
  const text = JSON.stringify(content, null, 2);
  return `${text.replace(/\[[\d\s.,e+-]*\]/g, (list) => list.replace(/\s+/g, ' ').replace(/\[ | \]/g, (b) => b.trim()))}\n`;
}

/** Whether a value is an object with keys, as `{}` in JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
