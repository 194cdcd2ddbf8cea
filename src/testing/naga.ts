// What naga, the compiler of Firefox and Deno, gets wrong without a word.
import type { Diagnostic, Shader } from './diagnostics.ts';
import type { HostKind } from './host.ts';
import { type Constants, reflectPartly } from './reflect.ts';

export const isNaga = (kind: HostKind): boolean => kind === 'firefox' || kind === 'deno';

/**
 * Warnings of members that naga puts elsewhere than WGSL says: an `@align` inside a structure raises the
 * alignment of the whole structure, which naga overlooks where that lies in another.
 */
export function nagaWarnings(shader: Shader, constants?: Constants): Diagnostic[] {
  try {
    return reflectPartly(shader, constants).misplaced.map(
      ({ name, line, offset, nagaOffset, align }) => ({
        severity: 'warning',
        line,
        column: 0,
        length: 0,
        message:
          `${name} lies at byte ${offset}, and at ${nagaOffset} in Firefox and Deno, whose compiler ` +
          `overlooks an @align inside of it; give the member itself @align(${align})`,
      }),
    );
  } catch {
    // The compiler will say more.
    return [];
  }
}
