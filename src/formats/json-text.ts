// JSON text of which JavaScript would lose something: digits of long numbers, what other languages write for numbers
// that are none, and the order of keys that are numbers.

/** Strings, which are left as they are, and what stands between them. */
const AWKWARD = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b|-?(?<![\d.])\d{16,}(?![\d.eE])/g;

/**
 * The value of a JSON text. NaN, as Python writes it, is null; infinity, and a whole number that float64 does not
 * hold, are their texts.
 *
 * @returns undefined of what is no JSON
 */
export function parsed(text: string): unknown {
  const isLong = /(?<![\d.])\d{16,}(?![\d.eE])/.test(text);
  try {
    return JSON.parse(isLong ? text.replace(AWKWARD, plain) : text);
  } catch {
    return isLong || !/\b(NaN|Infinity)\b/.test(text) ? undefined : strict(text);
  }
}

function strict(text: string): unknown {
  try {
    return JSON.parse(text.replace(AWKWARD, plain));
  } catch {
    return undefined;
  }
}

function plain(token: string): string {
  if (token.startsWith('"')) return token;
  if (token === 'NaN') return 'null';
  const isHeld = /\d/.test(token) && BigInt(Number(token)) === BigInt(token);
  return isHeld ? token : `"${token}"`;
}

/** Objects have keys that are whole numbers in their order, whatever the file has. */
const isWhole = (key: string) => /^\d+$/.test(key);

/**
 * The keys of an object in the order in which they were written.
 *
 * @param text from its first key on
 * @param keys all of them
 * @param isNested whether their values are objects, too
 */
export function inWrittenOrder(text: string, keys: readonly string[], isNested = false): string[] {
  if (!keys.every(isWhole)) return [...keys];
  const wanted = new Set(keys);
  const found = new Set<string>();
  const form = isNested ? /"(\d+)"\s*:\s*\{/g : /"(\d+)"\s*:/g;
  for (const [, key = ''] of text.matchAll(form)) {
    if (wanted.has(key)) found.add(key);
    if (found.size === wanted.size) break;
  }
  return found.size === wanted.size ? [...found] : [...keys];
}
