// Which entry points a shader has and which overrides: all that compiling one takes.
import type { EntryRequest } from './compile.ts';
import type { Shader } from './diagnostics.ts';
import { type Constants, constantOf, reflectPartly, type ShaderInfo } from './reflect.ts';
import { placeAt } from './wgsl/lines.ts';

/** The declarations of a shader; undefined where its text cannot be read, as the compiler may. */
export function tryReflect(shader: Shader, constants?: Constants): ShaderInfo | undefined {
  try {
    return reflectPartly(shader, constants).info;
  } catch {
    return undefined;
  }
}

const COMPUTE = /@compute\b[^{;]*?\bfn\s+(\w+)/g;

/** The compute entry points of a shader, even of one that cannot be reflected. */
export function computeEntries(shader: Shader, info = tryReflect(shader)): EntryRequest[] {
  if (info) {
    return info.entryPoints
      .filter(({ stage }) => stage === 'compute')
      .map(({ name, line }) => ({ name, line }));
  }
  return [...shader.code.matchAll(COMPUTE)].map((found) => ({
    name: found[1] as string,
    line: placeAt(shader.code, found.index).line,
  }));
}

/** Those of the constants that a shader declares, as WebGPU wants them. @throws LatentGpuError `bad-input` */
export function constantsFor(
  info: ShaderInfo | undefined,
  given: Constants = {},
): Record<string, number> {
  const constants: Record<string, number> = {};
  for (const { name, id } of info?.overrides ?? []) {
    const value = constantOf(name, given[name]);
    if (value !== undefined) constants[String(id ?? name)] = value;
  }
  return constants;
}
