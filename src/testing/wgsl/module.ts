// A shader's module-level declarations. What stands in functions is only looked through for names.
import { type Expression, Reader, readExpression, readList } from './expression.ts';
import { type Token, tokenize, Unreadable } from './tokens.ts';

export interface Attribute {
  readonly name: string;
  readonly args: readonly Expression[];
  /** Where the arguments start and end in the text, their brackets left out. */
  readonly span: readonly [number, number];
}

interface Named {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** Line of its keyword, from 1. */
  readonly line: number;
  /** Where it starts in the text, attributes included, and where it ends. */
  readonly span: readonly [number, number];
}

export interface ValueDeclaration extends Named {
  readonly kind: 'const' | 'override';
  readonly type?: Expression;
  readonly value?: Expression;
}

export interface Alias extends Named {
  readonly kind: 'alias';
  readonly type: Expression;
}

export interface Member {
  readonly name: string;
  /** Line of its name, from 1. */
  readonly line: number;
  readonly attributes: readonly Attribute[];
  readonly type: Expression;
}

export interface Struct extends Named {
  readonly kind: 'struct';
  readonly members: readonly Member[];
}

export interface Variable extends Named {
  readonly kind: 'var';
  /** The address space and the access mode. */
  readonly template: readonly Expression[];
  readonly type?: Expression;
}

export interface FunctionDeclaration extends Named {
  readonly kind: 'fn';
  readonly parameters: readonly string[];
  readonly body: readonly Token[];
}

export type Declaration = ValueDeclaration | Alias | Struct | Variable | FunctionDeclaration;

function readAttributes(reader: Reader): Attribute[] {
  const attributes: Attribute[] = [];
  while (reader.take('@')) {
    const { text: name } = reader.word();
    if (!reader.is('(')) {
      attributes.push({ name, args: [], span: [0, 0] });
      continue;
    }
    const from = (reader.peek() as Token).at + 1;
    const args = name === 'diagnostic' ? skipBrackets(reader) : readList(reader, '(', ')');
    attributes.push({ name, args, span: [from, (reader.peek(-1) as Token).at] });
  }
  return attributes;
}

/** `(off, subgroup_uniformity.more)` is no list of expressions. */
function skipBrackets(reader: Reader): [] {
  while (!reader.take(')')) reader.next();
  return [];
}

/** The tokens between a bracket that comes next and the one that closes it. */
function readBlock(reader: Reader, open: string, close: string): Token[] {
  const tokens: Token[] = [];
  const { line } = reader.expect(open);
  for (let depth = 1; ; ) {
    if (reader.isAtEnd) throw new Unreadable(`'${open}' is not closed`, line);
    const token = reader.next();
    if (token.kind === 'sign' && token.text === open) depth++;
    if (token.kind === 'sign' && token.text === close) depth--;
    if (depth === 0) return tokens;
    tokens.push(token);
  }
}

function readMembers(reader: Reader): Member[] {
  const members: Member[] = [];
  reader.expect('{');
  while (!reader.take('}')) {
    const attributes = readAttributes(reader);
    const { text: name, line } = reader.word();
    reader.expect(':');
    members.push({ name, line, attributes, type: readExpression(reader) });
    if (!reader.is('}')) reader.expect(',');
  }
  return members;
}

/** A name is a parameter's where a colon follows: nothing else in a list of them has one. */
function readParameters(reader: Reader): string[] {
  const tokens = readBlock(reader, '(', ')');
  return tokens
    .filter(({ kind }, i) => kind === 'word' && tokens[i + 1]?.text === ':')
    .map(({ text }) => text);
}

const typeOf = (reader: Reader) => (reader.take(':') ? { type: readExpression(reader) } : {});
const initialOf = (reader: Reader) => (reader.take('=') ? { value: readExpression(reader) } : {});

type Own = 'attributes' | 'line' | 'span';
type Body = Declaration extends infer D ? (D extends Declaration ? Omit<D, Own> : never) : never;

function readOne(reader: Reader, keyword: string): Body {
  if (keyword === 'fn') {
    const { text: name } = reader.word();
    const parameters = readParameters(reader);
    while (!reader.is('{')) reader.next();
    return { kind: 'fn', name, parameters, body: readBlock(reader, '{', '}') };
  }
  if (keyword === 'struct') {
    return { kind: 'struct', name: reader.word().text, members: readMembers(reader) };
  }
  let found: Body;
  if (keyword === 'var') {
    const template = reader.peek()?.kind === 'open' ? readList(reader, '<', '>') : [];
    found = { kind: 'var', template, name: reader.word().text, ...typeOf(reader) };
    initialOf(reader);
  } else if (keyword === 'alias') {
    const { text: name } = reader.word();
    reader.expect('=');
    found = { kind: 'alias', name, type: readExpression(reader) };
  } else {
    found = {
      kind: keyword as 'const' | 'override',
      name: reader.word().text,
      ...typeOf(reader),
      ...initialOf(reader),
    };
  }
  reader.expect(';');
  return found;
}

const DIRECTIVES = ['enable', 'requires', 'diagnostic', 'const_assert'];
const KEYWORDS = ['fn', 'struct', 'var', 'alias', 'const', 'override'];

/** @throws Unreadable with the line */
export function readModule(code: string): Declaration[] {
  const reader = new Reader(tokenize(code));
  const declarations: Declaration[] = [];
  while (!reader.isAtEnd) {
    if (reader.take(';')) continue;
    const from = (reader.peek() as Token).at;
    const attributes = readAttributes(reader);
    const { text: keyword, line } = reader.next();
    if (DIRECTIVES.includes(keyword)) {
      while (!reader.take(';')) reader.next();
      continue;
    }
    if (!KEYWORDS.includes(keyword)) {
      throw new Unreadable(`'${keyword}' begins no declaration`, line);
    }
    const found = readOne(reader, keyword);
    const last = reader.peek(-1) as Token;
    const span = [from, last.at + last.text.length] as const;
    declarations.push({ ...found, attributes, line, span } as Declaration);
  }
  return declarations;
}
