// WGSL's literals, and its operators on constants.
import { isMatrix, matrixProduct } from './linear.ts';
import { bigOf, common, isFloat, type Single, scalar, Unknown, type Value, zip } from './values.ts';

export function literal(text: string): Value {
  const hex = /^0[xX]/.test(text);
  const suffix = /[iu]$/.test(text) || (!hex && /[fh]$/.test(text)) || /p.*[fh]$/i.test(text);
  const digits = suffix ? text.slice(0, -1) : text;
  const types = { i: 'i32', u: 'u32', f: 'f32', h: 'f16' } as const;
  const float = hex ? /[.pP]/.test(digits) : /[.eE]/.test(digits);
  const type = suffix
    ? types[text.at(-1) as keyof typeof types]
    : float
      ? ('float' as const)
      : ('int' as const);
  if (!float && (type === 'int' || type === 'i32' || type === 'u32')) {
    return scalar(type, BigInt(digits));
  }
  return scalar(type, hex && float ? hexFloat(digits) : Number(digits));
}

/** `0x1.8p3` */
function hexFloat(text: string): number {
  const [, whole = '', part = '', exponent = '0'] =
    /^0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(text) ?? [];
  return Number.parseInt(whole + part || '0', 16) * 16 ** -part.length * 2 ** Number(exponent);
}

/** Bits of the widest integers, the abstract ones. */
const MOST_BITS = 64n;

function ofIntegers(operator: string, a: bigint, b: bigint): bigint {
  if (/<<|>>/.test(operator) && (b < 0n || b >= MOST_BITS)) throw new Unknown(`a shift by ${b}`);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
    case '%':
      if (b === 0n) throw new Unknown('a division by 0');
      return operator === '/' ? a / b : a % b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    default:
      throw new Unknown(`the operator ${operator}`);
  }
}

function ofReals(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    // Of truths.
    case '&':
      return a & b;
    case '|':
      return a | b;
    default:
      throw new Unknown(`the operator ${operator}`);
  }
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '&&': (a, b) => a !== 0 && b !== 0,
  '||': (a, b) => a !== 0 || b !== 0,
};

function singles(operator: string, a: Single, b: Single): Value {
  const compare = comparisons[operator];
  if (compare) return scalar('bool', Number(compare(a.value, b.value)));
  // A shift keeps the type of what is shifted.
  const type = /<<|>>/.test(operator) ? a.type : common(a.type, b.type);
  return isFloat(type) || type === 'bool'
    ? scalar(type, ofReals(operator, a.value, b.value))
    : scalar(type, ofIntegers(operator, bigOf(a), bigOf(b)));
}

export function binary(operator: string, left: Value, right: Value): Value {
  if (operator === '*' && (isMatrix(left) || isMatrix(right))) return matrixProduct(left, right);
  return zip(left, right, (a, b) => singles(operator, a, b));
}

export function unary(operator: string, of: Value): Value {
  if ('parts' in of) return { parts: of.parts.map((part) => unary(operator, part)) };
  if (operator === '-') return scalar(of.type, isFloat(of.type) ? -of.value : -bigOf(of));
  if (operator === '!') return scalar('bool', Number(of.value === 0));
  // Of literals all 64 bits.
  if (operator === '~') return scalar(of.type, ~bigOf(of));
  throw new Unknown('a pointer');
}
