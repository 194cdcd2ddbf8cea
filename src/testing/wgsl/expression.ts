// WGSL's expressions, which types are as well: `vec4<f32>`, `array<Particle, 2 * N>`.
import { type Token, Unreadable } from './tokens.ts';

export type Expression =
  | { readonly kind: 'number'; readonly text: string }
  | {
      readonly kind: 'name';
      readonly name: string;
      /** Between `<` and `>`. */
      readonly template?: readonly Expression[];
      /** Of a call. */
      readonly args?: readonly Expression[];
    }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string };

/** Tokens, read from the first to the last. */
export class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** The next token, or that many further on. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  is(text: string): boolean {
    const next = this.peek();
    return next?.text === text && next.kind !== 'number';
  }

  /** Where messages point to. */
  get line(): number {
    return (this.peek() ?? this.#tokens.at(-1))?.line ?? 1;
  }

  next(): Token {
    const token = this.peek();
    if (!token) throw new Unreadable('the text ends too early', this.line);
    this.#at++;
    return token;
  }

  /** Takes a token if it is this one. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at++;
    return true;
  }

  expect(text: string): Token {
    if (!this.is(text)) {
      throw new Unreadable(`expected '${text}', found '${this.peek()?.text ?? ''}'`, this.line);
    }
    return this.next();
  }

  word(): Token {
    const token = this.next();
    if (token.kind !== 'word') throw new Unreadable(`'${token.text}' is no name`, token.line);
    return token;
  }
}

const LEVELS = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const PAIRS = new Set(['||', '&&', '==', '!=', '<=', '>=', '<<', '>>']);

/** The operator that comes next, of one or of two characters. */
function operatorAt(reader: Reader): string | undefined {
  const first = reader.peek();
  if (first?.kind !== 'sign') return undefined;
  const second = reader.peek(1);
  const pair = first.text + (second?.at === first.at + 1 ? second.text : '');
  return PAIRS.has(pair) ? pair : first.text;
}

function binary(reader: Reader, level: number): Expression {
  const operators = LEVELS[level];
  if (!operators) return unary(reader);
  let left = binary(reader, level + 1);
  for (;;) {
    const operator = operatorAt(reader);
    if (operator === undefined || !operators.includes(operator)) return left;
    for (const _ of operator) reader.next();
    left = { kind: 'binary', operator, left, right: binary(reader, level + 1) };
  }
}

function unary(reader: Reader): Expression {
  for (const operator of ['-', '!', '~', '&', '*']) {
    if (reader.take(operator)) return { kind: 'unary', operator, of: unary(reader) };
  }
  let found = primary(reader);
  for (;;) {
    if (reader.take('[')) {
      found = { kind: 'index', of: found, index: readExpression(reader) };
      reader.expect(']');
    } else if (reader.take('.')) {
      found = { kind: 'member', of: found, name: reader.word().text };
    } else return found;
  }
}

function primary(reader: Reader): Expression {
  if (reader.take('(')) {
    const inner = readExpression(reader);
    reader.expect(')');
    return inner;
  }
  const token = reader.next();
  if (token.kind === 'number') return { kind: 'number', text: token.text };
  if (token.kind !== 'word') {
    throw new Unreadable(`unexpected '${token.text}'`, token.line);
  }
  const template = reader.peek()?.kind === 'open' ? readList(reader, '<', '>') : undefined;
  const args = reader.is('(') ? readList(reader, '(', ')') : undefined;
  return { kind: 'name', name: token.text, ...(template && { template }), ...(args && { args }) };
}

/** Expressions between brackets; a comma may stand after the last. */
export function readList(reader: Reader, open: string, close: string): Expression[] {
  reader.expect(open);
  const list: Expression[] = [];
  while (!reader.take(close)) {
    list.push(readExpression(reader));
    if (!reader.is(close)) reader.expect(',');
  }
  return list;
}

/** @throws Unreadable */
export function readExpression(reader: Reader): Expression {
  return binary(reader, 0);
}
