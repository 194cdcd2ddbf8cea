// Kernels that do not depend on each other, in one dispatch: a launch is spared, and small products
// fill a GPU together.

import { sizeOf } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isVariable } from '../graph/variable.ts';
import { joinKernels, workgroupSizeOf } from '../kernels/join.ts';
import { WORKGROUP_BYTES, workgroupBytesOf } from '../kernels/workgroup-memory.ts';
import type { AdapterClass } from './adapter.ts';
import { isUniformRead, memoryBytes, trafficOf } from './bindings.ts';
import type { Dependencies } from './dependencies.ts';
import type { Group } from './group.ts';
import type { Kernel } from './kernel.ts';
import type { KernelBinding } from './kernel-parts.ts';

/** Multiplications beyond which a product gains nothing from company. */
const LARGE_PRODUCT = 2 ** 27;

/**
 * Multiplications beyond which a product keeps the machine busy: two of them in one dispatch gain
 * nothing, and a software adapter's compiler makes slower code of both (a tenth, measured).
 */
const BUSY_PRODUCT = { software: 2 ** 22, hardware: 2 ** 25 };

/** Elements beyond which a kernel that is no product gains nothing from company. */
const LARGE = 2 ** 13;

/** More parts make a kernel that is slow to compile, and equal to no other. */
const MOST = 4;

/** Multiplications of a product; none of any other group. */
function multiplications(group: Group): number {
  if (group.kind !== 'matmul') return 0;
  const [product] = group.levels.keys();
  return sizeOf(group.shape) * (((product as Tensor).inputs[0] as Tensor).shape.at(-1) as number);
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

const bufferOf = (memory: Tensor): Tensor =>
  isVariable(memory) && memory.parent ? memory.parent.variable : memory;

/** A binding's place in its buffer, in bytes. Memories that meet in a kernel share no place. */
interface Place {
  readonly buffer: Tensor;
  readonly start: number;
  readonly end: number;
  readonly kind: KernelBinding['kind'];
}

function placeOf({ memory, kind, offset, bytes }: KernelBinding): Place {
  const within = isVariable(memory) ? (memory.parent?.offset ?? 0) * 4 : 0;
  const start = within + offset;
  const end = start + (bytes ?? memoryBytes(memory) - offset);
  return { buffer: bufferOf(memory), start, end, kind };
}

const nameOf = ({ buffer, start, end }: Place): string => `${buffer.id} ${start} ${end}`;

/** Whether two bindings may stand side by side in one bind group, or be one. */
function agree(a: Place, b: Place): boolean {
  if (a.buffer !== b.buffer) return true;
  if (a.kind !== 'write' && b.kind !== 'write') return true;
  if (a.kind !== b.kind) return false;
  return a.end <= b.start || b.end <= a.start || (a.start === b.start && a.end === b.end);
}

/** The kernels of a stage, joined to one where their workgroups and bindings allow it. */
export function shareDispatch(kernels: readonly Kernel[], adapter: AdapterClass): Kernel[] {
  const result: Kernel[] = [];
  for (const kernel of kernels) {
    const last = result.at(-1);
    const joined =
      last && join([...(last.parts.length > 0 ? last.parts : [last]), kernel], adapter);
    if (joined) result[result.length - 1] = joined;
    else result.push(kernel);
  }
  return result;
}

function join(parts: readonly Kernel[], adapter: AdapterClass): Kernel | undefined {
  const [first] = parts as [Kernel];
  const size = workgroupSizeOf(first.code);
  const workgroups = parts.reduce((sum, { dispatch }) => sum + dispatch[0], 0);
  const isFlat = parts.every(({ dispatch }) => dispatch[1] === 1 && dispatch[2] === 1);
  if (!isFlat || workgroups > 65535) return undefined;
  if (!parts.every(({ code }) => workgroupSizeOf(code) === size)) return undefined;
  const places = parts.map(({ bindings }) => bindings.map(placeOf));
  const fits = places.every((own, i) =>
    places.every((others, k) => i >= k || own.every((a) => others.every((b) => agree(a, b)))),
  );
  if (!fits) return undefined;
  const { code, bindings } = joinKernels(
    parts.map(({ code, dispatch }, i) => ({
      code,
      workgroups: dispatch[0],
      bindings: (places[i] as Place[]).map(nameOf),
    })),
  );
  // Tiles of several products may be too much together.
  if (workgroupBytesOf(code) > WORKGROUP_BYTES) return undefined;
  const bound = bindings.map(
    ({ part, binding }) => (parts[part] as Kernel).bindings[binding] as KernelBinding,
  );
  const uniform = bound.filter(({ kind }) => kind === 'uniform').length;
  if (bound.length - uniform > adapter.maxStorageBuffers) return undefined;
  if (uniform > adapter.maxUniformBuffers) return undefined;
  // Two bindings for writing must not be two names of one place.
  const writes = bound.filter(({ kind }) => kind === 'write').map((b) => nameOf(placeOf(b)));
  if (new Set(writes).size < writes.length) return undefined;
  const distinct = (values: readonly string[]) =>
    [...new Set(values)].filter((value) => value !== '').join(' ∥ ');
  return {
    shader: distinct(parts.map(({ shader }) => shader)),
    variant: distinct(parts.map(({ variant }) => variant)),
    label: parts.map(({ label }) => label).join(' ∥ '),
    code,
    bindings: bound,
    dispatch: [workgroups, 1, 1],
    groups: parts.flatMap(({ groups }) => groups),
    parts,
    nodes: parts.flatMap(({ nodes }) => nodes),
    flops: parts.reduce((sum, { flops }) => sum + flops, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
