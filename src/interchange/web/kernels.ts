// Which nodes of a program have kernels: those that its parts need in memory.
import type { ProgramJson, ProgramKernel } from '../../sampler/program/format.ts';
import { memoryOf, type Node } from '../../sampler/program/nodes.ts';
import { Writer } from './wgsl.ts';

/** What is in memory already. */
const GIVEN = ['w', 'in', 'noise', 'state'];

export function kernelsOf(nodes: readonly Node[], parts: ProgramJson['parts']): ProgramKernel[] {
  const writer = new Writer(nodes);
  const made = new Map<number, ProgramKernel>();
  const needed = new Set<number>();
  for (const { legs, out } of Object.values(parts)) {
    writer.keep(out);
    needed.add(memoryOf(nodes, out));
    for (const i of legs.flat()) {
      const { op, inputs } = nodes[i] as Node;
      needed.add(op === 'assign' ? memoryOf(nodes, inputs[1] as number) : i);
    }
  }
  // Operands come before: what is added is met later on.
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (!needed.has(i) || GIVEN.includes(nodes[i]?.op as string)) continue;
    const kernel = writer.kernel(i);
    for (const operand of kernel[1]) needed.add(operand);
    made.set(i, kernel);
  }
  return [...made.values()].reverse();
}
