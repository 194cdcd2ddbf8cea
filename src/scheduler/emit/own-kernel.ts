// The kernel of a node with a shader of its own: its inputs and its result, each in memory of its own.
import { LatentGpuError } from '../../errors.ts';
import type { Op, Tensor } from '../../graph/tensor.ts';
import { specialize } from '../../kernels/specialize.ts';
import { accessIn } from '../fuse/group.ts';
import type { AdapterClass } from '../lower/adapter.ts';
import type { KernelBinding } from '../place/kernel-binding.ts';
import type { Footprint } from './footprint.ts';
import { grid, type Made } from './kernel-parts.ts';

export function ownKernel(footprint: Footprint, adapter: AdapterClass): Made {
  const node = footprint.order[0] as Tensor;
  const setup = (node.op.kernel as NonNullable<Op['kernel']>)(node, adapter);
  const { shader, constants, workgroups, hooks = {}, turns = 0 } = setup;
  const { loopTurns = Number.POSITIVE_INFINITY } = adapter;
  if (turns > loopTurns) {
    throw new LatentGpuError(
      'limit-exceeded',
      `${node} takes some ${Math.ceil(turns)} turns of loops, and this adapter's driver (Mesa's llvmpipe) ends them after ${loopTurns}; take another adapter or a smaller model`,
    );
  }
  const { dispatch, gridX } = grid(workgroups);
  const code = specialize(shader, { constants: { ...constants, GRID_X: gridX }, hooks });
  const inputs = node.inputs.map((input) => footprint.memoryOf(accessIn(input, input.shape)));
  const bindings: KernelBinding[] = [
    ...inputs.map((memory) => ({ memory, kind: 'read' as const, offset: 0 })),
    { memory: node, kind: 'write', offset: 0 },
  ];
  return { shader: shader.name, variant: '', code, bindings, dispatch };
}
