// A convolution's weight in the layout in which its adjoint multiplies places by it.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { adjointWeights as adjointWeightsKernel } from '../kernels/shaders.gen.ts';
import type { Window } from '../kernels/window.ts';

const WORKGROUP = 64;

type Attributes = Pick<Window, 'kernel' | 'stride' | 'top' | 'left'>;

const attributesOf = (node: Tensor) => node.attrs as unknown as Attributes;

/** Taps that reach a phase at most. */
export const phaseTaps = ({ kernel, stride }: Pick<Window, 'kernel' | 'stride'>) =>
  [Math.ceil(kernel[0] / stride), Math.ceil(kernel[1] / stride)] as const;

const adjointWeightsOp = defineOp({
  name: 'adjointWeights',
  kind: 'kernel',
  reference: ([w], node) => {
    const { kernel, stride, top, left } = attributesOf(node);
    const [tall, wide] = phaseTaps(attributesOf(node));
    const [, , channels] = node.shape as [number, number, number];
    const rows = ((node.inputs[0] as Tensor).shape[0] as number) * channels;
    const result = ndarray(node.shape);
    for (let at = 0; at < node.size; at++) {
      const tap = Math.floor(at / rows) % (tall * wide);
      const phase = Math.floor(at / (rows * tall * wide));
      const row = Math.floor(phase / stride) + top;
      const column = (phase % stride) + left;
      const u = stride * (tall - 1 - Math.floor(tap / wide)) + (row % stride);
      const v = stride * (wide - 1 - (tap % wide)) + (column % stride);
      if (u >= kernel[0] || v >= kernel[1]) continue;
      result.data[at] = (w as NdArray).data[
        ((at % rows) * kernel[0] + u) * kernel[1] + v
      ] as number;
    }
    return result;
  },
  kernel: (node) => {
    const { kernel, stride, top, left } = attributesOf(node);
    const [out, channels] = (node.inputs[0] as Tensor).shape as [number, number];
    return {
      shader: adjointWeightsKernel,
      constants: {
        OUT: out,
        IN: channels,
        KERNEL_HEIGHT: kernel[0],
        KERNEL_WIDTH: kernel[1],
        STRIDE: stride,
        SHIFT_TOP: top,
        SHIFT_LEFT: left,
        WORKGROUP,
      },
      workgroups: Math.ceil(node.size / WORKGROUP),
      flops: 0,
    };
  },
});

/**
 * Weights [O, C, u, v] as what each of s² phases multiplies the places around it by, the last tap first:
 * [s², ⌈u / s⌉ · ⌈v / s⌉ · O, C]. The scheduler makes it: it has no gradient.
 */
export function adjointWeights(w: Tensor, { kernel, stride, top, left }: Window): Tensor {
  const [out, channels] = w.shape as [number, number];
  const [tall, wide] = phaseTaps({ kernel, stride });
  const shape = [stride * stride, tall * wide * out, channels];
  return new Tensor(adjointWeightsOp, [w], shape, 'f32', { kernel, stride, top, left });
}
