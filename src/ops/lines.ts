// Elements of lines picked by their places, and put there: what sorting does with values and with gradients.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';
import { mostInvocations } from '../kernels/matmul.ts';
import {
  putLines as putLinesKernel,
  takeLines as takeLinesKernel,
} from '../kernels/shaders.gen.ts';

const WORKGROUP = 64;

const lineOf = ({ shape }: { readonly shape: readonly number[] }) => shape.at(-1) as number;

const takeOp = defineOp({
  name: 'takeLines',
  kind: 'kernel',
  vjp: ({ inputs: [x, index] }, gradient) => [
    putLines(gradient, index as Tensor, lineOf(x as Tensor)),
    undefined,
  ],
  reference: ([x, index], node) => {
    const [from, places] = [x as NdArray, index as NdArray];
    const [n, count] = [lineOf(from), lineOf(node)];
    return ndarray(
      node.shape,
      places.data.map((i, at) =>
        i < n ? (from.data[Math.floor(at / count) * n + i] as number) : Number.NaN,
      ),
    );
  },
  kernel: (node) => {
    const [N, COUNT] = [lineOf(node.inputs[0] as Tensor), lineOf(node)];
    return {
      shader: takeLinesKernel,
      constants: { LINES: node.size / COUNT, N, COUNT, WORKGROUP },
      workgroups: Math.ceil(node.size / WORKGROUP),
      flops: 0,
    };
  },
});

/** Elements of x [..., N] at unsigned places [..., K], each at most once, which gradients rely on: [..., K]. */
export function takeLines(x: Tensor, index: Tensor): Tensor {
  return new Tensor(takeOp, [x, index], index.shape, 'f32');
}

const putOp = defineOp({
  name: 'putLines',
  kind: 'kernel',
  vjp: ({ inputs: [, index] }, gradient) => [takeLines(gradient, index as Tensor), undefined],
  reference: ([x, index], node) => {
    const [n, count] = [lineOf(node), lineOf(x as NdArray)];
    const result = ndarray(node.shape);
    (index as NdArray).data.forEach((i, at) => {
      if (i < n) result.data[Math.floor(at / count) * n + i] = (x as NdArray).data[at] as number;
    });
    return result;
  },
  kernel: (node, adapter) => {
    const [N, COUNT] = [lineOf(node), lineOf(node.inputs[0] as Tensor)];
    const LINES = node.size / N;
    // Without a GPU a line has one invocation, which waits for nobody; but loops are to end.
    const alone = adapter.isSoftware && adapter.loopTurns === undefined;
    const LANES = alone ? 1 : mostInvocations(adapter);
    const workgroup = Math.max(WORKGROUP, LANES);
    return {
      shader: putLinesKernel,
      constants: { LINES, N, COUNT, LANES, WORKGROUP: workgroup },
      workgroups: Math.ceil((LINES * LANES) / workgroup),
      flops: 0,
      turns: Math.ceil((N + COUNT) / LANES),
    };
  },
});

/** Lines [..., N] of zeros in which elements [..., K] stand at places [..., K]: the adjoint of {@link takeLines}. */
function putLines(x: Tensor, index: Tensor, n: number): Tensor {
  return new Tensor(putOp, [x, index], [...x.shape.slice(0, -1), n], 'f32');
}
