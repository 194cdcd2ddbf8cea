// What is missing, given what is seen. Of a model with codes by self-normalised importance sampling, means
// as Σ w̃ E[x | z] and draws by resampling codes (Mattei and Frellsen 2019; Rubin 1987).
import { hottest } from '../../distributions/index.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  exp,
  expand,
  greater,
  iota,
  less,
  logAddExp,
  logSumExp,
  max,
  mul,
  randomGumbel,
  reshape,
  step,
  sub,
  sum,
  toFloat,
  unsqueeze,
  where,
} from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { ImputeAbility } from '../abilities.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { Found } from './found.ts';
import type { Imputed, ImputeOptions } from './imputed.ts';
import { withOwnNoise } from './noise.ts';
import { byParticles } from './particles.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce } from './rows.ts';

/** Rows of one step, and decoded codes, which bound its memory. */
const ROWS = 20;
const DECODED = 2000;
/** Stands for log 0: finite, because a kernel may assume that infinity does not occur. */
const LOG_ZERO = -1e30;

/**
 * What rows 0 to `count` lack, given what they have. A row's noise follows from the seed and its place.
 *
 * @throws LatentGpuError `bad-input` for a model that takes no missing values, `interrupted`
 * @example const { mean } = await impute(runtime, model, rows, 100, { samples: 1000 });
 */
export function impute(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: ImputeOptions,
): Promise<Imputed> {
  checkWhole('count', count, 1);
  checkWhole('samples', options.samples, 2);
  checkWhole('draws', options.draws ?? 0, 0);
  const ability = need(model, 'impute', 'this');
  return withOwnNoise(runtime, options.seed ?? 1, 0x696d7075, () => {
    switch (ability.kind) {
      case 'exact':
        return exactly(runtime, model, ability, rows, count, options);
      case 'weighed':
        return bySamples(runtime, model, ability, rows, count, options);
      case 'particles':
        return byParticles(runtime, model, ability, rows, count, options);
    }
  });
}

async function exactly(
  runtime: Runtime,
  model: Model,
  ability: ImputeAbility & { readonly kind: 'exact' },
  rows: RowSource,
  count: number,
  { draws = 0, signal, onProgress }: ImputeOptions,
): Promise<Imputed> {
  const size = rowsAtOnce(model, Math.min(100, count), rows);
  const feed = new Feed(model, size, rows);
  const plan = await runtime.compile({ outputs: { mean: ability.mean(feed.batch) } });
  const drawing =
    draws > 0 ? await runtime.compile({ outputs: { x: ability.draw(feed.batch) } }) : undefined;
  const found = new Found(count, model.features, draws);
  try {
    for (let start = 0; start < count; start += size) {
      checkStop(signal, 'filling in');
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      const [mean] = await replay(plan, ['mean']);
      found.setMean(mean as Float32Array, start, end);
      for (let d = 0; drawing && d < draws; d++) {
        runtime.write(step, [(start / size) * draws + d]);
        const [x] = await replay(drawing, ['x']);
        found.setDraw(x as Float32Array, d, start, end);
      }
      onProgress?.(end / count);
    }
  } finally {
    plan.destroy();
    drawing?.destroy();
    feed.release(runtime);
  }
  return found;
}

/** What a row has gathered of its codes so far: sums of weights, of weighted means, and chosen codes. */
class Gathered {
  readonly drawn = variable('drawn', []);
  readonly logSum: Variable;
  readonly logSquares: Variable;
  readonly mean: Variable;
  /** Of each draw, the code with the largest log w + Gumbel noise, which is a draw by the weights. */
  readonly codes: Variable;
  readonly best: Variable;

  constructor(size: number, features: number, draws: number, latent: number) {
    this.logSum = variable('logSum', [size, 1]);
    this.logSquares = variable('logSquares', [size, 1]);
    this.mean = variable('mean', [size, features]);
    this.codes = variable('codes', [size, draws, latent]);
    this.best = variable('best', [size, draws, 1]);
  }

  begin(runtime: Runtime): void {
    const { drawn, logSum, logSquares, mean, best } = this;
    runtime.write(drawn, [0]);
    runtime.write(mean, new Float32Array(mean.size));
    for (const log of [logSum, logSquares, best]) {
      runtime.write(log, new Float32Array(log.size).fill(LOG_ZERO));
    }
  }

  release(runtime: Runtime): void {
    const { drawn, logSum, logSquares, mean, codes, best } = this;
    for (const held of [drawn, logSum, logSquares, mean, codes, best]) runtime.release(held);
  }
}

async function bySamples(
  runtime: Runtime,
  model: Model,
  ability: ImputeAbility & { readonly kind: 'weighed' },
  rows: RowSource,
  count: number,
  { samples, draws = 0, signal, onProgress }: ImputeOptions,
): Promise<Imputed> {
  const decoded = rowsAtOnce(model, DECODED);
  const most = Math.max(1, Math.min(ROWS, Math.floor(decoded / 2)));
  // Neither depends on how many rows there are, or a row's noise would.
  const width = Math.max(2, Math.min(samples, Math.floor(decoded / most)));
  const size = Math.min(most, count);
  const { features } = model;
  const { size: latent } = need(model, 'code', 'this');
  const feed = new Feed(model, size, rows);
  const kept = Math.max(1, draws);
  const state = new Gathered(size, features, kept, latent);
  const { codes, logWeights, means } = ability.of(feed.batch, width);
  // The last chunk may have more codes than are asked for.
  const wanted = less(add(toFloat(iota(width)), state.drawn), samples);
  const weights = where(expand(wanted, logWeights.shape), logWeights, LOG_ZERO);
  const total = logAddExp(state.logSum, logSumExp(weights, 1, { keepDims: true }));
  const shares = unsqueeze(exp(sub(weights, total)), 2);
  const scores = add(unsqueeze(weights, 1), randomGumbel([size, kept, width]));
  const top = max(scores, -1, { keepDims: true });
  const chosen = sum(mul(unsqueeze(hottest(scores), 3), unsqueeze(codes, 1)), 2);
  const isBetter = greater(top, state.best);
  const plan = await runtime.compile({
    effects: [
      assign(
        state.mean,
        add(mul(state.mean, exp(sub(state.logSum, total))), sum(mul(shares, means), 1)),
      ),
      assign(state.logSum, total),
      assign(
        state.logSquares,
        logAddExp(state.logSquares, logSumExp(mul(2, weights), 1, { keepDims: true })),
      ),
      ...(draws > 0
        ? [
            assign(state.codes, where(isBetter, chosen, state.codes)),
            assign(state.best, where(isBetter, top, state.best)),
          ]
        : []),
      assign(state.drawn, add(state.drawn, width)),
      assign(step, addUint(step, 1)),
    ],
  });
  const { draw } = need(model, 'decode', 'this');
  // Of each row's draws, the class is the row's.
  const { labels } = model.can.condition ? feed.batch : {};
  const { x } = feed.batch;
  const told = {
    ...(labels && { labels: reshape(expand(unsqueeze(labels, 1), [size, kept]), [size * kept]) }),
    ...(model.can.given && {
      x: reshape(expand(unsqueeze(x, 1), [size, kept, features]), [size * kept, features]),
    }),
  };
  const drawing =
    draws > 0 && draw
      ? await runtime.compile({ outputs: { x: draw(reshape(state.codes, [-1, latent]), told) } })
      : undefined;
  const steps = Math.ceil(samples / width);
  const found = new Found(count, features, drawing ? draws : 0);
  const effectiveSampleSize = new Float64Array(count);
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      state.begin(runtime);
      await plan.run(steps, {
        onProgress: (done) => onProgress?.((start + ((end - start) * done) / steps) / count),
        ...(signal && { signal }),
      });
      checkStop(signal, 'filling in');
      const [mean, one, two] = await Promise.all(
        [state.mean, state.logSum, state.logSquares].map((held) => runtime.read(held)),
      );
      found.setMean(mean as Float32Array, start, end);
      for (let i = 0; i < end - start; i++) {
        const [sumLog, squaresLog] = [one?.[i] as number, two?.[i] as number];
        effectiveSampleSize[start + i] = Math.exp(2 * sumLog - squaresLog);
      }
      if (drawing) {
        const [x] = await replay(drawing, ['x']);
        found.setDraws(x as Float32Array, start, end);
      }
    }
  } finally {
    plan.destroy();
    drawing?.destroy();
    feed.release(runtime);
    state.release(runtime);
  }
  return Object.assign(found, { effectiveSampleSize });
}
