import { LatentGpuError } from '../errors.ts';

/**
 * The directives that turn a WGSL file into a family of kernels. They are comments, so that a file
 * stays valid WGSL once its imports are resolved:
 *
 * - `// @import lib/name` splices another file once;
 * - `const NAME: u32 = 8u;` at module level may be given another value;
 * - `// @hook name` … `// @end` encloses text that may be replaced;
 * - `// @unroll i COUNT` … `// @end` repeats its lines, with the bare token `i` and every suffix
 *   `_i` written as a number.
 */

/** How a kernel is made special: values of its constants and replacements of its hooks. */
export interface Specialization {
  constants?: Record<string, number | string>;
  hooks?: Record<string, string>;
}

/** Where a line of a resolved text came from. */
export interface SourceLine {
  text: string;
  file: string;
  line: number;
}

const DIRECTIVE = /^\s*\/\/\s*@(import|hook|unroll|end)\b\s*(.*?)\s*$/;
const CONSTANT = /^(\s*const\s+(\w+)\s*(?::\s*(\w+))?\s*=\s*)([^;]+);/;

interface Directive {
  word: string;
  rest: string;
}

function directive(line: string): Directive | undefined {
  const match = DIRECTIVE.exec(line);
  return match ? { word: match[1] as string, rest: match[2] as string } : undefined;
}

function bad(name: string, message: string): LatentGpuError {
  return new LatentGpuError('bad-kernel', `shader '${name}': ${message}`);
}

/** Index of the `@end` that closes the directive at `open`. */
function closing(name: string, lines: readonly string[], open: number): number {
  let depth = 0;
  for (let i = open; i < lines.length; i++) {
    const found = directive(lines[i] as string)?.word;
    if (found === 'hook' || found === 'unroll') depth++;
    else if (found === 'end' && --depth === 0) return i;
  }
  throw bad(name, `'${(lines[open] as string).trim()}' has no matching '// @end'`);
}

/**
 * Splices the imports of `text`, each file once and before what needs it, and puts replacements in
 * the place of hooks. What a replaced hook would have imported is not imported.
 *
 * @throws LatentGpuError `bad-kernel` if a file is missing
 */
export function resolveImports(
  name: string,
  text: string,
  source: (name: string) => string | undefined,
  hooks: Record<string, string> = {},
  seen: Set<string> = new Set([name]),
): SourceLine[] {
  const out: SourceLine[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const found = directive(line);
    if (found?.word === 'hook' && Object.hasOwn(hooks, found.rest)) {
      const { [found.rest]: replacement = '', ...others } = hooks;
      for (const spliced of resolveImports(name, replacement, source, others, seen)) {
        out.push(spliced);
      }
      i = closing(name, lines, i);
    } else if (found?.word === 'import') {
      if (seen.has(found.rest)) continue;
      seen.add(found.rest);
      const imported = source(found.rest);
      if (imported === undefined) {
        throw bad(name, `line ${i + 1} imports '${found.rest}', which does not exist`);
      }
      for (const spliced of resolveImports(found.rest, imported, source, hooks, seen)) {
        out.push(spliced);
      }
    } else {
      out.push({ text: line, file: name, line: i + 1 });
    }
  }
  return out;
}

/** Names of the hooks in `text`, in order. */
export function hookNames(text: string): string[] {
  return text
    .split('\n')
    .map(directive)
    .filter((found) => found?.word === 'hook')
    .map((found) => (found as Directive).rest);
}

/** The module-level constants of `text`: initialisers by name. */
export function constantsOf(text: string): Map<string, string> {
  const constants = new Map<string, string>();
  for (const line of moduleLines(text)) {
    const match = CONSTANT.exec(line.text);
    if (match) constants.set(match[2] as string, (match[4] as string).trim());
  }
  return constants;
}

/** The lines of `text` that start outside every brace. */
function moduleLines(text: string): { text: string; index: number }[] {
  const out: { text: string; index: number }[] = [];
  let depth = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (depth === 0) out.push({ text: line, index });
    const code = line.replace(/\/\/.*/, '');
    for (const character of code) {
      if (character === '{') depth++;
      else if (character === '}') depth--;
    }
  }
  return out;
}

function literal(name: string, constant: string, type: string | undefined, value: number): string {
  if (!Number.isFinite(value)) {
    throw bad(name, `constant '${constant}' must be finite, not ${value}`);
  }
  if (type === 'f32') {
    const digits = String(value);
    return `${/[.e]/.test(digits) ? digits : `${digits}.0`}f`;
  }
  if (type === 'bool') return value === 0 ? 'false' : 'true';
  if (type === 'u32' || type === 'i32') {
    if (!Number.isInteger(value) || (type === 'u32' && value < 0)) {
      throw bad(name, `constant '${constant}' is ${type} and cannot be ${value}`);
    }
    return `${value}${type === 'u32' ? 'u' : 'i'}`;
  }
  return String(value);
}

function setConstants(
  name: string,
  text: string,
  constants: Record<string, number | string>,
): string {
  const missing = new Set(Object.keys(constants));
  if (missing.size === 0) return text;
  const lines = text.split('\n');
  for (const line of moduleLines(text)) {
    const match = CONSTANT.exec(line.text);
    const constant = match?.[2];
    if (!match || constant === undefined || !Object.hasOwn(constants, constant)) continue;
    const value = constants[constant] as number | string;
    const written = typeof value === 'string' ? value : literal(name, constant, match[3], value);
    lines[line.index] = `${match[1]}${written};${line.text.slice(match[0].length)}`;
    missing.delete(constant);
  }
  if (missing.size > 0) {
    const known = [...constantsOf(text).keys()].join(', ');
    throw bad(name, `has no constant '${[...missing].join("', '")}'; it has ${known || 'none'}`);
  }
  return lines.join('\n');
}

/**
 * Evaluates an unsigned integer expression of literals, constants, `+ - * / %` and parentheses.
 *
 * @throws LatentGpuError `bad-kernel` if it is anything else
 */
export function evaluate(name: string, expression: string, constants: Map<string, string>): number {
  const tokens = expression.match(/\w+|\S/g) ?? [];
  let at = 0;
  const fail = () => bad(name, `cannot evaluate '${expression}' as an unsigned integer`);
  const atom = (): number => {
    const token = tokens[at++];
    if (token === '(') {
      const value = sum();
      if (tokens[at++] !== ')') throw fail();
      return value;
    }
    if (token === undefined) throw fail();
    if (/^\d+[ui]?$/.test(token)) return Number.parseInt(token, 10);
    const initialiser = constants.get(token);
    if (initialiser === undefined) throw fail();
    return evaluate(name, initialiser, constants);
  };
  const product = (): number => {
    let value = atom();
    for (;;) {
      const operator = tokens[at];
      if (operator !== '*' && operator !== '/' && operator !== '%') return value;
      at++;
      const right = atom();
      if (operator === '*') value *= right;
      else if (operator === '/') value = Math.trunc(value / right);
      else value %= right;
    }
  };
  const sum = (): number => {
    let value = product();
    for (;;) {
      const operator = tokens[at];
      if (operator !== '+' && operator !== '-') return value;
      at++;
      value += (operator === '+' ? 1 : -1) * product();
    }
  };
  const value = sum();
  if (at < tokens.length || !Number.isInteger(value) || value < 0) throw fail();
  return value;
}

function unroll(name: string, lines: readonly string[], constants: Map<string, string>): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const found = directive(line);
    if (found?.word === 'end') throw bad(name, "'// @end' closes nothing");
    if (found?.word === 'hook') {
      const end = closing(name, lines, i);
      out.push(...unroll(name, lines.slice(i + 1, end), constants));
      i = end;
    } else if (found?.word === 'unroll') {
      const [variable, ...expression] = found.rest.split(/\s+/);
      if (!variable || !/^[A-Za-z]\w*$/.test(variable) || expression.length === 0) {
        throw bad(name, `'${line.trim()}' should read '// @unroll <variable> <count>'`);
      }
      const count = evaluate(name, expression.join(' '), constants);
      const end = closing(name, lines, i);
      const body = lines.slice(i + 1, end);
      const suffix = new RegExp(`(?<=\\w)_${variable}(?![A-Za-z0-9])`, 'g');
      const token = new RegExp(`(?<![\\w.])${variable}(?!\\w)`, 'g');
      for (let value = 0; value < count; value++) {
        const copy = body.map((text) =>
          text.replace(suffix, `_${value}`).replace(token, `${value}u`),
        );
        out.push(...unroll(name, copy, constants));
      }
      i = end;
    } else {
      out.push(line);
    }
  }
  return out;
}

/** Removes comments other than directives, indentation and blank lines. */
export function compact(text: string): string {
  const out: string[] = [];
  for (const line of text.replace(/\/\*[\s\S]*?\*\//g, '').split('\n')) {
    const kept = directive(line)
      ? line.trim().replace(/\s+/g, ' ')
      : line.replace(/\/\/.*/, '').trim();
    if (kept !== '') out.push(kept);
  }
  return out.join('\n');
}

/**
 * The whole transformation: imports, hooks (and their imports), constants, unrolling.
 *
 * @param name for messages
 * @param text the WGSL with its directives
 * @param source the text of a file that may be imported, by name
 * @returns WGSL without directives
 * @throws LatentGpuError `bad-kernel` for an unknown constant, hook or import and for an `@end`
 *   that matches nothing
 */
export function expand(
  name: string,
  text: string,
  source: (name: string) => string | undefined,
  { constants = {}, hooks = {} }: Specialization = {},
): string {
  const known = new Set<string>();
  const lookup = (imported: string) => {
    const found = source(imported);
    for (const hook of found === undefined ? [] : hookNames(found)) known.add(hook);
    return found;
  };
  for (const hook of hookNames(text)) known.add(hook);
  const lines = resolveImports(name, text, lookup, hooks);
  for (const hook of Object.keys(hooks)) {
    if (known.has(hook)) continue;
    throw bad(name, `has no hook '${hook}'; it has ${[...known].join(', ') || 'none'}`);
  }
  const whole = lines.map((line) => line.text).join('\n');
  const set = setConstants(name, whole, constants);
  return unroll(name, set.split('\n'), constantsOf(set)).join('\n');
}
