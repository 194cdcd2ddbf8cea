// Series drawn a step after the other: freely, or given what is seen of them.
import type { Distribution } from '../distributions/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/variable.ts';
import { type Batch, type CausalWalk, type Held, shifted } from '../nn/index.ts';
import {
  add,
  assign,
  div,
  expand,
  full,
  gather,
  iota,
  less,
  logMeanExp,
  matmul,
  minimum,
  mul,
  randomUniform,
  reshape,
  slice,
  softmax,
  square,
  sum,
  toFloat,
  toUint,
  triangle,
  unsqueeze,
  where,
  zeros,
} from '../ops/index.ts';
import type { Walk } from './abilities.ts';

export interface Stepped {
  readonly net: CausalWalk;
  /** Of the step whose turn it is: parameters [rows, C]. */
  readonly conditional: Distribution;
  /** What the net is told of a value, once it is known. */
  readonly seen: (value: Tensor) => Tensor;
  readonly rows: number;
  readonly steps: number;
  readonly channels: number;
}

const assigned = (held: readonly Held[]) => held.map(([target, next]) => assign(target, next));

/** Draws of p(x), and log p of each. */
export function stepWalk({ net, conditional, seen, rows, steps, channels }: Stepped): Walk {
  const data = variable('data', [rows, steps * channels]);
  const logProb = variable('logProb', [rows]);
  const value = conditional.sample();
  return {
    start: [...net.start(), assign(data, zeros(data.shape)), assign(logProb, zeros([rows]))],
    legs: [
      {
        effects: assigned([
          ...net.next(seen(value)),
          [data, shifted(data, value)],
          [logProb, add(logProb, conditional.logProb(value))],
        ]),
        times: steps,
      },
    ],
    rounds: 1,
    result: { x: data, logProb },
    state: [...net.state, data, logProb],
  };
}

/** Of so many effective particles a row, or fewer, new ones are taken. */
const FEW = 0.5;

/**
 * Draws of p(x | what is seen) by particles: what is seen is taken as it is and weighs a particle by its density,
 * what is not is drawn, and where few particles carry the weight they are drawn anew by it (Gordon, Salmond and
 * Smith 1993; systematic draws, Kitagawa 1996). The mean over the particles of exp(log weight) estimates p(what
 * is seen) without bias.
 *
 * @param batch rows [B, D] and which of their values are seen; the walk has k rows for each of them
 * @param logWeights of the particles before the first step, [B, k]
 */
export function particleWalk(stepped: Stepped, { x, mask }: Batch, logWeights: Tensor): Walk {
  const { net, conditional, rows, steps, channels } = stepped;
  const [count, particles] = logWeights.shape as [number, number];
  if (!mask) throw new LatentGpuError('bad-input', 'nothing is missing: rows have no mask');
  const data = variable('data', [rows, steps * channels]);
  const weights = variable('weights', [count, particles]);
  const [seen, known] = [variable('seen', x.shape), variable('known', mask.shape)];
  const ofParticles = (register: Tensor): Tensor => {
    const now = unsqueeze(slice(register, 1, 0, channels), 1);
    return reshape(expand(now, [count, particles, channels]), [rows, channels]);
  };
  const isSeen = ofParticles(known);
  const value = where(isSeen, ofParticles(seen), conditional.sample());
  const own = reshape(conditional.logProb(value, isSeen), [count, particles]);
  const { ancestors, logWeights: after } = resampled(add(weights, own));
  const nothing = zeros([count, channels]);
  const moved: Held[] = [...net.next(stepped.seen(value)), [data, shifted(data, value)]];
  return {
    start: [
      ...net.start(),
      assign(data, zeros(data.shape)),
      assign(weights, logWeights),
      assign(seen, x),
      assign(known, mask),
    ],
    legs: [
      {
        effects: assigned([
          ...moved.map(([held, next]): Held => [held, gather(next, ancestors)]),
          [weights, after],
          [seen, shifted(seen, nothing)],
          [known, shifted(known, nothing)],
        ]),
        times: steps,
      },
    ],
    rounds: 1,
    result: { x: data, logProb: reshape(weights, [rows]) },
    state: [...net.state, data, weights, seen, known],
  };
}

/** Which particle follows which, unsigned [B · k], and what they weigh then, [B, k]. */
function resampled(logWeights: Tensor): { ancestors: Tensor; logWeights: Tensor } {
  const [count, particles] = logWeights.shape as [number, number];
  const shares = softmax(logWeights, -1);
  const isFew = less(div(1, sum(square(shares), -1, { keepDims: true })), FEW * particles);
  const upTo = triangle(full([particles, particles], 1), { upper: true });
  const reached = unsqueeze(matmul(shares, upTo), 1);
  const each = toFloat(iota(particles));
  const at = div(add(each, randomUniform([count, 1])), particles);
  const before = sum(less(reached, unsqueeze(at, 2)), -1);
  // The shares' sum may round to less than 1.
  const chosen = where(isFew, minimum(before, particles - 1), each);
  const first = mul(toFloat(iota(count)), particles);
  const ancestors = toUint(add(reshape(add(chosen, reshape(first, [count, 1])), [-1]), 0.5));
  const level = logMeanExp(logWeights, -1, { keepDims: true });
  return { ancestors, logWeights: where(isFew, expand(level, logWeights.shape), logWeights) };
}
