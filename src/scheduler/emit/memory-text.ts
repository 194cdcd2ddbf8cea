// A bound memory as WGSL: its declaration, and the numbers that are read from it.
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf } from '../../graph/variable.ts';
import { libHalves, type Shader } from '../../kernels/shaders.gen.ts';

/** How a kernel sees one memory. */
export interface Binding {
  readonly memory: Tensor;
  readonly name: string;
  readonly kind: 'uniform' | 'read' | 'write';
  /** Whether it is declared as quads (vec4) or as single elements. */
  readonly quads: boolean;
  /** The element at which it starts: nothing before it is touched. */
  readonly start: number;
  /** Elements visible to the kernel. */
  readonly elements: number;
}

export function declaration({ name, kind, memory, quads, elements }: Binding): string {
  const scalar = memory.dtype === 'f32' ? 'f32' : 'u32';
  const words = quads ? 'vec2u' : 'u32';
  if (kind === 'uniform') return `var<uniform> ${name}: vec4${scalar[0]};`;
  const access = kind === 'read' ? 'read' : 'read_write';
  const type =
    memory.dtype === 'u8'
      ? `array<u32, ${Math.ceil(elements / 4)}>`
      : isHalf(memory)
        ? `array<${words}, ${Math.ceil(elements / (quads ? 4 : 2))}>`
        : quads
          ? `array<vec4${scalar[0]}, ${Math.ceil(elements / 4)}>`
          : `array<${scalar}, ${elements}>`;
  return `var<storage, ${access}> ${name}: ${type};`;
}

/** One fixed element of a small memory, by its number within the binding. */
export function fixedElement({ name, kind, quads }: Binding, index: number): string {
  if (kind === 'uniform') return `${name}.${'xyzw'[index]}`;
  return quads ? `${name}[${index >> 2}u].${'xyzw'[index & 3]}` : `${name}[${index}u]`;
}

/**
 * The number at an index into a memory that is not bound as quads.
 *
 * @param imports gets the library that it takes, if any
 */
export function elementAt({ memory, name }: Binding, at: string, imports: Set<Shader>): string {
  if (memory.dtype === 'u8') {
    return `f32(extractBits(${name}[(${at}) / 4u], 8u * ((${at}) % 4u), 8u)) / 255.0`;
  }
  if (!isHalf(memory)) return `${name}[${at}]`;
  imports.add(libHalves);
  return `half_of(${name}[(${at}) / 2u], ${at})`;
}

/** The quad at an index into a memory that is bound as quads. */
export function quadAt({ memory, name }: Binding, at: string, imports: Set<Shader>): string {
  if (memory.dtype === 'u8') return `unpack4x8unorm(${name}[${at}])`;
  if (!isHalf(memory)) return `${name}[${at}]`;
  imports.add(libHalves);
  return `halves4(${name}[${at}])`;
}
