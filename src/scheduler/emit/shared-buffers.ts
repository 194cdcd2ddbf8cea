// WebGPU lets a dispatch bind a buffer for reading or for writing, not for both. Where a kernel reads
// one part of a buffer and writes another, both are bound for writing.

import type { MemoryMap } from '../place/memory.ts';
import type { Kernel } from './kernel.ts';

/** The kernel as it has to be with its memories where they are. */
export function withSharedBuffers(kernel: Kernel, { places }: MemoryMap): Kernel {
  const { bindings } = kernel;
  const written = new Set(
    bindings.filter(({ kind }) => kind === 'write').map(({ memory }) => places.get(memory)?.slot),
  );
  written.delete(undefined);
  let { code } = kernel;
  const bound = bindings.map((binding, i) => {
    const slot = places.get(binding.memory)?.slot;
    if (binding.kind !== 'read' || !written.has(slot)) return binding;
    code = code.replace(
      new RegExp(`(@binding\\(${i}\\)\\s*var<storage, )read>`),
      (_, start) => `${start}read_write>`,
    );
    return { ...binding, kind: 'write' as const };
  });
  return { ...kernel, code, bindings: bound };
}
