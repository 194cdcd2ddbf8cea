// What a group of nodes reads and writes: the basis of its bindings, its traffic and its lifetime.
import { contiguousStrides, sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { accessOf, isPacked, isVirtual, pitchOf } from '../lower/access.ts';
import { targetOf } from '../lower/effects.ts';
import type { Dependencies } from './dependencies.ts';
import { accessIn, type Group, readShape } from './group.ts';
import { homeOf, type Location, locate } from './location.ts';

export interface Read {
  readonly node: Tensor;
  /** Which input of the node. */
  readonly input: number;
  readonly location: Location;
}

export interface Write {
  readonly node: Tensor;
  readonly location: Location;
}

export interface Traffic {
  readonly reads: Read[];
  readonly writes: Write[];
}

/**
 * Everything a group takes from memory and leaves there. Strides are over the reader's shape.
 *
 * @param whole the group of which it is a link: what that needs by itself is not left in memory
 */
export function trafficOf(group: Group, dependencies: Dependencies, whole = group): Traffic {
  const reads: Read[] = [];
  const writes: Write[] = [];
  for (const node of group.levels.keys()) {
    if (node !== group.columnSum) {
      node.inputs.forEach((input, i) => {
        const base = accessOf(input)?.base as Tensor;
        if (isVirtual(base) || group.levels.has(base)) return;
        const access = accessIn(input, readShape(node, input, group));
        reads.push({ node, input: i, location: locate(access, dependencies) });
      });
    }
    const target = targetOf(node);
    if (target) {
      writes.push({ node, location: { memory: target, offset: 0, strides: targetStrides(node) } });
    } else if (dependencies.isKept(node, whole)) {
      writes.push({ node, location: homeOf(node, dependencies) });
    }
  }
  return { reads, writes };
}

/** Strides over an effect's shape of where it writes, but for what is chosen at run time. */
function targetStrides({ op, shape }: Tensor): number[] {
  if (op.kind === 'store') return [];
  const strides = contiguousStrides(shape);
  return op.kind === 'scatter' ? [0, strides[1] as number] : strides;
}

/** Elements a memory holds (bytes for a byte table), those between rows included. */
export function memoryElements(memory: Tensor): number {
  const pitch = pitchOf(memory);
  return pitch === undefined ? memory.size : (memory.shape[0] as number) * pitch;
}

function elementBytes(memory: Tensor): number {
  return memory.dtype === 'u8' ? 1 : isPacked(memory) ? 2 : 4;
}

/** Bytes a memory takes, padded so that four elements can be read wherever one can. */
export function memoryBytes(memory: Tensor): number {
  return Math.ceil((memoryElements(memory) * elementBytes(memory)) / 16) * 16;
}

/** Whether a read can come from a uniform binding: a value or four, the same for every element. */
export function isUniformRead(read: Read, written: ReadonlySet<Tensor>): boolean {
  const { memory, strides } = read.location;
  return (
    !isPacked(memory) &&
    memory.size <= 4 &&
    !written.has(memory) &&
    !['matmul', 'gather', 'kernel'].includes(read.node.op.kind) &&
    strides.every((stride) => stride === 0)
  );
}

/** Bindings a group's kernel needs. */
export function countBindings(
  group: Group,
  dependencies: Dependencies,
  whole = group,
): { storage: number; uniform: number } {
  const { reads, writes } = trafficOf(group, dependencies, whole);
  const written = new Set(writes.map((w) => w.location.memory));
  const storage = new Set<Tensor>(written);
  const uniform = new Set<Tensor>();
  let operands = 0;
  for (const read of reads) {
    if (read.node.op.kind === 'matmul') operands++;
    else if (isUniformRead(read, written)) uniform.add(read.location.memory);
    else storage.add(read.location.memory);
  }
  return { storage: storage.size + operands, uniform: uniform.size };
}

/** Whether a product would be written into memory from which its operands are read. */
export function writesItsOperand(group: Group, dependencies: Dependencies): boolean {
  if (group.kind !== 'matmul') return false;
  const { reads, writes } = trafficOf(group, dependencies);
  const written = new Set(writes.map((w) => w.location.memory));
  return reads.some((r) => r.node.op.kind === 'matmul' && written.has(r.location.memory));
}

/** Bytes a group must move: each memory it touches once, but no more than it touches of it. */
export function trafficBytes(group: Group, dependencies: Dependencies): number {
  const { reads, writes } = trafficOf(group, dependencies);
  const touched = new Map<Tensor, number>();
  const touch = (memory: Tensor, elements: number) => {
    const bytes = elements * elementBytes(memory);
    touched.set(memory, Math.min(memoryBytes(memory), (touched.get(memory) ?? 0) + bytes));
  };
  for (const { node, input, location } of reads) {
    const extents = readShape(node, node.inputs[input] as Tensor, group);
    const distinct = extents.filter((_, axis) => location.strides[axis] !== 0);
    const rows = node.op.kind === 'gather' && input === 0 ? node.size : sizeOf(distinct);
    touch(location.memory, rows);
  }
  let bytes = [...touched.values()].reduce((a, b) => a + b, 0);
  for (const { node } of writes) bytes += node.size * 4;
  return bytes;
}
