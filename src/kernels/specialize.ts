// The WGSL of a kernel, made from a file under shaders/; its name, constants and hooks are typed.
import type { Shader, ShaderConstants, ShaderHooks, ShaderName } from './shaders.gen.ts';
import { expand } from './template.ts';

export type { KernelName, Shader, ShaderName } from './shaders.gen.ts';

/** What composed hooks import, of what has constants to be set. */
type Composed = 'lib/philox' | 'lib/fold_line' | 'lib/fold_subgroup' | 'lib/fold_subgroups';

/** Values of a shader's constants, of those of its imports and of what hooks import. */
export type Constants<S extends ShaderName = ShaderName> = Readonly<
  Partial<Record<ShaderConstants[S | Composed], number | string>>
>;

/** Texts, or whole files, in the place of a shader's hooks. */
export type Hooks<S extends ShaderName = ShaderName> = Readonly<
  Partial<Record<ShaderHooks[S], string | Shader>>
>;

/** How a kernel is made special: values of its constants and replacements of its hooks. */
export interface Specialization<S extends ShaderName = ShaderName> {
  readonly constants?: Constants<S>;
  readonly hooks?: Hooks<S>;
  /** What the hooks' texts import. */
  readonly imports?: Iterable<Shader>;
}

/** A line of a hook's text, for a shader that is among `imports`. */
export const importLine = ({ name }: Shader): string => `// @import ${name}`;

/**
 * The WGSL of a kernel with its imports spliced, its constants set, its hooks replaced and its
 * loops unrolled. Needs no GPU.
 *
 * A constant's number is written as its declared type asks (`8u`, `1.0f`); a string is written as
 * it stands. The text of a hook may hold `// @import` lines of its own.
 *
 * @param shader a file under `shaders/`
 * @throws LatentGpuError `bad-kernel` for an unknown import in a hook, and where types were evaded
 *
 * @example
 * specialize(matmul, { constants: { M: 100, N: 300, K: 784 } });
 */
export function specialize<S extends ShaderName>(
  shader: Shader<S>,
  { constants, hooks, imports = [] }: Specialization<S> = {},
): string {
  const texts = new Map<string, string>();
  const add = (known: Shader): void => {
    if (texts.has(known.name)) return;
    texts.set(known.name, known.text);
    known.imports.forEach(add);
  };
  add(shader);
  for (const imported of imports) add(imported);
  const lines: Record<string, string> = {};
  for (const [hook, own] of Object.entries<string | Shader | undefined>(hooks ?? {})) {
    if (typeof own === 'object') add(own);
    if (own !== undefined) lines[hook] = typeof own === 'object' ? importLine(own) : own;
  }
  return expand(shader.name, shader.text, (name) => texts.get(name), { constants, hooks: lines });
}
