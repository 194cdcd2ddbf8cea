// A convolution's weight in the layout in which pixels are multiplied before they are summed.
import { type NdArray, ndarray } from '../graph/ndarray.ts';
import { defineOp, Tensor } from '../graph/tensor.ts';

const WORKGROUP = 64;

interface Attributes {
  readonly out: number;
  readonly channels: number;
  readonly taps: readonly [number, number];
  readonly back: boolean;
}

const attributesOf = (node: Tensor) => node.attrs as unknown as Attributes;

const mirrorOp = defineOp({
  name: 'mirrorTaps',
  kind: 'kernel',
  vjp: (node, gradient) => [
    mirrored(gradient, { ...attributesOf(node), back: !attributesOf(node).back }),
  ],
  reference: ([x], node) => {
    const { out, channels, taps, back } = attributesOf(node);
    const [rows, count] = [out * channels, taps[0] * taps[1]];
    const result = ndarray(node.shape);
    const { data } = x as NdArray;
    for (let at = 0; at < node.size; at++) {
      const there = (at % rows) * count + count - 1 - Math.floor(at / rows);
      if (back) result.data[there] = data[at] as number;
      else result.data[at] = data[there] as number;
    }
    return result;
  },
  kernel: (node) => {
    const { out, channels, taps, back } = attributesOf(node);
    return {
      shader: 'mirror_taps',
      constants: {
        OUT: out,
        IN: channels,
        TAPS: taps[0] * taps[1],
        BACK: String(back),
        WORKGROUP,
      },
      workgroups: Math.ceil(node.size / WORKGROUP),
      flops: 0,
    };
  },
});

function mirrored(x: Tensor, attributes: Attributes): Tensor {
  const { out, channels, taps, back } = attributes;
  const shape = back ? [out, channels, ...taps] : [taps[0] * taps[1] * out, channels];
  return new Tensor(mirrorOp, [x], shape, 'f32', { ...attributes });
}

/** [out, in, kernel height, kernel width] as [taps · out, in], the last tap first. */
export function mirrorTaps(weight: Tensor): Tensor {
  const [out, channels, height, width] = weight.shape as [number, number, number, number];
  return mirrored(weight, { out, channels, taps: [height, width], back: false });
}
