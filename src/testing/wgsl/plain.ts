// A shader in fewer words, for readers that do not know all of WGSL: what can be computed is.
import { Evaluator } from './evaluate.ts';
import { type Attribute, type Declaration, readModule, type ValueDeclaration } from './module.ts';

interface Edit {
  readonly span: readonly [number, number];
  readonly text: string;
}

/** The constant that an override is where nothing sets it any more. */
function constantOf({ name, span }: ValueDeclaration, module: Evaluator): Edit | undefined {
  try {
    const value = module.evaluate({ kind: 'name', name });
    if (!('type' in value)) return undefined;
    const { type, value: number } = value;
    const text = type === 'bool' ? String(number !== 0) : String(number);
    const typed = type === 'int' || type === 'float' ? text : `${type}(${text})`;
    return { span, text: `const ${name} = ${typed};` };
  } catch {
    return undefined;
  }
}

function attributesOf(declaration: Declaration): readonly Attribute[] {
  if (declaration.kind !== 'struct') return declaration.attributes;
  return declaration.members.flatMap(({ attributes }) => attributes);
}

/** Numbers in the place of expressions. */
function numbersOf({ args, span }: Attribute, module: Evaluator): Edit | undefined {
  if (args.length === 0) return undefined;
  try {
    return { span, text: args.map((each) => module.number(each)).join(', ') };
  } catch {
    // `@builtin(position)`, or an override without a value.
    return undefined;
  }
}

/** Something before a barrier that a block begins with: at the top of a loop the detector of races overlooks it. */
function pausesOf(declaration: Declaration): Edit[] {
  if (declaration.kind !== 'fn') return [];
  const { body } = declaration;
  return body.flatMap(({ text, at }, i) =>
    text === '{' && body[i + 1]?.text.endsWith('Barrier')
      ? [{ span: [at + 1, at + 1] as const, text: ' let before_barrier = 0u;' }]
      : [],
  );
}

/**
 * The text without directives, its overrides constants, its attributes' arguments numbers; lines keep
 * their numbers.
 *
 * @param constants values of overrides, by name; for the others their defaults count
 * @throws Unreadable
 */
export function plainText(
  code: string,
  constants: Readonly<Record<string, number | boolean>> = {},
): string {
  const declarations = readModule(code);
  const module = new Evaluator(declarations, constants);
  const edits = declarations.flatMap((each): (Edit | undefined)[] =>
    each.kind === 'override'
      ? [constantOf(each as ValueDeclaration, module)]
      : [...attributesOf(each).map((attribute) => numbersOf(attribute, module)), ...pausesOf(each)],
  );
  let text = code;
  // From the end, so that places before stay where they are.
  const ordered = edits.filter((each) => each !== undefined).sort((a, b) => b.span[0] - a.span[0]);
  for (const { span, text: instead } of ordered) {
    const lines = code.slice(...span).split('\n').length - 1;
    text = text.slice(0, span[0]) + instead + '\n'.repeat(lines) + text.slice(span[1]);
  }
  return text.replace(/^\s*(enable|requires)\b[^;]*;/gm, (all) => all.replace(/[^\n]/g, ''));
}
