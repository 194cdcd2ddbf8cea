// The constants of a kernel: read, given other values, computed with.
import { bad, code, type Declaration, declare } from './declarations.ts';

const CONSTANT = /^const\s+\w+\s*(?::\s*(\w+))?\s*=\s*([^;]+);/;

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

/**
 * The same declarations, with other values for some constants.
 *
 * @throws LatentGpuError `bad-kernel` for a constant that is not declared, or a value that its type
 *   cannot have
 */
export function setConstants(
  name: string,
  declarations: readonly Declaration[],
  constants: Readonly<Partial<Record<string, number | string>>>,
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
