// How noisy an estimator's gradients are: mean, variance and signal-to-noise ratio over draws, for encoder
// and decoder. Rainforth et al. 2018, "Tighter variational bounds are not necessarily better".
import type { Tensor } from '../../graph/tensor.ts';
import { type Variable, variable } from '../../graph/variable.ts';
import {
  abs,
  add,
  addUint,
  assign,
  concat,
  div,
  gradient,
  greater,
  maximum,
  mul,
  neg,
  reshape,
  sqrt,
  square,
  step,
  sub,
  sum,
  where,
  zeros,
} from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { EstimateAbility } from '../abilities.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { withOwnNoise } from './noise.ts';
import { checkStop, checkWhole, type RowSource, type WorkOptions } from './rows.ts';

export interface GradientOptions extends WorkOptions {
  readonly estimators: readonly string[];
  /** Draws of the code a data point, K. */
  readonly samples: readonly number[];
  /** Gradients of each, with noise of their own. Default: 200. */
  readonly repeats?: number;
  readonly seed?: number;
}

/** Of one group of parameters. */
export interface GradientNoise {
  /** ‖E g‖, from the mean over the repeats. */
  readonly norm: number;
  /** Σ Var g over the parameters. */
  readonly variance: number;
  /** The mean over parameters of |E g| / σ(g), of those whose gradient varies. */
  readonly signalToNoise: number;
  /**
   * ‖mean - exact‖ where the exact gradient can be had, beside what chance explains of it: √(Σ Var g / R).
   */
  readonly error?: number;
  readonly chance?: number;
}

export interface EstimatorNoise {
  readonly estimator: string;
  readonly samples: number;
  readonly encoder: GradientNoise;
  readonly decoder: GradientNoise;
}

type Part = 'encoder' | 'decoder';
const PARTS: readonly Part[] = ['encoder', 'decoder'];

/**
 * Gradients of the mean bound of one batch, `count` rows, by each estimator. Sums of them and of their
 * squares are kept on the GPU; the host reads a few numbers.
 *
 * ```ts
 * const options = { estimators: ['stl', 'dreg'], samples: [1, 64] };
 * const found = await gradientNoise(runtime, model, rows, 100, options);
 * ```
 *
 * @throws LatentGpuError `bad-input` for a model without such estimators, `bad-config` for one that means
 *   nothing for it, `interrupted`
 */
export function gradientNoise(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { estimators, samples, repeats = 200, seed = 1, signal, onProgress }: GradientOptions,
): Promise<EstimatorNoise[]> {
  checkWhole('rows', count, 1);
  checkWhole('repeats', repeats, 2);
  const ability = need(model, 'estimate', 'this');
  return withOwnNoise(runtime, seed, 0x67726164, async () => {
    const feed = new Feed(model, count, rows);
    feed.write(runtime, rows, 0, count);
    const exact = await exactOf(runtime, ability, feed);
    const found: EstimatorNoise[] = [];
    try {
      const wanted = estimators.flatMap((estimator) =>
        samples.filter((k) => ability.allows(estimator, k)).map((k) => ({ estimator, samples: k })),
      );
      for (const [i, each] of wanted.entries()) {
        checkStop(signal, 'measuring gradients');
        const noise = await noiseOf(runtime, ability, feed, each, repeats, exact, signal);
        found.push({ ...each, ...noise });
        onProgress?.((i + 1) / wanted.length);
      }
    } finally {
      feed.release(runtime);
      for (const held of Object.values(exact ?? {})) runtime.release(held);
    }
    return found;
  });
}

/** All gradients of a part end to end. */
function packed(gradients: readonly Tensor[]): Tensor {
  return concat(
    gradients.map((g) => reshape(g, [g.size])),
    0,
  );
}

function gradientsOf(
  ability: EstimateAbility,
  feed: Feed,
  estimator: string,
  samples: number,
): Record<Part, Tensor> {
  const { encoder, decoder } = ability.parameters;
  const surrogate = neg(ability.loss(feed.batch, estimator, samples));
  const all = gradient(surrogate, [...encoder, ...decoder]);
  return {
    encoder: packed(all.slice(0, encoder.length)),
    decoder: packed(all.slice(encoder.length)),
  };
}

/** The exact gradient, where a sum over all codes gives it. */
async function exactOf(
  runtime: Runtime,
  ability: EstimateAbility,
  feed: Feed,
): Promise<Record<Part, Variable> | undefined> {
  if (!ability.exact) return undefined;
  const gradients = gradientsOf(ability, feed, ability.exact, 1);
  const kept = {
    encoder: variable('exact encoder', [gradients.encoder.size]),
    decoder: variable('exact decoder', [gradients.decoder.size]),
  };
  const plan = await runtime.compile({
    effects: PARTS.map((part) => assign(kept[part], gradients[part])),
  });
  await plan.run();
  plan.destroy();
  return kept;
}

async function noiseOf(
  runtime: Runtime,
  ability: EstimateAbility,
  feed: Feed,
  { estimator, samples }: { readonly estimator: string; readonly samples: number },
  repeats: number,
  exact: Record<Part, Variable> | undefined,
  signal: AbortSignal | undefined,
): Promise<Record<Part, GradientNoise>> {
  const gradients = gradientsOf(ability, feed, estimator, samples);
  const sums = PARTS.map((part) => {
    const { size } = gradients[part];
    // About the first gradient: squares of small differences lose no digits.
    const make = (name: string) => variable(`${name} ${part}`, [size]);
    return { part, size, origin: make('origin'), first: make('first'), second: make('second') };
  });
  const begin = await runtime.compile({
    effects: [
      ...sums.flatMap(({ part, size, origin, first, second }) => [
        assign(origin, gradients[part]),
        assign(first, zeros([size])),
        assign(second, zeros([size])),
      ]),
      assign(step, addUint(step, 1)),
    ],
  });
  const gather = await runtime.compile({
    effects: [
      ...sums.flatMap(({ part, origin, first, second }) => {
        const off = sub(gradients[part], origin);
        return [assign(first, add(first, off)), assign(second, add(second, square(off)))];
      }),
      assign(step, addUint(step, 1)),
    ],
  });
  const outputs: Record<string, Tensor> = {};
  for (const { part, origin, first, second } of sums) {
    const mean = div(first, repeats);
    const variance = maximum(
      mul(repeats / (repeats - 1), sub(div(second, repeats), square(mean))),
      0,
    );
    const whole = add(origin, mean);
    const varies = greater(variance, 1e-30);
    outputs[`${part} norm`] = sum(square(whole));
    outputs[`${part} variance`] = sum(variance);
    outputs[`${part} varying`] = sum(varies);
    outputs[`${part} ratio`] = sum(
      where(varies, div(abs(whole), sqrt(maximum(variance, 1e-30))), 0),
    );
    if (exact) outputs[`${part} error`] = sum(square(sub(whole, exact[part])));
  }
  const tell = await runtime.compile({ outputs });
  try {
    runtime.write(step, [0]);
    await begin.run();
    await gather.run(repeats, { ...(signal && { signal }) });
    checkStop(signal, 'measuring gradients');
    await tell.run();
    const read = async (name: string) => (await tell.read(name))[0] as number;
    const told = async (part: Part): Promise<GradientNoise> => {
      const variance = await read(`${part} variance`);
      return {
        norm: Math.sqrt(await read(`${part} norm`)),
        variance,
        signalToNoise: (await read(`${part} ratio`)) / Math.max(1, await read(`${part} varying`)),
        ...(exact && {
          error: Math.sqrt(await read(`${part} error`)),
          chance: Math.sqrt(variance / repeats),
        }),
      };
    };
    return { encoder: await told('encoder'), decoder: await told('decoder') };
  } finally {
    for (const plan of [begin, gather, tell]) plan.destroy();
    for (const { origin, first, second } of sums) {
      for (const held of [origin, first, second]) runtime.release(held);
    }
  }
}
