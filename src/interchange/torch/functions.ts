// The functions of functions.py, of which a program holds those that it needs.
import FUNCTIONS from './python/functions.py?raw';

const BY_NAME: ReadonlyMap<string, string> = new Map(
  FUNCTIONS.split(/\n\n\n(?=def )/)
    .slice(1)
    .map((part) => [/^def (\w+)/.exec(part)?.[1] as string, part.trimEnd()]),
);

/** Names that no value of a graph may take. */
export const FUNCTION_NAMES: readonly string[] = [...BY_NAME.keys()];

/** The functions that are called, and those that they call, in the order of functions.py. */
export function functionsFor(called: Iterable<string>): string {
  const wanted = new Set<string>();
  const visit = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    const body = BY_NAME.get(name) ?? '';
    for (const other of FUNCTION_NAMES) {
      if (new RegExp(`\\b${other}\\(`).test(body)) visit(other);
    }
  };
  for (const name of called) visit(name);
  return FUNCTION_NAMES.filter((name) => wanted.has(name))
    .map((name) => BY_NAME.get(name))
    .join('\n\n\n');
}
