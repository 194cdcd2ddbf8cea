// Which groups that do not depend on each other are to share a dispatch: a launch is spared, and small
// products fill a GPU together.
import { termsOf } from '../../graph/products.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Dependencies } from '../fuse/dependencies.ts';
import type { Group } from '../fuse/group.ts';
import { isUniformRead, trafficOf } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { bufferOf } from './kernel-binding.ts';

/** Multiplications beyond which a product gains nothing from company. */
const LARGE_PRODUCT = 2 ** 27;

/**
 * Multiplications beyond which a product keeps the machine busy: two of them in one dispatch gain
 * nothing, and a software adapter's compiler makes slower code of both (a tenth, measured) in twice the
 * time that it takes for them one by one.
 */
const BUSY_PRODUCT = { software: 2 ** 19, hardware: 2 ** 25 };

/** Elements beyond which a kernel that is no product gains nothing from company. */
const LARGE = 2 ** 13;

/** More parts make a kernel that is slow to compile, and equal to no other. */
const MOST = 4;

/** Multiplications of a product; none of any other group. */
function multiplications(group: Group): number {
  if (group.kind !== 'matmul') return 0;
  const [product] = group.levels.keys();
  return sizeOf(group.shape) * termsOf(product as Tensor);
}

function isSmall(group: Group): boolean {
  if (group.kind === 'own' || group.kind === 'layers') return false;
  if (group.kind === 'matmul') return multiplications(group) <= LARGE_PRODUCT;
  return sizeOf(group.shape) <= LARGE && group.splits === 1;
}

/** Whether groups that do not depend on each other are worth a common dispatch, and may have one. */
export function canShareDispatch(
  groups: readonly Group[],
  dependencies: Dependencies,
  adapter: AdapterClass,
): boolean {
  if (groups.length > MOST || !groups.every(isSmall)) return false;
  const busy = adapter.isSoftware ? BUSY_PRODUCT.software : BUSY_PRODUCT.hardware;
  if (groups.filter((group) => multiplications(group) > busy).length > 1) return false;
  const storage = new Set<string>();
  const uniform = new Set<Tensor>();
  const reads = new Map<Tensor, Set<Group>>();
  const writes = new Map<Tensor, Set<Group>>();
  for (const group of groups) {
    const traffic = trafficOf(group, dependencies);
    const written = new Set(traffic.writes.map(({ location }) => location.memory));
    for (const read of traffic.reads) {
      const { memory } = read.location;
      note(reads, bufferOf(memory), group);
      if (isUniformRead(read, written)) uniform.add(memory);
      else
        storage.add(`${group.id} ${read.node.op.kind === 'matmul' ? read.input : ''} ${memory.id}`);
    }
    for (const memory of written) {
      note(writes, bufferOf(memory), group);
      storage.add(`${group.id}  ${memory.id}`);
    }
  }
  if (storage.size > adapter.maxStorageBuffers || uniform.size > adapter.maxUniformBuffers)
    return false;
  // A buffer that one writes cannot be bound for reading by another.
  return [...writes].every(([buffer, writers]) =>
    [...(reads.get(buffer) ?? [])].every((reader) => writers.size === 1 && writers.has(reader)),
  );
}

function note(map: Map<Tensor, Set<Group>>, memory: Tensor, group: Group): void {
  const groups = map.get(memory);
  if (groups) groups.add(group);
  else map.set(memory, new Set([group]));
}
