// Values as WGSL, and the blocks in which they have names.
import { LatentGpuError } from '../../errors.ts';

/** A quad of one value. */
export const splat = (type: 'f32' | 'u32', text: string) =>
  `vec4${type === 'u32' ? 'u' : 'f'}(${text})`;

/** A float32 or u32 literal. */
export function literal(value: number, dtype: string): string {
  if (dtype === 'u32') return `${value >>> 0}u`;
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) {
    throw new LatentGpuError(
      'not-finite',
      `the constant ${value} is not a finite float32; use a finite sentinel such as -1e38`,
    );
  }
  return `${rounded}f`;
}

/** The values already named in a block of WGSL, and the lines that name them. */
export class Scope {
  readonly lines: string[];
  private readonly names = new Map<string, string>();
  private readonly parents: readonly Scope[];

  constructor(parents: Scope | readonly Scope[] = [], lines: string[] = []) {
    this.parents = parents instanceof Scope ? [parents] : parents;
    this.lines = lines;
  }

  /** A scope whose lines are part of this one's, and whose names are its own. */
  beside(...more: Scope[]): Scope {
    return new Scope([this, ...more], this.lines);
  }

  find(key: string): string | undefined {
    const own = this.names.get(key);
    if (own) return own;
    for (const parent of this.parents) {
      const known = parent.find(key);
      if (known) return known;
    }
    return undefined;
  }

  set(key: string, name: string): void {
    this.names.set(key, name);
  }
}
