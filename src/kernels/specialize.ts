// The WGSL of a kernel, made from a file under shaders/; its name, constants and hooks are typed.
import { LatentGpuError } from '../errors.ts';
import { type ShaderConstants, type ShaderHooks, type ShaderName, sources } from './shaders.gen.ts';
import { expand } from './template.ts';

export type { KernelName, ShaderName } from './shaders.gen.ts';

/** What composed hooks import, of what has constants to be set. */
type Composed = 'lib/philox' | 'lib/fold_line' | 'lib/fold_subgroup' | 'lib/fold_subgroups';

/** Values of a shader's constants, of those of its imports and of what hooks import. */
export type Constants<S extends ShaderName = ShaderName> = Readonly<
  Partial<Record<ShaderConstants[S | Composed], number | string>>
>;

/** Texts in the place of a shader's hooks. */
export type Hooks<S extends ShaderName = ShaderName> = Readonly<
  Partial<Record<ShaderHooks[S], string>>
>;

/** How a kernel is made special: values of its constants and replacements of its hooks. */
export interface Specialization<S extends ShaderName = ShaderName> {
  readonly constants?: Constants<S>;
  readonly hooks?: Hooks<S>;
}

function source(name: string): string | undefined {
  return Object.hasOwn(sources, name) ? sources[name as ShaderName] : undefined;
}

/** Every shader's text, by which one version of the kernels is told from another. */
export function sourcesVersion(): string {
  return Object.entries(sources)
    .map(([name, text]) => `${name}\n${text}`)
    .join('\n');
}

/**
 * The WGSL of a kernel with its imports spliced, its constants set, its hooks replaced and its
 * loops unrolled. Needs no GPU.
 *
 * A constant's number is written as its declared type asks (`8u`, `1.0f`); a string is written as
 * it stands. The text of a hook may hold `// @import` lines of its own.
 *
 * @param name a file under `shaders/`
 * @throws LatentGpuError `bad-kernel` for an unknown import in a hook, and where types were evaded
 *
 * @example
 * specialize('matmul', { constants: { M: 100, N: 300, K: 784 } });
 */
export function specialize<S extends ShaderName>(
  name: S,
  specialization?: Specialization<S>,
): string {
  const text = source(name);
  if (text === undefined) {
    throw new LatentGpuError('bad-kernel', `there is no shader '${name}' under shaders/`);
  }
  return expand(name, text, source, specialization);
}
