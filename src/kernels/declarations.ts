// WGSL taken apart: the module-level declarations of a file, and the directives between them.
import { LatentGpuError } from '../errors.ts';

/** A module-level declaration (or `enable` and its kind), with the comments before it. */
export interface Declaration {
  readonly text: string;
  /** Undefined for what declares no name: `enable`, `requires`, `diagnostic`, `const_assert`. */
  readonly name: string | undefined;
  readonly file: string;
  /** Line of the file at which `text` starts, from 1. */
  readonly line: number;
  /** `const` for a constant, `entry` for an entry point, `header` for what must come first. */
  readonly kind: 'const' | 'entry' | 'header' | 'other';
  /** The identifiers in it. */
  readonly words: ReadonlySet<string>;
}

export type Item =
  | { readonly kind: 'declaration'; readonly declaration: Declaration }
  | { readonly kind: 'import'; readonly name: string; readonly line: number }
  | { readonly kind: 'hook'; readonly name: string; readonly items: readonly Item[] };

const DIRECTIVE = /^\s*\/\/\s*@(import|hook|unroll|end)\b\s*(.*?)\s*$/;
const NAMED = /\b(?:fn|struct|alias|const|override|var(?:\s*<[^>]*>)?)\s+(\w+)/;
const COMMENT = /\/\/.*/g;
const HEADER = /^(?:enable|requires|diagnostic)\b/;
const ENTRY = /@(?:compute|vertex|fragment)\b/;

interface Directive {
  /** `import`, `hook`, `unroll` or `end`. */
  readonly word: string;
  readonly rest: string;
}

/** The directive in a line, if it is one. */
export function directive(line: string): Directive | undefined {
  const match = DIRECTIVE.exec(line);
  return match ? { word: match[1] as string, rest: match[2] as string } : undefined;
}

/** An error about a shader. */
export function bad(name: string, message: string): LatentGpuError {
  return new LatentGpuError('bad-kernel', `shader '${name}': ${message}`);
}

/** A text without its comments. */
export const code = (text: string): string => text.replace(COMMENT, '').trim();

/** The identifiers of a text without comments; the names of members do not count. */
export const wordsOf = (bare: string): Set<string> =>
  new Set(bare.match(/(?<![\w.])[A-Za-z_]\w*/g));

function kindOf(bare: string): Declaration['kind'] {
  if (HEADER.test(bare)) return 'header';
  if (bare.startsWith('const ')) return 'const';
  return ENTRY.test(bare) ? 'entry' : 'other';
}

/** @param bare the text without comments */
export function declare(file: string, line: number, text: string, bare = code(text)): Declaration {
  const name = NAMED.exec(bare)?.[1];
  let words: ReadonlySet<string> | undefined;
  return {
    text,
    name,
    file,
    line,
    kind: kindOf(bare),
    // Most are never asked.
    get words() {
      words ??= wordsOf(bare);
      return words;
    },
  };
}

/**
 * Takes a text apart into declarations, imports and hooks.
 *
 * @throws LatentGpuError `bad-kernel` for directives that do not nest, or stand where they cannot
 */
export function parse(file: string, text: string): Item[] {
  const root: Item[] = [];
  const hooks: { name: string; line: number; outer: Item[] }[] = [];
  let items = root;
  let pending: string[] = [];
  let depth = 0;
  let start = 1;
  const take = (piece: string, number: number) => {
    if (pending.length === 0) {
      if (piece.trim() === '') return;
      start = number;
    }
    pending.push(piece);
  };
  const finish = () => {
    const whole = pending.join('\n').trimEnd();
    pending = [];
    const bare = code(whole);
    if (bare === '' || bare === ';') return;
    items.push({ kind: 'declaration', declaration: declare(file, start, whole, bare) });
  };
  for (const [index, line] of text.split('\n').entries()) {
    const number = index + 1;
    const found = directive(line);
    if (found && depth === 0) {
      finish();
      if (found.word === 'import') items.push({ kind: 'import', name: found.rest, line: number });
      else if (found.word === 'hook') {
        hooks.push({ name: found.rest, line: number, outer: items });
        items = [];
      } else if (found.word === 'end') {
        const hook = hooks.pop();
        if (!hook) throw bad(file, `line ${number}: '// @end' closes nothing`);
        hook.outer.push({ kind: 'hook', name: hook.name, items });
        items = hook.outer;
      } else throw bad(file, `line ${number}: '// @unroll' stands outside a function`);
      continue;
    }
    if (found && found.word !== 'unroll' && found.word !== 'end') {
      throw bad(file, `line ${number}: '// @${found.word}' stands inside a declaration`);
    }
    let from = 0;
    for (const { 0: mark, index: at } of line.matchAll(/\/\/.*|[{};]/g)) {
      if (mark === '{') depth++;
      else if (mark === '}') depth--;
      if (depth > 0 || mark === '{' || mark.startsWith('//')) continue;
      take(line.slice(from, at + 1), number);
      from = at + 1;
      finish();
    }
    const rest = line.slice(from);
    // A comment behind a declaration is about it, and not about the next.
    if (from === 0 || code(rest) !== '') take(rest, number);
  }
  finish();
  const open = hooks.pop();
  if (open) throw bad(file, `line ${open.line}: '// @hook ${open.name}' has no '// @end'`);
  if (depth !== 0) throw bad(file, 'braces do not match');
  return root;
}

const parsed = new Map<string, readonly Item[]>();

/** The items of a file; its text is taken apart once. */
export function itemsOf(file: string, text: string): readonly Item[] {
  let items = parsed.get(text);
  if (!items) {
    items = parse(file, text);
    parsed.set(text, items);
  }
  return items;
}

/** Finished kernels are as many as there are plans: only the latest are kept, while one is made. */
const FINISHED = 64;
const finished = new Map<string, readonly Declaration[]>();

/** The declarations of a finished kernel. */
export function declarationsOf(name: string, text: string): readonly Declaration[] {
  const known = finished.get(text);
  if (known) return known;
  const declarations = parse(name, text).flatMap((item) =>
    item.kind === 'declaration' ? [item.declaration] : [],
  );
  if (finished.size >= FINISHED) finished.delete(finished.keys().next().value as string);
  finished.set(text, declarations);
  return declarations;
}

/** Names of the hooks in `text`, in order. */
export function hookNames(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const found = directive(line);
    return found?.word === 'hook' ? [found.rest] : [];
  });
}

/** Removes comments other than directives, and blank lines. */
export function compact(text: string): string {
  const out: string[] = [];
  for (const line of text.split('\n')) {
    const kept = directive(line) ? line : line.replace(COMMENT, '');
    if (kept.trim() !== '') out.push(kept.trimEnd());
  }
  return out.join('\n');
}
