// Which module-level variables a function uses, itself or in functions that it calls.
import type { FunctionDeclaration } from './module.ts';

interface Scope {
  readonly names: Set<string>;
  /** Opened by a `for` before its braces: closes with them. */
  readonly loop: boolean;
}

/** The names in a function's body that mean what they mean outside of it. */
function outerNames({ parameters, body }: FunctionDeclaration): Set<string> {
  const found = new Set<string>();
  const scopes: Scope[] = [{ names: new Set(parameters), loop: false }];
  const push = (loop: boolean) => scopes.push({ names: new Set(), loop });
  // A name means what it declares from the end of the statement on: `let x = x;` reads another.
  let declared: string[] = [];
  for (const [i, { kind, text }] of body.entries()) {
    const before = body[i - 1];
    if (text === '{') push(false);
    else if (text === '}') {
      do scopes.pop();
      while (scopes.at(-1)?.loop);
    } else if (text === ';') {
      for (const name of declared) scopes.at(-1)?.names.add(name);
      declared = [];
    } else if (kind === 'word' && text === 'for') push(true);
    else if (kind !== 'word' || before?.text === '.' || before?.text === '@') continue;
    else if (isDeclared(body, i)) declared.push(text);
    else if (!scopes.some(({ names }) => names.has(text))) found.add(text);
  }
  return found;
}

/** Whether the word at `i` is a name that `let`, `const` or `var` declares. */
function isDeclared(body: FunctionDeclaration['body'], i: number): boolean {
  let at = i - 1;
  if (body[at]?.kind === 'close') {
    while (at >= 0 && body[at]?.kind !== 'open') at--;
    at--;
    return body[at]?.text === 'var';
  }
  return ['let', 'const', 'var'].includes(body[at]?.text ?? '');
}

/** The names outside of functions that each function uses, directly or not. */
export function usesOf(functions: readonly FunctionDeclaration[]): (name: string) => Set<string> {
  const direct = new Map(functions.map((each) => [each.name, outerNames(each)]));
  return (name) => {
    const all = new Set<string>();
    const open = [name];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const used of direct.get(next) ?? []) {
        if (all.has(used)) continue;
        all.add(used);
        if (direct.has(used)) open.push(used);
      }
    }
    return all;
  };
}
