// What types are called, through their aliases.
import type { Expression } from './expression.ts';
import type { Declaration } from './module.ts';

const SHORT: Record<string, string> = { f32: 'f', i32: 'i', u32: 'u', f16: 'h', bool: 'b' };

/** What names stand for in a module, and the numbers of its constants. */
interface Names {
  declaration(name: string): Declaration | undefined;
  number(expression: Expression): number;
}

type Name = Expression & { kind: 'name' };

/** The type that an expression names, through aliases. */
export function resolved(type: Expression, module: Names): Name {
  if (type.kind !== 'name') throw new Error('an expression in the place of a type');
  const declared = module.declaration(type.name);
  return declared?.kind === 'alias' ? resolved(declared.type, module) : type;
}

/** A type as WGSL writes it, in its shortest form: `vec4f`, `array<vec4f, 6>`, `texture_2d<f32>`. */
export function nameOf(type: Expression, module: Names): string {
  if (type.kind !== 'name' || type.args) return String(module.number(type));
  const { name, template = [] } = resolved(type, module);
  const declared = module.declaration(name);
  if (declared?.kind === 'const' || declared?.kind === 'override') {
    return String(module.number({ kind: 'name', name }));
  }
  const parts = template.map((part) => nameOf(part, module));
  const letter = SHORT[parts[0] ?? ''];
  if (letter && /^(vec|mat\dx)\d$/.test(name)) return name + letter;
  return parts.length > 0 ? `${name}<${parts.join(', ')}>` : name;
}
