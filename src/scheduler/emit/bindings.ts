// How a kernel's memories are bound: from where, for reading or writing, by quads or by elements.
import type { Tensor } from '../../graph/tensor.ts';
import { PART_ALIGNMENT } from '../../graph/variable.ts';
import { readShape } from '../fuse/group.ts';
import { alignStrides, type Location } from '../fuse/location.ts';
import { isUniformRead, memoryElements, type Read, type Write } from '../fuse/traffic.ts';
import { isPacked } from '../lower/access.ts';
import { type Footprint, isTable, tableStride } from './footprint.ts';
import type { IndexSpace } from './index-space.ts';
import { type Binding, declaration } from './memory-text.ts';

/** Whether one element is read, whichever element of the domain is computed. */
export const isFixed = ({ memory, strides }: Location): boolean =>
  !isPacked(memory) && strides.every((stride) => stride === 0);

/** The bindings of a kernel's own memories; operands of products are bound before them. */
export class Bindings {
  readonly all: readonly Binding[];
  /** WGSL that declares them. */
  readonly declarations: string;
  private readonly footprint: Footprint;

  /** @param first the number of the first of them */
  constructor(footprint: Footprint, space: IndexSpace, first: number) {
    this.footprint = footprint;
    const written = new Set(footprint.writes.map((w) => footprint.root(w.location.memory)));
    const uniforms = new Set<Tensor>();
    const storage = new Map<Tensor, boolean>();
    const note = (memory: Tensor, quads: boolean) =>
      storage.set(memory, (storage.get(memory) ?? true) && quads);
    for (const read of footprint.reads) {
      if (read.node.op.kind === 'matmul') continue;
      const memory = footprint.root(read.location.memory);
      if (isUniformRead(read, written)) uniforms.add(memory);
      else note(memory, isQuadRead(read, footprint, space));
    }
    for (const write of footprint.writes) {
      const byQuad = footprint.isByQuad(write.node) && isQuadWrite(write, footprint, space);
      note(footprint.root(write.location.memory), byQuad);
    }
    const kindOf = (memory: Tensor) => (written.has(memory) ? 'write' : 'read');
    this.all = [
      ...[...uniforms]
        .filter((memory) => !storage.has(memory))
        .map((memory) => ({ memory, kind: 'uniform' as const, quads: true, ...whole(memory) })),
      ...[...storage].map(([memory, quads]) => {
        return { memory, kind: kindOf(memory), quads, ...spanOf(memory, footprint) } as const;
      }),
    ].map((binding, i) => ({ ...binding, name: `m${first + i}` }));
    this.declarations = this.all
      .map((binding, i) => `@group(0) @binding(${first + i}) ${declaration(binding)}`)
      .join('\n');
  }

  /** The binding in which a memory is seen. */
  of(memory: Tensor): Binding {
    const root = this.footprint.root(memory);
    const binding = this.all.find((b) => b.memory === root);
    if (!binding) throw new Error(`${memory} is not bound`);
    return binding;
  }
}

const whole = (memory: Tensor) => ({ start: 0, elements: memoryElements(memory) });

/**
 * The part of a memory that the kernel touches, from a place where a binding may start: kernels
 * that do the same to different parts are then the same text, and compiled once.
 */
function spanOf(memory: Tensor, footprint: Footprint): { start: number; elements: number } {
  const { reads, writes, group } = footprint;
  const touched = [
    ...reads.map((read) => ({
      location: read.location,
      shape: readShape(read.node, read.node.inputs[read.input] as Tensor, group),
      // Rows chosen at run time; the words of a seed.
      isFree: read.node.op.kind === 'noise' || isTable(read),
    })),
    ...writes.map(({ node, location }) => ({
      location,
      shape: node.shape,
      isFree: node.op.kind === 'store' || node.op.kind === 'scatter',
    })),
  ].filter(({ location }) => footprint.root(location.memory) === memory);
  if (isPacked(memory) || touched.some(({ isFree }) => isFree)) return whole(memory);
  const first = Math.min(...touched.map(({ location }) => location.offset));
  const last = Math.max(
    ...touched.map(({ location, shape }) => {
      const strides = alignStrides(location.strides, shape);
      return shape.reduce((at, n, i) => at + (n - 1) * (strides[i] as number), location.offset);
    }),
  );
  const start = Math.floor(first / PART_ALIGNMENT) * PART_ALIGNMENT;
  return { start, elements: Math.min(memoryElements(memory), last + 1) - start };
}

function isQuadRead(read: Read, footprint: Footprint, space: IndexSpace): boolean {
  if (isFixed(read.location) && !isTable(read)) return true;
  if (!footprint.readsByQuad(read.node)) return false;
  const { terms, last } = space.affine(footprint.fullStrides(read));
  const row = isTable(read) ? tableStride(read) : 0;
  return (
    last === 1 &&
    read.location.offset % 4 === 0 &&
    row % 4 === 0 &&
    terms.every(({ stride }) => stride % 4 === 0)
  );
}

function isQuadWrite({ node, location }: Write, { group }: Footprint, space: IndexSpace): boolean {
  const { terms, last } = space.affine(alignStrides(location.strides, group.shape));
  const aligned =
    last === 1 && location.offset % 4 === 0 && terms.every(({ stride }) => stride % 4 === 0);
  if (space.width % 4 === 0) return aligned;
  if (node.op.kind === 'scatter') return false;
  // The last quad sticks out: harmless where the memory is this value's own, and padded.
  const { memory } = location;
  const own = memory.op.kind !== 'concat' && !('parent' in memory && memory.parent);
  return aligned && own && space.isOneLine && memory.size === space.width;
}
