// What is missing of series that are drawn a step after the other, by particles that are shown what is seen.
import { hottest } from '../../distributions/index.ts';
import {
  add,
  exp,
  logSumExp,
  matmul,
  mul,
  randomGumbel,
  reshape,
  softmax,
  step,
  sub,
  unsqueeze,
} from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { ImputeAbility } from '../abilities.ts';
import type { Model } from '../model.ts';
import { Feed } from './feed.ts';
import { Found } from './found.ts';
import type { Imputed, ImputeOptions } from './imputed.ts';
import { replay } from './replay.ts';
import { checkStop, type RowSource, rowsAtOnce } from './rows.ts';
import { WalkPlans } from './walks.ts';

/** Particles at once, which bound memory, and how long a step takes. */
const PARTICLES = 2000;

/** Means of the particles by their weights, and draws among them. */
export async function byParticles(
  runtime: Runtime,
  model: Model,
  ability: ImputeAbility & { readonly kind: 'particles' },
  rows: RowSource,
  count: number,
  { samples, draws = 0, signal, onProgress }: ImputeOptions,
): Promise<Imputed> {
  const { features } = model;
  const most = Math.max(1, Math.floor(rowsAtOnce(model, PARTICLES) / samples));
  const size = Math.min(most, count);
  const feed = new Feed(model, size, rows);
  const walk = ability.walk(feed.batch, samples);
  const plans = await WalkPlans.of(runtime, walk);
  const logWeights = reshape(walk.result.logProb, [size, samples]);
  const x = reshape(walk.result.x, [size, samples, features]);
  const shares = softmax(logWeights, -1);
  const scores = draws > 0 && add(unsqueeze(logWeights, 1), randomGumbel([size, draws, samples]));
  const end = await runtime.compile({
    outputs: {
      mean: matmul(unsqueeze(shares, 1), x),
      // (Σ w)² / Σ w².
      effective: exp(sub(mul(2, logSumExp(logWeights, -1)), logSumExp(mul(2, logWeights), -1))),
      ...(scores && { draws: matmul(hottest(scores), x) }),
    },
  });
  const found = new Found(count, features, draws);
  const effectiveSampleSize = new Float64Array(count);
  const perWalk = plans.draws + 1;
  try {
    for (let start = 0; start < count; start += size) {
      const stop = Math.min(count, start + size);
      feed.write(runtime, rows, start, stop);
      runtime.write(step, [(start / size) * perWalk]);
      await plans.run({
        ...(signal && { signal }),
        onProgress: (part) => onProgress?.((start + (stop - start) * part) / count),
      });
      checkStop(signal, 'filling in');
      const [mean, effective, drawn] = await replay(end, [
        'mean',
        'effective',
        ...(draws > 0 ? ['draws'] : []),
      ]);
      found.setMean(mean as Float32Array, start, stop);
      effectiveSampleSize.set((effective as Float32Array).subarray(0, stop - start), start);
      if (drawn) found.setDraws(drawn, start, stop);
    }
  } finally {
    end.destroy();
    plans.destroy(runtime);
    feed.release(runtime);
  }
  return Object.assign(found, { effectiveSampleSize });
}
