import {
  bad,
  code,
  type Declaration,
  declare,
  directive,
  type Item,
  itemsOf,
  parse,
  wordsOf,
} from './declarations.ts';

/**
 * The directives that turn a WGSL file into a family of kernels. They are comments, so that a file
 * stays valid WGSL once its imports are resolved (block comments are not understood):
 *
 * - `// @import lib/name` splices another file once;
 * - `const NAME: u32 = 8u;` at module level may be given another value;
 * - `// @hook name` … `// @end` encloses declarations that may be replaced;
 * - `// @unroll i COUNT` … `// @end`, inside a function, repeats its lines, with the bare token `i`
 *   and every suffix `_i` written as a number.
 *
 * What an entry point does not reach is left out of the result.
 */

/** How a kernel is made special: values of its constants and replacements of its hooks. */
export interface Specialization {
  constants?: Record<string, number | string>;
  hooks?: Record<string, string>;
}

const CONSTANT = /^const\s+\w+\s*(?::\s*(\w+))?\s*=\s*([^;]+);/;

/**
 * The declarations of `text` and its imports, each file once and before what needs it, with
 * replacements in the place of hooks. What only a replaced declaration would have imported is not
 * imported.
 *
 * @param source the text of a file that may be imported, by name
 * @throws LatentGpuError `bad-kernel` for an unknown import or hook
 */
export function resolve(
  name: string,
  text: string,
  source: (name: string) => string | undefined,
  hooks: Record<string, string> = {},
): Declaration[] {
  const out: Declaration[] = [];
  const seen = new Set([name]);
  const known = new Set<string>();
  const walk = (file: string, items: readonly Item[], replacements = hooks): void => {
    for (const item of items) {
      if (item.kind === 'declaration') out.push(item.declaration);
      else if (item.kind === 'hook') {
        known.add(item.name);
        const { [item.name]: replacement, ...others } = replacements;
        if (replacement === undefined) walk(file, item.items, replacements);
        else walk(file, parse(`${file}, hook ${item.name}`, replacement), others);
      } else if (!seen.has(item.name)) {
        seen.add(item.name);
        const imported = source(item.name);
        if (imported === undefined) {
          throw bad(file, `line ${item.line} imports '${item.name}', which does not exist`);
        }
        walk(item.name, itemsOf(item.name, imported), replacements);
      }
    }
  };
  walk(name, itemsOf(name, text));
  for (const hook of Object.keys(hooks)) {
    if (known.has(hook)) continue;
    throw bad(name, `has no hook '${hook}'; it has ${[...known].join(', ') || 'none'}`);
  }
  return out;
}

/** The constants among declarations: initialisers by name. */
export function constantsOf(declarations: readonly Declaration[]): Map<string, string> {
  const constants = new Map<string, string>();
  for (const declaration of declarations) {
    const match = CONSTANT.exec(constantText(declaration));
    if (match) constants.set(declaration.name as string, (match[2] as string).trim());
  }
  return constants;
}

const constantText = ({ kind, text }: Declaration): string => (kind === 'const' ? code(text) : '');

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
  declarations: readonly Declaration[],
  constants: Record<string, number | string>,
): Declaration[] {
  const missing = new Set(Object.keys(constants));
  const result = declarations.map((declaration) => {
    const constant = declaration.name;
    if (constant === undefined || !missing.has(constant)) return declaration;
    const match = CONSTANT.exec(constantText(declaration));
    if (!match) return declaration;
    missing.delete(constant);
    const type = match[1];
    const value = constants[constant] as number | string;
    const written = typeof value === 'string' ? value : literal(name, constant, type, value);
    const text = `const ${constant}${type ? `: ${type}` : ''} = ${written};`;
    return declare(declaration.file, declaration.line, text);
  });
  if (missing.size > 0) {
    const known = [...constantsOf(declarations).keys()].join(', ');
    throw bad(name, `has no constant '${[...missing].join("', '")}'; it has ${known || 'none'}`);
  }
  return result;
}

/**
 * Evaluates an unsigned integer expression of literals, constants, `+ - * / %`, `min`, `max` and
 * parentheses.
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
    if (token === 'min' || token === 'max') {
      if (tokens[at++] !== '(') throw fail();
      const values = [sum()];
      while (tokens[at] === ',') {
        at++;
        values.push(sum());
      }
      if (tokens[at++] !== ')') throw fail();
      return Math[token](...values);
    }
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

/** Index of the `@end` that closes the directive at `open`. */
function closing(name: string, lines: readonly string[], open: number): number {
  let depth = 0;
  for (let i = open; i < lines.length; i++) {
    const found = directive(lines[i] as string)?.word;
    if (found === 'unroll') depth++;
    else if (found === 'end' && --depth === 0) return i;
  }
  throw bad(name, `'${(lines[open] as string).trim()}' has no matching '// @end'`);
}

/** Repeats what `@unroll` encloses; the names of its variables are added to `variables`. */
function unroll(
  name: string,
  lines: readonly string[],
  constants: Map<string, string>,
  variables: Set<string>,
): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const found = directive(line);
    if (found?.word === 'end') throw bad(name, "'// @end' closes nothing");
    if (found?.word !== 'unroll') {
      out.push(line);
      continue;
    }
    const [variable, ...expression] = found.rest.split(/\s+/);
    if (!variable || !/^[A-Za-z]\w*$/.test(variable) || expression.length === 0) {
      throw bad(name, `'${line.trim()}' should read '// @unroll <variable> <count>'`);
    }
    variables.add(variable);
    const count = evaluate(name, expression.join(' '), constants);
    const end = closing(name, lines, i);
    const body = lines.slice(i + 1, end);
    const suffix = new RegExp(`(?<=\\w)_${variable}(?![A-Za-z0-9])`, 'g');
    const token = new RegExp(`(?<![\\w.])${variable}(?!\\w)`, 'g');
    for (let value = 0; value < count; value++) {
      const copy = body.map((text) =>
        text.replace(suffix, `_${value}`).replace(token, `${value}u`),
      );
      out.push(...unroll(name, copy, constants, variables));
    }
    i = end;
  }
  return out;
}

/**
 * The texts of the declarations that an entry point needs, unrolled; extensions come first, the
 * rest in order. Without an entry point the text is a library, and all of it stays. Names are
 * looked up word by word: a local variable may keep a declaration of its name alive, but nothing
 * that is needed is ever lost.
 */
function reachable(name: string, declarations: readonly Declaration[]): string[] {
  const constants = constantsOf(declarations);
  const byName = new Map<string, Declaration>();
  for (const declaration of declarations) {
    if (declaration.name === undefined) continue;
    const other = byName.get(declaration.name);
    if (other) {
      throw bad(
        name,
        `'${declaration.name}' is declared twice: in ${other.file} and in ${declaration.file}`,
      );
    }
    byName.set(declaration.name, declaration);
  }
  const isLibrary = !declarations.some(({ kind }) => kind === 'entry');
  const kept = new Map<Declaration, string>();
  const variables = new Set<string>();
  const visit = (declaration: Declaration): void => {
    if (kept.has(declaration)) return;
    const { file, text } = declaration;
    const unrolled = text.includes('@unroll')
      ? unroll(file, text.split('\n'), constants, variables).join('\n')
      : text;
    kept.set(declaration, unrolled);
    for (const word of unrolled === text ? declaration.words : wordsOf(code(unrolled))) {
      const used = byName.get(word);
      if (used) visit(used);
    }
  };
  for (const declaration of declarations) {
    const { kind, name: own } = declaration;
    if (isLibrary || kind === 'entry' || own === undefined) visit(declaration);
  }
  // A constant that stands for a counter in the text not yet unrolled has done its duty.
  const isCounter = ({ kind, name: own }: Declaration) =>
    kind === 'const' && variables.has(own as string);
  const printed = (isHeader: boolean) =>
    declarations
      .filter((d) => kept.has(d) && !isCounter(d) && (d.kind === 'header') === isHeader)
      .map((d) => kept.get(d) as string);
  return [...printed(true), ...printed(false)];
}

/**
 * The whole transformation: imports, hooks (and their imports), constants, unrolling, and the
 * removal of what no entry point reaches.
 *
 * @param name for messages
 * @param text the WGSL with its directives
 * @param source the text of a file that may be imported, by name
 * @returns WGSL without directives
 * @throws LatentGpuError `bad-kernel` for an unknown constant, hook or import, for a name declared
 *   twice and for directives that do not nest
 */
export function expand(
  name: string,
  text: string,
  source: (name: string) => string | undefined,
  { constants = {}, hooks = {} }: Specialization = {},
): string {
  const declarations = setConstants(name, resolve(name, text, source, hooks), constants);
  // An empty line around whatever has several.
  const spaced = reachable(name, declarations).map((d) => (d.includes('\n') ? `\n${d}\n` : d));
  return `${spaced
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}
