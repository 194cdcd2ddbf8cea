// Elementwise maps whose parameters come from a net: what couplings and autoregressive flows apply.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, exp, logSigmoid, mul, neg, slice, sub, tanh, zeros } from '../ops/index.ts';

/** A transformed tensor and the log-derivative of each element. */
export interface Transformed {
  readonly value: Tensor;
  readonly logSlope: Tensor;
}

export interface Transformer {
  /** Numbers a net gives for each element. */
  readonly parameters: number;
  /** @param parameters [..., parameters · W] for z [..., W]: a block of W after another */
  forward(z: Tensor, parameters: Tensor): Transformed;
  inverse(x: Tensor, parameters: Tensor): Transformed;
}

/** The blocks of parameters, each of the shape of what they transform. */
function blocks(parameters: Tensor, count: number): Tensor[] {
  const width = (parameters.shape.at(-1) as number) / count;
  return Array.from({ length: count }, (_, i) => slice(parameters, -1, i * width, (i + 1) * width));
}

/**
 * How a net's output h becomes a log-scale: `sigmoid`, log σ(h + 2), which starts near 1 and never
 * exceeds it (Glow's code); `soft`, a bound b·tanh(h/b), smooth and with a gradient everywhere.
 */
export type ScaleKind = 'sigmoid' | 'soft';

export const SCALES: readonly ScaleKind[] = ['sigmoid', 'soft'];

/** Log-scales stay within ± this. */
const BOUND = 3;

function logScale(h: Tensor, kind: ScaleKind): Tensor {
  return kind === 'sigmoid' ? logSigmoid(add(h, 2)) : mul(BOUND, tanh(mul(h, 1 / BOUND)));
}

/**
 * x = z · exp(s) + t (Dinh, Sohl-Dickstein and Bengio 2017).
 *
 * @throws LatentGpuError `bad-config` for a kind of scale that there is not
 * @example flows.affine().forward(ops.full([2], 3), ops.zeros([4])).value // [3, 3]
 */
export function affine(kind: ScaleKind = 'soft'): Transformer {
  if (!SCALES.includes(kind)) {
    throw new LatentGpuError('bad-config', `scale is '${kind}'; it may be ${SCALES.join(' or ')}`);
  }
  return {
    parameters: 2,
    forward(z, parameters) {
      const [shift, h] = blocks(parameters, 2);
      const s = logScale(h as Tensor, kind);
      return { value: add(mul(z, exp(s)), shift as Tensor), logSlope: s };
    },
    inverse(x, parameters) {
      const [shift, h] = blocks(parameters, 2);
      const s = neg(logScale(h as Tensor, kind));
      return { value: mul(sub(x, shift as Tensor), exp(s)), logSlope: s };
    },
  };
}

/** x = z + t, which keeps volume (Dinh, Krueger and Bengio 2014). */
export const additive: Transformer = {
  parameters: 1,
  forward: (z, shift) => ({ value: add(z, shift), logSlope: zeros(z.shape) }),
  inverse: (x, shift) => ({ value: sub(x, shift), logSlope: zeros(x.shape) }),
};
