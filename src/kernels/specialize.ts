import { LatentGpuError } from '../errors.ts';
import { shaders } from './shaders.gen.ts';
import { expand, type Specialization } from './template.ts';

export type { Specialization } from './template.ts';

/** Name of a file under `shaders/`, without its ending: `matmul`, `lib/philox`. */
export type ShaderName = keyof typeof shaders;

const sources: Record<string, { source: string }> = shaders;

function source(name: string): string | undefined {
  return Object.hasOwn(sources, name) ? sources[name]?.source : undefined;
}

/** Every shader's text, by which one version of the kernels is told from another. */
export function sourcesVersion(): string {
  return Object.entries(sources)
    .map(([name, { source }]) => `${name}\n${source}`)
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
 * @throws LatentGpuError `bad-kernel` for an unknown shader, constant, hook or import
 *
 * @example
 * specialize('matmul', { constants: { M: 100, N: 300, K: 784 } });
 */
export function specialize(name: string, specialization?: Specialization): string {
  const text = source(name);
  if (text === undefined) {
    throw new LatentGpuError('bad-kernel', `there is no shader '${name}' under shaders/`);
  }
  return expand(name, text, source, specialization);
}
