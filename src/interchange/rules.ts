// Rules that tell where tensors of a foreign state_dict go, as people write them.
import { LatentGpuError } from '../errors.ts';
import { quote } from '../formats/message.ts';

/** `from`, and everything below it (`from.weight`), becomes `to`; without `to` it is left out. */
export interface Rule {
  readonly from: string;
  readonly to: string | undefined;
  /** Its weights are [in, out], as Keras has them. */
  readonly transpose: boolean;
  /** Who says so, for messages: `--rename`, a file's name. */
  readonly source: string;
}

/**
 * A rule from `from=to` on a command line.
 *
 * @throws LatentGpuError `bad-config`
 */
export function parseRule(text: string, source: string): Rule {
  const at = text.indexOf('=');
  const from = text.slice(0, at).trim();
  if (at < 1 || from === '') {
    throw new LatentGpuError(
      'bad-config',
      `${source}: ${quote(text)} is not from=to, as in ${source} fc1=encoder.0`,
    );
  }
  return { from, to: text.slice(at + 1).trim() || undefined, transpose: false, source };
}

/**
 * Rules from a JSON object: `{ "fc1": "encoder.0", "fc2": { "to": "decoder.0", "transpose": true },
 * "unused": null }`.
 *
 * @throws LatentGpuError `bad-format`
 */
export function parseMapping(text: string, source: string): Rule[] {
  const wrong = (why: string) => new LatentGpuError('bad-format', `${source}: ${why}`);
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw wrong(`not JSON (${(cause as Error).message})`);
  }
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw wrong('not an object of names, as in { "fc1": "encoder.0" }');
  }
  return Object.entries(root).map(([from, value]) => {
    if (value === null) return { from, to: undefined, transpose: false, source };
    if (typeof value === 'string') return { from, to: value, transpose: false, source };
    const { to, transpose = false, ...others } = value as Record<string, unknown>;
    const isRule = typeof to === 'string' && typeof transpose === 'boolean';
    if (!isRule || Object.keys(others).length > 0) {
      throw wrong(
        `${quote(from)} must map to a name, to null, or to { "to": name, "transpose": true }`,
      );
    }
    return { from, to, transpose, source };
  });
}
