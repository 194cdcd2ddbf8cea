// The flow that learns which noise makes grey levels continuous.
import { LatentGpuError } from '../../../errors.ts';
import {
  ActNorm,
  affine,
  Chain,
  type ConditionerFactory,
  Coupling,
  eventSize,
  VariationalDequantizer,
} from '../../../flows/index.ts';
import { formatShape, type Shape } from '../../../graph/shape.ts';
import { ConvNet, MLP } from '../../../nn/index.ts';
import type { FlowConfig } from './config.ts';

/** log of the scale at which normal noise through a sigmoid is about uniform: where learning begins. */
const LOG_SCALE = Math.log(1.7);

/** Images [H, W, C] are halved like a checkerboard, vectors [D] in the middle. */
function shapeOf({ data }: FlowConfig): Shape {
  const { shape } = data;
  return shape.length === 2 ? [...shape, 1] : shape;
}

/**
 * Couplings in turns, each of which is shown the whole image.
 *
 * @throws LatentGpuError `bad-config` if there is nothing that could be halved
 */
export function dequantizerOf(config: FlowConfig, levels: number): VariationalDequantizer {
  const { depth = 1, hidden = [] } = config.dequantizer ?? {};
  const shape = shapeOf(config);
  const isImage = shape.length > 1;
  const places = isImage ? shape.slice(0, -1) : shape;
  if (eventSize(places) < 2) {
    throw new LatentGpuError(
      'bad-config',
      `dequantize is variational, which takes two ${isImage ? 'pixels' : 'features'} or more, and data points are ${formatShape(config.data.shape)}; take uniform`,
    );
  }
  const net: ConditionerFactory = (input, output) => {
    const [from, to] = [input.at(-1) as number, output.at(-1) as number];
    return isImage
      ? new ConvNet(from, to, { hidden, zeroOutput: true })
      : new MLP([from, ...hidden, to], 'relu', { zeroOutput: true });
  };
  const couplings = Array.from(
    { length: depth },
    (_, i) =>
      new Coupling({
        shape,
        transformer: affine(),
        net,
        mask: isImage ? 'checkerboard' : 'half',
        flip: i % 2 === 1,
        context: shape.at(-1) as number,
      }),
  );
  return new VariationalDequantizer(
    new Chain([new ActNorm(shape, LOG_SCALE), ...couplings]),
    levels,
  );
}
