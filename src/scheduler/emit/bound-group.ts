// What a kernel touches, and how it is bound: which memories, from where, by quads or by elements.
import { contiguousStrides, sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isHalf, PART_ALIGNMENT } from '../../graph/variable.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import { accessIn, type Group, readShape } from '../fuse/group.ts';
import { alignStrides, type Location, locate } from '../fuse/location.ts';
import {
  isUniformRead,
  memoryElements,
  type Read,
  trafficOf,
  type Write,
} from '../fuse/traffic.ts';
import { type Access, accessOf, isPacked } from '../lower/access.ts';
import { rootOf } from '../place/in-place.ts';
import type { IndexSpace } from './index-space.ts';

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

/** Whether one element is read, whichever element of the domain is computed. */
export const isFixed = ({ memory, strides }: Location): boolean =>
  !isPacked(memory) && strides.every((stride) => stride === 0);

/** A group whose memories are bound to a kernel. */
export class BoundGroup {
  readonly group: Group;
  readonly dependencies: Dependencies;
  readonly bindings: Binding[] = [];
  readonly order: Tensor[];
  protected readonly reads: Map<string, Read>;
  protected readonly writes: Write[];
  protected readonly aliases: ReadonlyMap<Tensor, Tensor>;
  protected space: IndexSpace | undefined;
  protected firstBinding = 0;

  /** @param whole the group of which it is a link */
  constructor(
    group: Group,
    dependencies: Dependencies,
    aliases: ReadonlyMap<Tensor, Tensor>,
    whole = group,
  ) {
    this.group = group;
    this.dependencies = dependencies;
    this.aliases = aliases;
    this.order = dependencies.nodes.filter((node) => group.levels.has(node));
    const traffic = trafficOf(group, dependencies, whole);
    this.reads = new Map(traffic.reads.map((r) => [`${r.node.id}:${r.input}`, r]));
    this.writes = traffic.writes;
  }

  /** Strides over the domain of everything the kernel reads, writes or numbers by quads. */
  domainStrides(): number[][] {
    const result: number[][] = [contiguousStrides(this.group.shape)];
    for (const read of this.reads.values()) {
      if (read.node.op.kind !== 'matmul' && this.readsByQuad(read.node)) {
        result.push(this.fullStrides(read));
      }
    }
    for (const write of this.writes) {
      if (this.isByQuad(write.node)) {
        result.push(alignStrides(write.location.strides, this.group.shape));
      }
    }
    for (const node of this.order) {
      if (!this.readsByQuad(node)) continue;
      if (node.op.kind === 'noise') result.push(noiseStrides(this.group.shape));
      for (const input of node.inputs) {
        const access = accessIn(input, readShape(node, input, this.group));
        if (access.base.op.kind === 'iota')
          result.push(alignStrides(access.strides, this.group.shape));
      }
    }
    return result;
  }

  /** What values of a level read from memory that is the same for all rows of a block. */
  steadyReads(level: 'full' | 'row'): Read[] {
    return [...this.reads.values()].filter(
      (read) =>
        this.group.levels.get(read.node) === level &&
        read.node.op.kind === 'elementwise' &&
        this.isSteady(level === 'full' ? this.fullStrides(read) : this.rowStridesOf(read)),
    );
  }

  protected isSteady(strides: readonly number[] | undefined): boolean {
    return strides !== undefined && this.group.over.every((axis) => strides[axis] === 0);
  }

  /** Strides of a row's value over the axes of rows, where its shape is theirs. */
  protected rowStridesOf({ node, location }: Read): readonly number[] | undefined {
    const rows = this.group.shape.slice(0, node.rank);
    return sameShape(node.shape, rows) ? location.strides : undefined;
  }

  protected isByQuad(node: Tensor): boolean {
    const level = this.group.levels.get(node);
    return level === 'full' || level === 'side';
  }

  protected readsByQuad(node: Tensor): boolean {
    if (this.isByQuad(node)) return true;
    if (node.op.kind !== 'reduce') return false;
    // A fold of rows' values takes them one by one.
    const base = (accessOf(node.inputs[0] as Tensor) as Access).base;
    return this.group.levels.get(node) === 'row' || this.group.levels.get(base) !== 'row';
  }

  /** Strides of a read over the domain; a gathered table's row is chosen at run time. */
  protected fullStrides(read: Read): number[] {
    const { strides } = read.location;
    if (read.node.op.kind === 'gather') {
      return read.input === 0 ? [0, strides[1] as number] : [strides[0] as number, 0];
    }
    return alignStrides(strides, this.group.shape);
  }

  /** Chooses how each memory is declared, now that the index arithmetic is known. */
  bind(space: IndexSpace, firstBinding: number): string {
    this.space = space;
    this.firstBinding = firstBinding;
    const written = new Set(this.writes.map((w) => this.alias(w.location.memory)));
    const uniforms = new Set<Tensor>();
    const storage = new Map<Tensor, boolean>();
    const note = (memory: Tensor, quads: boolean) =>
      storage.set(memory, (storage.get(memory) ?? true) && quads);
    for (const read of this.reads.values()) {
      if (read.node.op.kind === 'matmul') continue;
      const memory = this.alias(read.location.memory);
      if (isUniformRead(read, written)) uniforms.add(memory);
      else note(memory, this.isQuadRead(read));
    }
    for (const write of this.writes) {
      const byQuad = this.isByQuad(write.node) && this.isQuadWrite(write);
      note(this.alias(write.location.memory), byQuad);
    }
    for (const memory of uniforms) {
      if (storage.has(memory)) continue;
      this.bindings.push(this.binding(memory, 'uniform', true));
    }
    for (const [memory, quads] of storage) {
      this.bindings.push(this.binding(memory, written.has(memory) ? 'write' : 'read', quads));
    }
    return this.bindings
      .map((b, i) => `@group(0) @binding(${firstBinding + i}) ${declaration(b)}`)
      .join('\n');
  }

  protected binding(memory: Tensor, kind: Binding['kind'], quads: boolean): Binding {
    const span = kind === 'uniform' ? wholeSpan(memory) : this.span(memory);
    return { memory, name: `m${this.firstBinding + this.bindings.length}`, kind, quads, ...span };
  }

  /**
   * The part of a memory that the kernel touches, from a place where a binding may start: kernels
   * that do the same to different parts are then the same text, and compiled once.
   */
  protected span(memory: Tensor): { start: number; elements: number } {
    const touched = [
      ...[...this.reads.values()].map(({ node, input, location }) => ({
        location,
        shape: readShape(node, node.inputs[input] as Tensor, this.group),
        // Rows chosen at run time; the words of a seed.
        isFree: node.op.kind === 'noise' || (node.op.kind === 'gather' && input === 0),
      })),
      ...this.writes.map(({ node, location }) => ({
        location,
        shape: node.shape,
        isFree: node.op.kind === 'store' || node.op.kind === 'scatter',
      })),
    ].filter(({ location }) => this.alias(location.memory) === memory);
    if (isPacked(memory) || touched.some(({ isFree }) => isFree)) return wholeSpan(memory);
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

  protected alias(memory: Tensor): Tensor {
    return rootOf(memory, this.aliases);
  }

  /** The memory in which an input lies whole, from its start. */
  memoryOf(access: Access): Tensor {
    const { memory, offset } = locate(access, this.dependencies);
    if (offset !== 0) throw new Error(`${access.base} does not start its memory`);
    return this.alias(memory);
  }

  protected bindingOf(memory: Tensor): Binding {
    const root = this.alias(memory);
    return this.bindings.find((b) => b.memory === root) as Binding;
  }

  protected isQuadRead(read: Read): boolean {
    const isTable = read.node.op.kind === 'gather' && read.input === 0;
    if (isFixed(read.location) && !isTable) return true;
    if (!this.readsByQuad(read.node)) return false;
    const space = this.space as IndexSpace;
    const { terms, last } = space.affine(this.fullStrides(read));
    const row = isTable ? this.tableStride(read) : 0;
    return (
      last === 1 &&
      read.location.offset % 4 === 0 &&
      row % 4 === 0 &&
      terms.every(({ stride }) => stride % 4 === 0)
    );
  }

  protected tableStride(read: Read): number {
    return read.location.strides[0] as number;
  }

  protected isQuadWrite({ node, location }: Write): boolean {
    const space = this.space as IndexSpace;
    const { terms, last } = space.affine(alignStrides(location.strides, this.group.shape));
    const aligned =
      last === 1 && location.offset % 4 === 0 && terms.every(({ stride }) => stride % 4 === 0);
    if (space.width % 4 === 0) return aligned;
    if (node.op.kind === 'scatter') return false;
    // The last quad sticks out: harmless where the memory is this value's own, and padded.
    const { memory } = location;
    const own = memory.op.kind !== 'concat' && !('parent' in memory && memory.parent);
    return aligned && own && space.isOneLine && memory.size === space.width;
  }
}

/** Strides that count quads: each line of a noise tensor starts a new one. */
export function noiseStrides(shape: readonly number[]): number[] {
  const line = shape.findLastIndex((extent) => extent !== 1);
  return contiguousStrides(shape.map((e, axis) => (axis === line ? Math.ceil(e / 4) * 4 : e)));
}

const wholeSpan = (memory: Tensor) => ({ start: 0, elements: memoryElements(memory) });

function declaration({ name, kind, memory, quads, elements }: Binding): string {
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
