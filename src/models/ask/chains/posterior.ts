// Draws of p(z | x) by Hamiltonian Monte Carlo: what q(z | x) is an approximation of.
import type { Tensor } from '../../../graph/tensor.ts';
import { type Variable, variable } from '../../../graph/variable.ts';
import {
  add,
  addUint,
  assign,
  mul,
  reshape,
  scatterRows,
  step,
  toUint,
} from '../../../ops/index.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { type Model, need } from '../../model.ts';
import { Feed } from '../feed.ts';
import { withOwnNoise } from '../noise.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from '../rows.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import { StepSizes } from './step-size.ts';
import { type Leap, Trajectory } from './trajectory.ts';

export interface ChainOptions extends WorkOptions {
  /** Chains of a row, from draws of the prior. */
  readonly chains: number;
  /** Trajectories of each by which step sizes are learned, and which do not count. */
  readonly warmUp: number;
  /** Trajectories after those, of which each yields a draw; at least 4. */
  readonly draws: number;
  /** Leapfrog steps of a trajectory. */
  readonly leapfrog: number;
  /** Of the noise. */
  readonly seed?: number;
  /** Whether draws are kept beside their moments. */
  readonly keeps?: boolean;
}

/** Of rows 0 to `count`, with codes of M numbers. */
export interface PosteriorDraws {
  /** [count, M]. */
  readonly mean: Float32Array;
  readonly std: Float32Array;
  /** Split R-hat and effective draws of each number of a code, [count, M]. */
  readonly rHat: Float64Array;
  readonly effectiveSampleSize: Float64Array;
  /** Mean acceptance of a row's trajectories, [count]. */
  readonly acceptance: Float64Array;
  /** The last draw of a row's first chain, [count, M]. */
  readonly last: Float32Array;
  /** [count, chains, draws, M], if they are kept. */
  readonly draws: Float32Array | undefined;
}

/** Decoded codes of one step, which bound its memory. */
const DECODED = 2000;
/** Numbers of draws that the GPU keeps at once. */
const KEPT = 2 ** 22;

/**
 * Chains for rows 0 to `count`, as many rows side by side as there is room for. A row's noise follows from
 * the seed and its place.
 *
 * ```ts
 * const options = { chains: 4, warmUp: 500, draws: 500, leapfrog: 10 };
 * const { mean, rHat } = await samplePosterior(runtime, model, rows, 10, options); // [10, M]
 * ```
 *
 * @throws LatentGpuError `bad-input` for a model whose codes have no gradient to follow, `interrupted`
 */
export function samplePosterior(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  options: ChainOptions,
): Promise<PosteriorDraws> {
  checkWhole('count', count, 1);
  checkWhole('chains', options.chains, 1);
  checkWhole('warmUp', options.warmUp, 1);
  checkWhole('draws', options.draws, 4);
  checkWhole('leapfrog', options.leapfrog, 1);
  return withOwnNoise(runtime, options.seed ?? 1, 0x686d6300, () =>
    sampled(runtime, model, rows, count, options),
  );
}

/** What a batch of chains leaves behind. */
class Trace {
  /** A row a trajectory: [draws, B C M]. */
  readonly codes: Variable;
  readonly accepted: Variable;
  readonly at = variable('draws so far', [1], { dtype: 'u32' });
  /** Scalar of the host: 1 while draws are kept. */
  readonly isDrawing = variable('is drawing', []);

  constructor(rows: number, chains: number, size: number, draws: number) {
    this.codes = variable('draws', [draws, rows * chains * size]);
    this.accepted = variable('accepted', [rows, chains]);
  }

  /** @param isDrawing whether what follows counts */
  begin(runtime: Runtime, isDrawing: boolean): void {
    runtime.write(this.at, Uint32Array.of(0));
    runtime.write(this.accepted, new Float32Array(this.accepted.size));
    runtime.write(this.isDrawing, [Number(isDrawing)]);
  }

  /** Effects of a step: every one writes, and a trajectory's last stays. */
  keep({ isLast, acceptance, codes }: Leap): Tensor[] {
    const { at, accepted } = this;
    const counts = mul(isLast, this.isDrawing);
    return [
      scatterRows(this.codes, at, reshape(codes, [1, -1])),
      assign(at, addUint(at, toUint(counts))),
      assign(accepted, add(accepted, mul(counts, acceptance))),
    ];
  }

  release(runtime: Runtime): void {
    const { codes, accepted, at, isDrawing } = this;
    for (const each of [codes, accepted, at, isDrawing]) runtime.release(each);
  }
}

async function sampled(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { chains, warmUp, draws, leapfrog, signal, onProgress, keeps = false }: ChainOptions,
): Promise<PosteriorDraws> {
  const { size: M } = need(model, 'code', 'this');
  const most = Math.floor(
    Math.min(rowsAtOnce(model, DECODED, rows) / chains, KEPT / (draws * chains * M)),
  );
  const size = Math.min(count, Math.max(1, most));
  const feed = new Feed(model, size, rows);
  const chain = new Trajectory(model, feed.batch, { chains, leapfrog });
  const sizes = new StepSizes(size, M);
  const trace = new Trace(size, chains, M, draws);
  const leap = chain.leap(sizes);
  const [begin, walk] = await Promise.all([
    runtime.compile({ effects: chain.begin() }),
    runtime.compile({ effects: [...leap.effects, ...sizes.learn(leap), ...trace.keep(leap)] }),
  ]);
  const total = warmUp + draws;
  const found = new Found(count, chains, draws, M, keeps);
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      const noise = (start / size) * (total * leapfrog + 1);
      runtime.write(step, [noise]);
      await begin.run();
      runtime.write(step, [noise + 1]);
      let before = 0;
      const go = async (trajectories: number) => {
        await walk.run(trajectories * leapfrog, {
          onProgress: (done) =>
            onProgress?.((start + ((end - start) * (before + done / leapfrog)) / total) / count),
          ...(signal && { signal }),
        });
        checkStop(signal, 'drawing codes');
        before += trajectories;
      };
      trace.begin(runtime, false);
      sizes.begin(runtime);
      // Codes find where they belong, tell how they vary there, and step sizes are learned for that.
      const quarter = Math.floor(warmUp / 4);
      await go(quarter);
      sizes.gather(runtime);
      await go(quarter);
      await sizes.rescale(runtime);
      await go(warmUp - 2 * quarter);
      await sizes.settle(runtime);
      trace.begin(runtime, true);
      await go(draws);
      const [kept, accepted] = await Promise.all(
        [trace.codes, trace.accepted].map((each) => runtime.read(each)),
      );
      found.take(kept as Float32Array, accepted as Float32Array, start, end);
    }
  } finally {
    for (const plan of [begin, walk]) plan.destroy();
    for (const each of [feed, chain, sizes, trace]) each.release(runtime);
  }
  return found;
}

/** What is known of rows, as they are found. */
class Found implements PosteriorDraws {
  readonly mean: Float32Array;
  readonly std: Float32Array;
  readonly rHat: Float64Array;
  readonly effectiveSampleSize: Float64Array;
  readonly acceptance: Float64Array;
  readonly last: Float32Array;
  readonly draws: Float32Array | undefined;
  private readonly extents: {
    readonly chains: number;
    readonly draws: number;
    readonly size: number;
  };

  constructor(count: number, chains: number, draws: number, size: number, keeps: boolean) {
    this.extents = { chains, draws, size };
    this.mean = new Float32Array(count * size);
    this.std = new Float32Array(count * size);
    this.rHat = new Float64Array(count * size);
    this.effectiveSampleSize = new Float64Array(count * size);
    this.acceptance = new Float64Array(count);
    this.last = new Float32Array(count * size);
    this.draws = keeps ? new Float32Array(count * chains * draws * size) : undefined;
  }

  /** @param kept [draws, B, C, M], @param accepted [B, C] */
  take(kept: Float32Array, accepted: Float32Array, start: number, end: number): void {
    const { chains, draws, size } = this.extents;
    const width = kept.length / draws;
    for (let row = start; row < end; row++) {
      const own = accepted.subarray((row - start) * chains, (row - start + 1) * chains);
      this.acceptance[row] = own.reduce((a, b) => a + b, 0) / chains / draws;
      for (let m = 0; m < size; m++) {
        const traces = Array.from({ length: chains }, (_, c) => {
          const at = ((row - start) * chains + c) * size + m;
          return Float64Array.from({ length: draws }, (_, t) => kept[t * width + at] as number);
        });
        this.set(row * size + m, diagnose(traces));
        this.last[row * size + m] = traces[0]?.at(-1) as number;
        traces.forEach((trace, c) => {
          trace.forEach((value, t) => {
            if (this.draws) this.draws[((row * chains + c) * draws + t) * size + m] = value;
          });
        });
      }
    }
  }

  private set(at: number, { mean, std, rHat, effectiveSampleSize }: Diagnosis): void {
    this.mean[at] = mean;
    this.std[at] = std;
    this.rHat[at] = rHat;
    this.effectiveSampleSize[at] = effectiveSampleSize;
  }
}
