// The kernels of a stage as one, whose workgroups are shared out among them.
import type { Tensor } from '../../graph/tensor.ts';
import { isVariable } from '../../graph/variable.ts';
import { joinKernels, workgroupSizeOf } from '../../kernels/join.ts';
import { WORKGROUP_BYTES, workgroupBytesOf } from '../../kernels/workgroup-memory.ts';
import { memoryBytes } from '../fuse/traffic.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import { bufferOf, type KernelBinding } from '../place/kernel-binding.ts';
import type { Kernel } from './kernel.ts';

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
