// The index arithmetic of a kernel: its domain's axes, merged where every access allows it, and
// affine indices over them written as WGSL.
import { collapse } from '../lower/access.ts';

/** Axes of the domain that are counted together by one WGSL variable. */
export interface Segment {
  /** Extents, outermost first. */
  readonly extents: readonly number[];
  /** Which axes of the domain they are. */
  readonly axes: readonly number[];
  /** The WGSL variable that counts them, and the prefix of the names of its parts. */
  readonly counter: string;
  readonly prefix: string;
}

interface Merged {
  readonly extents: number[];
  readonly strides: number[][];
  readonly names: string[];
}

/** An affine index over the space: the sum of `terms`, and the stride of the quad axis. */
export interface AffineIndex {
  readonly terms: { readonly name: string; readonly stride: number }[];
  readonly last: number;
}

export class IndexSpace {
  private readonly merged: Merged[];
  private readonly segments: readonly Segment[];
  private readonly known: readonly (readonly number[])[];

  /**
   * @param segments the last one ends in the quad axis; its counter counts quads
   * @param strides every access that will be asked for, over the domain's axes
   */
  constructor(segments: readonly Segment[], strides: readonly (readonly number[])[]) {
    this.segments = segments;
    this.known = strides;
    this.merged = segments.map((segment) => {
      const own = strides.map((s) => segment.axes.map((axis) => s[axis] as number));
      const result = collapse(segment.extents, own);
      const single = result.extents.length === 1;
      const names = result.extents.map((_, i) =>
        single ? segment.counter : `${segment.prefix}${i}`,
      );
      return { ...result, names };
    });
  }

  private get quadAxis(): Merged {
    return this.merged[this.merged.length - 1] as Merged;
  }

  /** Elements along the quad axis. */
  get width(): number {
    return this.quadAxis.extents.at(-1) as number;
  }

  get quadsPerLine(): number {
    return Math.ceil(this.width / 4);
  }

  /** Quads of the last segment, all its axes together. */
  get quads(): number {
    return this.quadAxis.extents.slice(0, -1).reduce((a, b) => a * b, this.quadsPerLine);
  }

  /** Whether the last segment is one line, so that its quads follow each other in memory. */
  get isOneLine(): boolean {
    return (
      this.merged.every((m, i) => i === this.merged.length - 1 || m.extents.join() === '1') &&
      this.quadAxis.extents.length === 1
    );
  }

  /** WGSL that names the parts of a segment's counter. `quad` and `column` name the quad axis. */
  unravel(segment: number): string[] {
    const merged = this.merged[segment] as Merged;
    const { counter } = this.segments[segment] as Segment;
    const lines: string[] = [];
    let from = counter;
    let axes = merged.extents.length;
    if (segment === this.merged.length - 1) {
      axes -= 1;
      if (axes === 0) {
        lines.push(`let quad = ${counter};`);
      } else {
        lines.push(`let quad = ${counter} % ${this.quadsPerLine}u;`);
        lines.push(`let line = ${counter} / ${this.quadsPerLine}u;`);
        from = 'line';
      }
      lines.push('let column = quad * 4u;');
    } else if (axes === 1) {
      return lines;
    }
    for (let i = axes - 1, below = 1; i >= 0; i--) {
      const extent = merged.extents[i] as number;
      const quotient = below === 1 ? from : `${from} / ${below}u`;
      lines.push(
        `let ${this.partName(merged, segment, i)} = ${i === 0 ? quotient : `${quotient} % ${extent}u`};`,
      );
      below *= extent;
    }
    return lines;
  }

  private partName(merged: Merged, segment: number, i: number): string {
    if (segment !== this.merged.length - 1) return merged.names[i] as string;
    return `${(this.segments[segment] as Segment).prefix}${i}`;
  }

  /** The index that strides given to the constructor describe. */
  affine(strides: readonly number[]): AffineIndex {
    const at = this.known.findIndex((s) => s === strides || s.join() === strides.join());
    if (at < 0) throw new Error('the index space was not made for these strides');
    const terms: { name: string; stride: number }[] = [];
    let last = 0;
    this.merged.forEach((merged, segment) => {
      const own = merged.strides[at] as number[];
      own.forEach((stride, i) => {
        if (segment === this.merged.length - 1 && i === own.length - 1) last = stride;
        else if (stride !== 0) terms.push({ name: this.partName(merged, segment, i), stride });
      });
    });
    return { terms, last };
  }
}

/** offset + Σ term · stride, all divided by `unit`, as WGSL. */
export function affineText(
  terms: readonly { name: string; stride: number }[],
  offset: number,
  unit = 1,
): string {
  const parts = terms.map(({ name, stride }) =>
    stride === unit ? name : `${name} * ${stride / unit}u`,
  );
  if (offset !== 0) parts.push(`${offset / unit}u`);
  return parts.length > 0 ? parts.join(' + ') : '0u';
}

/** The index of one row's value: strides over `extents`, whose row-major count is `counter`. */
export function rowIndexText(
  extents: readonly number[],
  strides: readonly number[],
  offset: number,
  counter: string,
): string {
  const merged = collapse(extents, [strides]);
  const own = merged.strides[0] as number[];
  let below = 1;
  const terms: { name: string; stride: number }[] = [];
  for (let i = merged.extents.length - 1; i >= 0; i--) {
    const extent = merged.extents[i] as number;
    const quotient = below === 1 ? counter : `${counter} / ${below}u`;
    const name = i === 0 ? quotient : `${quotient} % ${extent}u`;
    if (own[i] !== 0) {
      terms.push({ name: name === counter ? name : `(${name})`, stride: own[i] as number });
    }
    below *= extent;
  }
  return affineText(terms, offset);
}
