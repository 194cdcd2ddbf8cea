// What naga, the compiler of Firefox and Deno, gets wrong without a word.
import type { Diagnostic, Shader } from './diagnostics.ts';
import type { HostKind } from './host.ts';
import { type Constants, reflectPartly } from './reflect.ts';
import type { Misplaced } from './wgsl/types.ts';

export const isNaga = (kind: HostKind): boolean => kind === 'firefox' || kind === 'deno';

/** Where what WGSL says and what naga makes of it part, and what to do. */
function described({ kind, name, bytes, nagaBytes, align }: Misplaced): string {
  const [struct, member] = name.split('.');
  return kind === 'offset'
    ? `${name} lies at byte ${bytes}, and at ${nagaBytes} in Firefox and Deno, whose compiler ` +
        `overlooks an @align inside of it; give the member itself @align(${align})`
    : `${struct} takes ${bytes} bytes, and ${nagaBytes} in Firefox and Deno, whose compiler overlooks ` +
        `an @align inside of its member ${member}; give ${name} itself @align(${align})`;
}

/**
 * Warnings of members that naga puts elsewhere than WGSL says, and of structures in which it leaves less
 * room: an `@align` inside a structure raises the alignment of the whole structure, which naga overlooks
 * where that lies in another.
 */
export function nagaWarnings(shader: Shader, constants?: Constants): Diagnostic[] {
  try {
    const { misplaced } = reflectPartly(shader, constants);
    return misplaced.map((each) => ({
      severity: 'warning',
      line: each.line,
      column: 0,
      length: 0,
      message: described(each),
    }));
  } catch {
    // The compiler will say more.
    return [];
  }
}
