// The values of WGSL's constant expressions, and of override expressions where the overrides have values.
import { builtins } from './builtins.ts';
import type { Expression } from './expression.ts';
import type { Declaration, ValueDeclaration } from './module.ts';
import { common, isFloat, type Scalar, scalar, Unknown, type Value, zip } from './values.ts';

function literal(text: string): Value {
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
  return scalar(type, hex && float ? hexFloat(digits) : Number(digits));
}

/** `0x1.8p3` */
function hexFloat(text: string): number {
  const [, whole = '', part = '', exponent = '0'] =
    /^0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i.exec(text) ?? [];
  return Number.parseInt(whole + part || '0', 16) * 16 ** -part.length * 2 ** Number(exponent);
}

function arithmetic(operator: string, a: number, b: number, type: Scalar): number | bigint {
  const integer = !isFloat(type) && type !== 'bool';
  if (integer && ['*', '<<', '&', '|', '^', '>>'].includes(operator)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    if (operator === '*') return x * y;
    if (operator === '<<') return x << y;
    if (operator === '>>') return x >> y;
    return operator === '&' ? x & y : operator === '|' ? x | y : x ^ y;
  }
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (integer && b === 0) throw new Unknown('a division by 0');
      return integer ? Math.trunc(a / b) : a / b;
    case '%':
      if (integer && b === 0) throw new Unknown('a division by 0');
      return a % b;
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

const isMatrix = (value: Value) => 'parts' in value && 'parts' in (value.parts[0] ?? {});

function binary(operator: string, left: Value, right: Value): Value {
  if (operator === '*' && (isMatrix(left) || isMatrix(right))) {
    throw new Unknown('a product of matrices');
  }
  return zip(left, right, (a, b) => {
    if (!('type' in a && 'type' in b)) throw new Unknown('an operation on structures');
    const compare = comparisons[operator];
    if (compare) return scalar('bool', Number(compare(a.value, b.value)));
    // A shift keeps the type of what is shifted.
    const type = /<<|>>/.test(operator) ? a.type : common(a.type, b.type);
    const result = arithmetic(operator, a.value, b.value, type);
    const wrapped =
      typeof result === 'bigint' && type !== 'int' ? BigInt.asIntN(32, result) : result;
    return scalar(type, Number(wrapped));
  });
}

function unary(operator: string, of: Value): Value {
  if ('parts' in of) return { parts: of.parts.map((part) => unary(operator, part)) };
  if (operator === '-') return scalar(of.type, -of.value);
  if (operator === '!') return scalar('bool', Number(of.value === 0));
  // Of literals all 64 bits.
  if (operator === '~') return scalar(of.type, Number(~BigInt(of.value)));
  throw new Unknown('a pointer');
}

/** The first halves with which these are done. */
const DECIDED: Readonly<Record<string, number | undefined>> = { '&&': 0, '||': 1 };

/** Of an array that is a constant; compilers allow fewer. */
const MOST_ZEROS = 2 ** 16;

const SETS = ['xyzw', 'rgba'];

function member(of: Value, name: string): Value {
  const parts = 'parts' in of ? of : { parts: [] };
  const at = parts.names?.indexOf(name) ?? -1;
  if (at >= 0) return parts.parts[at] as Value;
  const set = SETS.find((letters) => [...name].every((letter) => letters.includes(letter)));
  const chosen = [...name].map((letter) => parts.parts[set?.indexOf(letter) ?? -1]);
  if (chosen.some((each) => each === undefined)) throw new Unknown(`the member ${name}`);
  return chosen.length === 1 ? (chosen[0] as Value) : { parts: chosen as Value[] };
}

/** Computes with the constants, overrides, aliases and structures of a module. */
export class Evaluator {
  readonly #declarations: ReadonlyMap<string, Declaration>;
  readonly #given: Readonly<Record<string, number | boolean>>;
  readonly #known = new Map<string, Value | 'in work'>();

  /** @param given values of overrides, by name; else their defaults count */
  constructor(
    declarations: readonly Declaration[],
    given: Readonly<Record<string, number | boolean>> = {},
  ) {
    this.#declarations = new Map(declarations.map((each) => [each.name, each]));
    this.#given = given;
  }

  /** What a name stands for in this module. */
  declaration(name: string): Declaration | undefined {
    return this.#declarations.get(name);
  }

  /** @throws Unknown */
  evaluate(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
        return literal(expression.text);
      case 'unary':
        return unary(expression.operator, this.evaluate(expression.of));
      case 'binary':
        return this.#binary(expression);
      case 'index': {
        const of = this.evaluate(expression.of);
        const found = 'parts' in of && of.parts[this.number(expression.index)];
        if (!found) throw new Unknown('an index outside');
        return found;
      }
      case 'member':
        return member(this.evaluate(expression.of), expression.name);
      case 'name':
        return expression.args ? this.#call(expression) : this.#named(expression.name);
    }
  }

  #binary({ operator, left, right }: Expression & { kind: 'binary' }): Value {
    const first = this.evaluate(left);
    // What is decided needs no second half, which may have no value.
    if ('type' in first && first.value === DECIDED[operator]) return first;
    return binary(operator, first, this.evaluate(right));
  }

  /** @throws Unknown for what is no number */
  number(expression: Expression): number {
    const value = this.evaluate(expression);
    if (!('type' in value)) throw new Unknown('several numbers in the place of one');
    return value.value;
  }

  #named(name: string): Value {
    if (name === 'true' || name === 'false') return scalar('bool', Number(name === 'true'));
    const declared = this.#declarations.get(name);
    if (declared?.kind !== 'const' && declared?.kind !== 'override') {
      throw new Unknown(`'${name}', which is no constant`);
    }
    const known = this.#known.get(name);
    if (known === 'in work') throw new Unknown(`'${name}', which is made of itself`);
    if (known) return known;
    this.#known.set(name, 'in work');
    const value = this.#valueOf(declared);
    this.#known.set(name, value);
    return value;
  }

  #valueOf({ kind, name, type, value }: ValueDeclaration): Value {
    const given = kind === 'override' ? this.#given[name] : undefined;
    if (given === undefined && !value)
      throw new Unknown(`the override '${name}', which has no value`);
    const found = value && given === undefined ? this.evaluate(value) : undefined;
    const plain =
      type ?? ({ kind: 'name', name: typeof given === 'boolean' ? 'bool' : '' } as const);
    const to = plain.kind === 'name' ? this.#alias(plain.name) : '';
    const whole = found ?? scalar('float', Number(given));
    if ('parts' in whole || to === '') return whole;
    return builtins[to]?.([whole], {}) ?? whole;
  }

  /** The type that a name stands for, through its aliases. */
  #alias(name: string): string {
    const declared = this.#declarations.get(name);
    if (declared?.kind !== 'alias' || declared.type.kind !== 'name') return name;
    return this.#alias(declared.type.name);
  }

  /** What `T()` is. */
  #zero(type: Expression): Value {
    if (type.kind !== 'name') throw new Unknown('an expression in the place of a type');
    const declared = this.#declarations.get(type.name);
    if (declared?.kind === 'alias') return this.#zero(declared.type);
    if (declared?.kind === 'struct') {
      return {
        parts: declared.members.map((each) => this.#zero(each.type)),
        names: declared.members.map(({ name }) => name),
      };
    }
    const [of, count] = type.template ?? [];
    if (type.name !== 'array') return this.#call({ ...type, args: [] });
    if (!of || !count) throw new Unknown('an array of zeros without a size');
    const length = this.number(count);
    if (!(length >= 0 && length <= MOST_ZEROS)) throw new Unknown(`an array of ${length} zeros`);
    return { parts: new Array(length).fill(this.#zero(of)) };
  }

  #call(call: Expression & { kind: 'name' }): Value {
    const args = (call.args ?? []).map((each) => this.evaluate(each));
    const declared = this.#declarations.get(call.name);
    const isType = declared?.kind === 'alias' || declared?.kind === 'struct';
    if (args.length === 0 && (isType || call.name === 'array')) return this.#zero(call);
    if (declared?.kind === 'alias' && declared.type.kind === 'name') {
      return this.#call({ ...declared.type, args: call.args ?? [] });
    }
    if (declared?.kind === 'struct') {
      return { parts: args, names: declared.members.map(({ name }) => name) };
    }
    const builtin = declared ? undefined : builtins[call.name];
    if (!builtin) throw new Unknown(`'${call.name}(…)'`);
    const [of, count] = call.template ?? [];
    return builtin(args, {
      ...(of?.kind === 'name' && { of: this.#alias(of.name) }),
      ...(count && { count: this.number(count) }),
    });
  }
}
