// WGSL's text as tokens, with those `<` and `>` told apart that enclose a template's arguments.
import { breaksIn, LINE_BREAK } from './lines.ts';

export interface Token {
  /** `open` and `close` are the `<` and `>` of a template's arguments; all other signs are one character. */
  readonly kind: 'word' | 'number' | 'sign' | 'open' | 'close';
  readonly text: string;
  /** Where it starts, and its line, from 1. */
  readonly at: number;
  readonly line: number;
}

/** A place in a shader that cannot be read. */
export class Unreadable extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const BLANK = /[\p{Pattern_White_Space}]+/uy;
const WORD = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const NUMBER =
  /0[xX](?:[\da-fA-F]*\.[\da-fA-F]+|[\da-fA-F]+\.?)(?:[pP][+-]?\d+)?[iufh]?|(?:\d*\.\d+|\d+\.?)(?:[eE][+-]?\d+)?[iufh]?/y;

/** Where a comment that starts at `at` ends; `at` if none does. Block comments nest. */
function afterComment(code: string, at: number, line: number): number {
  if (code.startsWith('//', at)) {
    const end = code.slice(at).search(LINE_BREAK);
    return end < 0 ? code.length : at + end;
  }
  if (!code.startsWith('/*', at)) return at;
  let depth = 0;
  for (let i = at; i < code.length; i++) {
    const two = code.slice(i, i + 2);
    if (two === '/*') depth++;
    else if (two === '*/') depth--;
    else continue;
    i++;
    if (depth === 0) return i + 1;
  }
  throw new Unreadable('a comment does not end', line);
}

function matchAt(pattern: RegExp, code: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(code)?.[0];
}

type Plain = { -readonly [K in keyof Token]: Token[K] };

function scan(code: string): Plain[] {
  const tokens: Plain[] = [];
  let line = 1;
  for (let at = 0; at < code.length; ) {
    const skipped = matchAt(BLANK, code, at)?.length ?? afterComment(code, at, line) - at;
    if (skipped > 0) {
      line += breaksIn(code.slice(at, at + skipped));
      at += skipped;
      continue;
    }
    const word = matchAt(WORD, code, at);
    const number = word === undefined ? matchAt(NUMBER, code, at) : undefined;
    const text = word ?? number ?? (code[at] as string);
    tokens.push({ kind: word ? 'word' : number ? 'number' : 'sign', text, at, line });
    at += text.length;
  }
  return tokens;
}

/** Marks the brackets of templates, by the algorithm of the WGSL specification (3.9). */
function markTemplates(tokens: Plain[]): void {
  let pending: { open: Plain; depth: number }[] = [];
  let depth = 0;
  const text = (i: number) => tokens[i]?.text;
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text: sign } = tokens[i] as Plain;
    if (kind === 'word' && text(i + 1) === '<') {
      i++;
      // `<<` and `<=` are operators.
      if (text(i + 1) === '<' || text(i + 1) === '=') i++;
      else pending.push({ open: tokens[i] as Plain, depth });
    } else if (kind !== 'sign') {
    } else if (sign === '>') {
      const last = pending.at(-1);
      if (last && last.depth === depth) {
        last.open.kind = 'open';
        (tokens[i] as Plain).kind = 'close';
        pending.pop();
      } else if (text(i + 1) === '=') i++;
    } else if (sign === '(' || sign === '[') {
      depth++;
    } else if (sign === ')' || sign === ']') {
      pending = pending.filter((each) => each.depth < depth);
      depth = Math.max(0, depth - 1);
    } else if ((sign === '!' || sign === '=') && text(i + 1) === '=') {
      i++;
    } else if ('=;{:'.includes(sign)) {
      pending = [];
      depth = 0;
    } else if ((sign === '&' || sign === '|') && text(i + 1) === sign) {
      pending = pending.filter((each) => each.depth < depth);
      i++;
    }
  }
}

/** @throws Unreadable for a comment without end */
export function tokenize(code: string): Token[] {
  const tokens = scan(code);
  markTemplates(tokens);
  return tokens;
}
