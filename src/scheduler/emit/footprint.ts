// What a kernel touches: its nodes in the order in which they are computed, what they read and write,
// and how each steps through its memory from one element of the domain to the next.
import { contiguousStrides, sameShape } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import { accessIn, type Group, readShape } from '../fuse/group.ts';
import { alignStrides, locate } from '../fuse/location.ts';
import { type Read, trafficOf, type Write } from '../fuse/traffic.ts';
import { type Access, accessOf } from '../lower/access.ts';
import { rootOf } from '../place/in-place.ts';

export class Footprint {
  readonly group: Group;
  readonly dependencies: Dependencies;
  readonly order: readonly Tensor[];
  readonly reads: readonly Read[];
  readonly writes: readonly Write[];
  private readonly aliases: ReadonlyMap<Tensor, Tensor>;

  /**
   * @param aliases memories that lie where another does, see `findInPlace`
   * @param whole the group of which it is a link
   */
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
    const { reads, writes } = trafficOf(group, dependencies, whole);
    this.reads = reads;
    this.writes = writes;
  }

  /** One link of a group of products that follow each other. */
  link(link: Group): Footprint {
    return new Footprint(link, this.dependencies, this.aliases, this.group);
  }

  /** What a node reads as one of its inputs. */
  readOf(node: Tensor, input: number): Read {
    const read = this.reads.find((r) => r.node === node && r.input === input);
    if (!read) throw new Error(`input ${input} of ${node} is not read from memory`);
    return read;
  }

  /** The memory in which a value lies, where values are written over others. */
  root(memory: Tensor): Tensor {
    return rootOf(memory, this.aliases);
  }

  /** The memory in which an input lies whole, from its start. */
  memoryOf(access: Access): Tensor {
    const { memory, offset } = locate(access, this.dependencies);
    if (offset !== 0) throw new Error(`${access.base} does not start its memory`);
    return this.root(memory);
  }

  /** Strides over the domain of everything the kernel reads, writes or numbers by quads. */
  domainStrides(): number[][] {
    const { shape } = this.group;
    const result: number[][] = [contiguousStrides(shape)];
    for (const read of this.reads) {
      if (read.node.op.kind !== 'matmul' && this.readsByQuad(read.node)) {
        result.push(this.fullStrides(read));
      }
    }
    for (const write of this.writes) {
      if (this.isByQuad(write.node)) result.push(alignStrides(write.location.strides, shape));
    }
    for (const node of this.order) {
      if (!this.readsByQuad(node)) continue;
      if (node.op.kind === 'noise') result.push(noiseStrides(shape));
      for (const input of node.inputs) {
        const { base, strides } = accessIn(input, readShape(node, input, this.group));
        if (base.op.kind === 'iota') result.push(this.countedStrides(node, strides));
      }
    }
    return result;
  }

  /** What values of a level read from memory that is the same for all rows of a block. */
  steadyReads(level: 'full' | 'row'): Read[] {
    return this.reads.filter(
      (read) =>
        this.group.levels.get(read.node) === level &&
        read.node.op.kind === 'elementwise' &&
        this.isSteady(level === 'full' ? this.fullStrides(read) : this.rowStridesOf(read)),
    );
  }

  isSteady(strides: readonly number[] | undefined): boolean {
    return strides !== undefined && this.group.over.every((axis) => strides[axis] === 0);
  }

  /** Strides of a row's value over the axes of rows, where its shape is theirs. */
  rowStridesOf({ node, location }: Read): readonly number[] | undefined {
    const rows = this.group.shape.slice(0, node.rank);
    return sameShape(node.shape, rows) ? location.strides : undefined;
  }

  isByQuad(node: Tensor): boolean {
    const level = this.group.levels.get(node);
    return level === 'full' || level === 'side';
  }

  readsByQuad(node: Tensor): boolean {
    if (this.isByQuad(node)) return true;
    if (node.op.kind !== 'reduce') return false;
    // A fold of rows' values takes them one by one.
    const base = (accessOf(node.inputs[0] as Tensor) as Access).base;
    return this.group.levels.get(node) === 'row' || this.group.levels.get(base) !== 'row';
  }

  /** The same of numbers that are counted and not read. */
  countedStrides(node: Tensor, strides: readonly number[]): number[] {
    if (node.op.kind === 'gather') return [strides[0] as number, 0];
    return alignStrides(strides, this.group.shape);
  }

  /** Strides of a read over the domain; a gathered table's row is chosen at run time. */
  fullStrides(read: Read): number[] {
    const { strides } = read.location;
    if (read.node.op.kind === 'gather') {
      return isTable(read) ? [0, strides[1] as number] : [strides[0] as number, 0];
    }
    return alignStrides(strides, this.group.shape);
  }
}

/** Whether a read is of a table whose rows are gathered. */
export const isTable = ({ node, input }: Read): boolean => node.op.kind === 'gather' && input === 0;

/** From one row of a table to the next. */
export const tableStride = ({ location }: Read): number => location.strides[0] as number;

/** Strides that count quads: each line of a noise tensor starts a new one. */
export function noiseStrides(shape: readonly number[]): number[] {
  const line = shape.findLastIndex((extent) => extent !== 1);
  return contiguousStrides(shape.map((e, axis) => (axis === line ? Math.ceil(e / 4) * 4 : e)));
}
