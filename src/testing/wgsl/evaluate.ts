// The values of WGSL's constant expressions, and of override expressions where the overrides have values.
import { builtins } from './builtins.ts';
import type { Expression } from './expression.ts';
import type { Declaration, Struct, ValueDeclaration } from './module.ts';
import { nameOf } from './names.ts';
import { binary, literal, unary } from './operators.ts';
import { scalar, singleOf, Unknown, type Value } from './values.ts';

/** What abstract numbers become where they have to be of a type. */
const CONCRETE: Readonly<Record<string, string>> = { int: 'i32', float: 'f32' };

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
    return singleOf(this.evaluate(expression)).value;
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
    const found = value && this.#unless(given, value);
    const whole = given === undefined ? (found as Value) : scalar('float', Number(given));
    if (type) return this.#as(type, whole);
    if (kind === 'const' || 'parts' in whole) return whole;
    // An override is of the type that its default has; what stays abstract in a constant is not in it.
    const of = found && 'type' in found ? found.type : typeof given === 'boolean' ? 'bool' : 'f32';
    return builtins[CONCRETE[of] ?? of]?.([whole], {}) ?? whole;
  }

  /** A default; where a value is given it counts for its type alone, and may be beyond us. */
  #unless(given: unknown, value: Expression): Value | undefined {
    try {
      return this.evaluate(value);
    } catch (cause) {
      if (given === undefined) throw cause;
      return undefined;
    }
  }

  /** A value as it is where a type is told: part by part, literals as numbers of that type. */
  #as(type: Expression, value: Value): Value {
    if (type.kind !== 'name') throw new Unknown('an expression in the place of a type');
    const declared = this.#declarations.get(type.name);
    if (declared?.kind === 'alias') return this.#as(declared.type, value);
    if (declared?.kind === 'struct')
      return this.#structure(declared, 'parts' in value ? value.parts : []);
    const [of] = type.template ?? [];
    if (type.name === 'array') {
      if (!of || !('parts' in value)) return value;
      return { parts: value.parts.map((part) => this.#as(of, part)) };
    }
    return builtins[type.name]?.([value], this.#template(type)) ?? value;
  }

  #structure({ name, members }: Struct, parts: readonly Value[]): Value {
    if (parts.length !== members.length)
      throw new Unknown(`another number of members of '${name}'`);
    return {
      parts: parts.map((part, i) => this.#as((members[i] as Struct['members'][number]).type, part)),
      names: members.map((each) => each.name),
    };
  }

  /** What stands between `<` and `>`. */
  #template({ template }: Expression & { kind: 'name' }): { of?: string; count?: number } {
    const [of, count] = template ?? [];
    return { ...(of && { of: nameOf(of, this) }), ...(count && { count: this.number(count) }) };
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
    if (declared?.kind === 'struct') return this.#structure(declared, args);
    const [of] = call.template ?? [];
    if (call.name === 'array' && of) return { parts: args.map((each) => this.#as(of, each)) };
    const builtin = declared ? undefined : builtins[call.name];
    if (!builtin) throw new Unknown(`'${call.name}(…)'`);
    return builtin(args, this.#template(call));
  }
}
