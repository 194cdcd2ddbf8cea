// Loops written out: what `// @unroll` encloses, once for each value of its counter.
import { evaluate } from './constants.ts';
import { bad, directive } from './declarations.ts';

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
export function unroll(
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
