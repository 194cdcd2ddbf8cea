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
