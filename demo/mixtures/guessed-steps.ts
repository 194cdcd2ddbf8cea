// Variational EM: q keeps to a family that the posterior need not be in, so that the E step raises the bound
// as far as that allows. The M step is the same, of statistics weighed by q (Neal and Hinton 1998).
import { input, ops, optim, type Tensor, type Variable, variable } from '../../src/index.ts';
import { mStep } from '../../src/models/families/gmm/m-step.ts';
import type { MixtureValues } from '../../src/models/families/gmm/mixture-values.ts';
import { guessedStatistics } from '../../src/models/families/gmm/statistics.ts';
import { Random } from '../../src/random.ts';
import { STREAMS } from '../../src/streams.ts';
import { replay } from '../lab/replay.ts';
import { type Ground, type HalfSteps, STARTS } from './track.ts';

/** `net`: a net of x tells log q, learned by gradients; `hard`: q is sure of one component. */
export type Guess = 'net' | 'hard';

/** Units of the net, steps of Adam in an E step, and their rate. */
const [UNITS, STEPS, RATE] = [12, 8, 0.03];
/** Stands for log 0: finite, because a kernel may assume that infinity does not occur. */
const LOG_ZERO = -60;
/** Nats a point that a round must bring. */
const TOLERANCE = 1e-6;
/** Rounds that bring less before it is done: a net's bound may fall for a while. */
const QUIET = 10;

export interface GuessOptions {
  readonly guess: Guess;
  readonly regularize: number;
  /** Of each coordinate over all points. */
  readonly deviation: ArrayLike<number>;
  readonly seed: number;
}

/** log q of a net with weights of its own for each start, and what a step of Adam makes of them. */
function netOf(ground: Ground, seed: number) {
  const { x, components, boundOf, runtime } = ground;
  const random = new Random(seed, STREAMS.shownSamples, 1);
  const weight = (name: string, from: number, to: number) => {
    const held = variable(name, [STARTS, from, to]);
    const values = Float32Array.from({ length: held.size }, () => random.normal());
    runtime.write(held, name === 'b' ? values.fill(0) : values.map((v) => v / Math.sqrt(from)));
    return held;
  };
  const [w, b, out, last] = [
    weight('w', 2, UNITS),
    weight('b', 1, UNITS),
    weight('out', UNITS, components),
    weight('b', 1, components),
  ] as const;
  const hidden = ops.tanh(ops.add(ops.matmul(ops.unsqueeze(x, 0), w), b));
  const logits = ops.add(ops.matmul(hidden, out), last);
  const logQ = ops.transpose(ops.logSoftmax(logits));
  const loss = ops.neg(ops.mean(boundOf(logQ)));
  const learned = [w, b, out, last];
  return { logQ, ...adamOf(loss, learned) };
}

/** The library's Adam on tensors that lie apart. */
function adamOf(loss: Tensor, learned: readonly Variable[]) {
  const rule = optim.adam({ lr: RATE });
  const count = input('updates', []);
  const state: Variable[] = [];
  const gradients = ops.gradient(loss, [...learned]);
  const effects = learned.flatMap((held, i) => {
    const own = Object.fromEntries(
      rule.state.map((name) => [name, variable(name, held.shape)] as const),
    );
    state.push(...Object.values(own));
    const next = rule.update({
      parameters: held,
      gradient: gradients[i] as Tensor,
      learningRate: ops.constant(RATE),
      count: ops.add(count, 1),
      state: own,
    });
    return [
      ops.assign(held, next.parameters),
      ...rule.state.map((name) => ops.assign(own[name] as Variable, next.state[name] as Tensor)),
    ];
  });
  return { state: [count, ...state], effects: [...effects, ops.assign(count, ops.add(count, 1))] };
}

/** The component that explains a point best, and no other. */
function hardOf({ joint }: Ground): Tensor {
  const isBest = ops.greaterEqual(joint, ops.max(joint, 1, { keepDims: true }));
  return ops.where(isBest, 0, LOG_ZERO);
}

export async function guessedSteps(ground: Ground, options: GuessOptions): Promise<HalfSteps> {
  const { runtime, kind, x, mixtures, guesses, boundOf } = ground;
  const net = options.guess === 'net' ? netOf(ground, options.seed) : undefined;
  for (const each of net?.state ?? []) runtime.write(each, new Float32Array(each.size));
  const { weight, first, second } = guessedStatistics(kind, x, mixtures, ops.exp(guesses));
  const outputs = { weight, first, second, bound: boundOf(guesses) };
  const [gather, infer, learn] = await Promise.all([
    runtime.compile({ outputs }),
    runtime.compile({ effects: [ops.assign(guesses, net?.logQ ?? hardOf(ground))] }),
    net && runtime.compile({ effects: net.effects }),
  ]);
  const lost = new Float32Array(STARTS);
  const best = new Float64Array(STARTS).fill(Number.NEGATIVE_INFINITY);
  let quiet = 0;
  return {
    infer: async () => {
      await learn?.run(STEPS);
      await infer.run();
    },
    settle: async () => {
      const [bound = [], ...sums] = await replay(gather, 'bound', 'weight', 'first', 'second');
      await settled(ground, sums, lost, options);
      const least = TOLERANCE * (x.shape[0] as number);
      const isRising = best.some((value, s) => (bound[s] as number) > value + least);
      best.forEach((value, s) => {
        best[s] = Math.max(value, bound[s] as number);
      });
      quiet = isRising ? 0 : quiet + 1;
      return quiet >= QUIET;
    },
    lost: async () => lost,
  };
}

/** Every start's mixture from its statistics, in float64; one that becomes singular stays as it was. */
async function settled(
  { runtime, kind, mixtures }: Ground,
  statistics: readonly ArrayLike<number>[],
  lost: Float32Array,
  { regularize, deviation }: GuessOptions,
): Promise<void> {
  const read = async (of: Promise<ArrayLike<number>>) => Float64Array.from(await of);
  const names = ['logWeights', 'mean', 'factor'] as const;
  const values = await Promise.all(names.map((name) => read(runtime.read(mixtures[name]))));
  const sums = statistics.map((each) => Float64Array.from(each));
  const part = (all: Float64Array, s: number) =>
    all.subarray((s * all.length) / STARTS, ((s + 1) * all.length) / STARTS);
  for (let s = 0; s < STARTS; s++) {
    if (lost[s]) continue;
    const [logWeights, mean, factor] = values.map((all) => part(all, s)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const [weight, first, second] = sums.map((all) => part(all, s)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const old: MixtureValues = { logWeights, mean, factor };
    const how = { kind, features: 2, regularize, deviation, revives: false };
    const found = mStep(old, { weight, first, second }, how);
    if ('collapse' in found) lost[s] = 1;
    else for (const name of names) old[name].set(found.mixture[name]);
  }
  names.forEach((name, i) => {
    runtime.write(mixtures[name], Float32Array.from(values[i] as Float64Array));
  });
}
