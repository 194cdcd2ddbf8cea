// Where lines end in WGSL, and places in a text by them.

/** Every line break that WGSL knows (3.1): a browser's own view of a text has fewer. */
export const LINE_BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/;

const EVERY_BREAK = new RegExp(LINE_BREAK, 'g');

/** How many lines begin in a piece of text after its first. */
export const breaksIn = (text: string): number => text.match(EVERY_BREAK)?.length ?? 0;

/** The line and the column of a place in a text, both from 1. */
export function placeAt(code: string, at: number): { line: number; column: number } {
  const before = code.slice(0, at).split(LINE_BREAK);
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
}
