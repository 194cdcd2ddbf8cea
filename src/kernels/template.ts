// WGSL files as templates: imports, constants, hooks, unrolled lines, and only what is reached.
import { constantsOf, setConstants } from './constants.ts';
import { bad, code, type Declaration, type Item, itemsOf, parse, wordsOf } from './declarations.ts';
import { unroll } from './unroll.ts';

/**
 * The directives that turn a WGSL file into a family of kernels. They are comments, so that a file
 * stays valid WGSL once its imports are resolved (block comments are not understood):
 *
 * - `// @import lib/name` splices another file once; `// @import lib/name as a` once for each such
 *   name, with `a_` and `A_` where the file writes `x_` and `X_`;
 * - `const NAME: u32 = 8u;` at module level may be given another value;
 * - `// @hook name` … `// @end` encloses declarations that may be replaced;
 * - `// @unroll i COUNT` … `// @end`, inside a function, repeats its lines, with the bare token `i`
 *   and every suffix `_i` written as a number.
 *
 * What an entry point does not reach is left out of the result.
 */

/** How a kernel is made special: values of its constants and replacements of its hooks. */
export interface Specialization {
  readonly constants?: Readonly<Partial<Record<string, number | string>>>;
  readonly hooks?: Readonly<Partial<Record<string, string>>>;
}

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
  hooks: Readonly<Partial<Record<string, string>>> = {},
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
        const [library, as] = item.name.split(' as ') as [string, string?];
        const imported = source(library);
        if (imported === undefined) {
          throw bad(file, `line ${item.line} imports '${library}', which does not exist`);
        }
        const text = as === undefined ? imported : importedAs(imported, as);
        walk(library, itemsOf(library, text), replacements);
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

/** The text of a file that is imported under a name. */
export const importedAs = (text: string, as: string): string =>
  text.replace(/\bx_/g, `${as}_`).replace(/\bX_/g, `${as.toUpperCase()}_`);

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
