// Counts what an engine asks of WebGPU, by wrapping the interface itself: the same for all of them.

export interface Counts {
  readonly dispatches: number;
  readonly submissions: number;
  readonly buffers: number;
  readonly pipelines: number;
  /** Times the host wrote into a buffer through the queue. */
  readonly writes: number;
}

const counts = { dispatches: 0, submissions: 0, buffers: 0, pipelines: 0, writes: 0 };
let liveBytes = 0;
let peakBytes = 0;

// biome-ignore lint/suspicious/noExplicitAny: methods of any arguments, which are passed on
type Method = (this: unknown, ...args: any[]) => unknown;

/** Has `seen` told of every call of a method, with its result. */
function watch(owner: { prototype: object } | undefined, name: string, seen: Method): void {
  const methods = owner?.prototype as Record<string, Method> | undefined;
  const original = methods?.[name];
  if (!methods || !original) return;
  methods[name] = function (this: unknown, ...args: unknown[]) {
    const result = original.apply(this, args);
    seen.call(this, result, ...args);
    return result;
  };
}

const count = (key: keyof Counts) => () => {
  counts[key] += 1;
};

/** Call before any engine is loaded. */
export function instrument(): void {
  const { GPUComputePassEncoder, GPUQueue, GPUDevice, GPUBuffer } = globalThis;
  watch(GPUComputePassEncoder, 'dispatchWorkgroups', count('dispatches'));
  watch(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', count('dispatches'));
  watch(GPUQueue, 'submit', count('submissions'));
  watch(GPUQueue, 'writeBuffer', count('writes'));
  watch(GPUDevice, 'createComputePipeline', count('pipelines'));
  watch(GPUDevice, 'createComputePipelineAsync', count('pipelines'));
  const alive = new WeakSet<GPUBuffer>();
  watch(GPUDevice, 'createBuffer', (buffer: GPUBuffer) => {
    counts.buffers += 1;
    alive.add(buffer);
    liveBytes += buffer.size;
    peakBytes = Math.max(peakBytes, liveBytes);
  });
  watch(GPUBuffer, 'destroy', function (this: unknown) {
    const buffer = this as GPUBuffer;
    if (alive.delete(buffer)) liveBytes -= buffer.size;
  });
}

export const look = (): Counts => ({ ...counts });

/** The most bytes that were created and not destroyed at once. */
export const peak = (): number => peakBytes;

export function since(before: Counts): Counts {
  const now = look();
  const keys = Object.keys(now) as (keyof Counts)[];
  return Object.fromEntries(keys.map((key) => [key, now[key] - before[key]])) as unknown as Counts;
}
