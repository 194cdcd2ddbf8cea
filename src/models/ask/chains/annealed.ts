// log p(x) by annealed importance sampling (Neal 2001; of decoders: Wu, Burda, Salakhutdinov and Grosse 2017):
// chains go from the prior to the posterior through p(z) p(x | z)^β, and weigh what each rise of β brings.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import {
  add,
  assign,
  div,
  gather,
  mean,
  minimum,
  mul,
  reshape,
  scatterRows,
  sigmoid,
  step,
  sub,
  toUint,
  transpose,
  where,
} from '../../../ops/index.ts';
import { logsumexp } from '../../../ops/reference/special.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { type Model, need } from '../../model.ts';
import { Feed } from '../feed.ts';
import { withOwnNoise } from '../noise.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from '../rows.ts';
import { type RowScores, toldByWeights } from '../score.ts';
import { Trajectory } from './trajectory.ts';

export interface AnnealOptions extends WorkOptions {
  /** Chains of a row, each of which yields a weight. */
  readonly chains: number;
  /** Rises of β, with a trajectory after each. */
  readonly temperatures: number;
  /** Leapfrog steps of a trajectory. */
  readonly leapfrog: number;
  /** Of the noise. */
  readonly seed?: number;
}

export interface Annealed extends RowScores {
  /** Mean acceptance of a row's trajectories, [count]. */
  readonly acceptance: Float64Array;
}

/** Decoded codes of one step, which bound its memory. */
const DECODED = 2000;
/** β follows a logistic curve between -SHAPE and SHAPE: it rises slowly where much changes (Wu et al., 5). */
const SHAPE = 4;
/** Chains that only learn step sizes go through one temperature of so many. */
const STRIDE = 5;
/** What of trajectories is to be accepted, and how fast log ε follows a miss. */
const [TARGET, RATE] = [0.8, 0.4];
/** log ε at first. */
const FIRST = Math.log(0.5);

/**
 * log p of rows 0 to `count`, as many rows and chains side by side as there is room for. Step sizes are
 * learned by other chains beforehand, so that weights are unbiased. A row's noise follows from the seed and
 * its place.
 *
 * ```ts
 * const options = { chains: 16, temperatures: 500, leapfrog: 10 };
 * const { logProb } = await annealed(runtime, model, rows, 100, options); // [100]
 * ```
 *
 * @throws LatentGpuError `bad-input` for a model whose codes have no gradient to follow, `interrupted`
 */
export function annealed(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: AnnealOptions,
): Promise<Annealed> {
  checkWhole('count', count, 1);
  checkWhole('chains', options.chains, 1);
  checkWhole('temperatures', options.temperatures, 1);
  checkWhole('leapfrog', options.leapfrog, 1);
  return withOwnNoise(runtime, options.seed ?? 1, 0x61697300, () =>
    estimated(runtime, model, rows, count, options),
  );
}

const sigma = (x: number) => 1 / (1 + Math.exp(-x));

/** β after a part of the way, from 0 to 1. */
function betaAt(part: Tensor): Tensor {
  const [from, to] = [sigma(-SHAPE), sigma(SHAPE)];
  const raw = sigmoid(sub(mul(2 * SHAPE, part), SHAPE));
  return mul(sub(raw, from), 1 / (to - from));
}

/** What chains keep on their way. */
class Way {
  /** Temperatures that are done, and there are: scalars, of which the host sets the latter. */
  readonly at = variable('temperatures done', []);
  readonly temperatures = variable('temperatures', []);
  /** Scalar of the host: 1 for chains that learn step sizes, 0 for those that use them. */
  readonly isLearning = variable('is learning', []);
  readonly logWeights: Variable;
  readonly accepted: Variable;
  /** log ε of chains that learn it, [B, 1], and where it is kept, [temperatures, B]. */
  private readonly logStep: Variable;
  private readonly table: Variable;

  constructor(rows: number, chains: number, learned: number) {
    this.logWeights = variable('log weights', [rows, chains]);
    this.accepted = variable('accepted', [rows, chains]);
    this.logStep = variable('log step', [rows, 1]);
    this.table = variable('log steps', [learned, rows]);
  }

  begin(runtime: Runtime, temperatures: number, isLearning: boolean): void {
    const { at, logWeights, accepted, logStep } = this;
    for (const each of [at, logWeights, accepted]) {
      runtime.write(each, new Float32Array(each.size));
    }
    runtime.write(logStep, new Float32Array(logStep.size).fill(FIRST));
    runtime.write(this.temperatures, [temperatures]);
    runtime.write(this.isLearning, [Number(isLearning)]);
  }

  /** Effects of a step of the chains. */
  go(chain: Trajectory): Tensor[] {
    const { at, temperatures, isLearning, logWeights, accepted, logStep, table } = this;
    const learned = table.shape[0] as number;
    const [here, there] = [div(at, temperatures), div(add(at, 1), temperatures)];
    const place = reshape(toUint(minimum(mul(here, learned), learned - 1)), [1]);
    const known = transpose(gather(table, place));
    const used = where(isLearning, logStep, known);
    const { isFirst, isLast, acceptance, effects } = chain.leap({
      logStep: used,
      beta: betaAt(there),
    });
    const rise = mul(isFirst, sub(betaAt(there), betaAt(here)));
    const miss = sub(mean(acceptance, -1, { keepDims: true }), TARGET);
    const next = where(mul(isLast, isLearning), add(used, mul(RATE, miss)), used);
    return [
      ...effects,
      assign(logWeights, add(logWeights, mul(rise, chain.now.logLikelihood))),
      assign(accepted, add(accepted, mul(isLast, acceptance))),
      assign(at, add(at, isLast)),
      assign(logStep, next),
      scatterRows(table, place, transpose(next)),
    ];
  }

  release(runtime: Runtime): void {
    const { at, temperatures, isLearning, logWeights, accepted, logStep, table } = this;
    const held = [at, temperatures, isLearning, logWeights, accepted, logStep, table];
    for (const each of held) runtime.release(each);
  }
}

async function estimated(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { chains, temperatures, leapfrog, signal, onProgress }: AnnealOptions,
): Promise<Annealed> {
  need(model, 'joint', 'this');
  const size = Math.min(count, Math.max(1, Math.floor(rowsAtOnce(model, DECODED, rows) / chains)));
  const learned = Math.ceil(temperatures / STRIDE);
  const feed = new Feed(model, size, rows);
  const chain = new Trajectory(model, feed.batch, { chains, leapfrog });
  const way = new Way(size, chains, learned);
  const [begin, walk] = await Promise.all([
    runtime.compile({ effects: chain.begin() }),
    runtime.compile({ effects: way.go(chain) }),
  ]);
  const steps = (learned + temperatures) * leapfrog;
  const result = {
    logProb: new Float64Array(count),
    standardError: new Float64Array(count),
    effectiveSampleSize: new Float64Array(count),
    acceptance: new Float64Array(count),
  };
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      let noise = (start / size) * (steps + 2);
      const go = async (trajectories: number, before: number) => {
        way.begin(runtime, trajectories, before === 0);
        runtime.write(step, [noise++]);
        await begin.run();
        runtime.write(step, [noise]);
        noise += trajectories * leapfrog;
        await walk.run(trajectories * leapfrog, {
          onProgress: (done) =>
            onProgress?.((start + ((end - start) * (before + done)) / steps) / count),
          ...(signal && { signal }),
        });
        checkStop(signal, 'annealing');
      };
      await go(learned, 0);
      await go(temperatures, learned * leapfrog);
      const [weights, accepted] = (await Promise.all(
        [way.logWeights, way.accepted].map((each) => runtime.read(each)),
      )) as [Float32Array, Float32Array];
      for (let row = start; row < end; row++) {
        const own = (of: Float32Array) =>
          Float64Array.from(of.subarray((row - start) * chains, (row - start + 1) * chains));
        const logWeights = own(weights);
        const told = toldByWeights(
          logsumexp(logWeights),
          logsumexp(logWeights.map((w) => 2 * w)),
          chains,
        );
        result.logProb[row] = told.logProb;
        result.standardError[row] = told.standardError;
        result.effectiveSampleSize[row] = told.effectiveSampleSize;
        result.acceptance[row] = own(accepted).reduce((a, b) => a + b, 0) / chains / temperatures;
      }
    }
  } finally {
    for (const plan of [begin, walk]) plan.destroy();
    for (const each of [feed, chain, way]) each.release(runtime);
  }
  return result;
}
