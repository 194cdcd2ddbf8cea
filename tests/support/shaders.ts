/** Every file under `shaders/` that the library has, as it was generated. */
import * as generated from '../../src/kernels/shaders.gen.ts';
import type { Shader } from '../../src/kernels/specialize.ts';

export const shaders: readonly Shader[] = Object.values(generated).filter(
  (exported) => typeof exported === 'object',
);

const byName = new Map(shaders.map((shader) => [shader.name as string, shader]));

export const shaderNamed = (name: string): Shader => byName.get(name) as Shader;
