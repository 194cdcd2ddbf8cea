// Where the divergence of a bound goes: E_x KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)), with the
// aggregated posterior q(z) = 1/N Σ q(z|x_n). Hoffman and Johnson 2016.
import type { Tensor } from '../../graph/tensor.ts';
import { input, type Variable } from '../../graph/variable.ts';
import type { Batch } from '../../nn/index.ts';
import {
  add,
  expand,
  logSumExp,
  normalLogProb,
  reshape,
  step,
  unsqueeze,
} from '../../ops/index.ts';
import type { Runtime } from '../../scheduler/index.ts';
import type { CodeAbility } from '../abilities.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { moments } from './moments.ts';
import { withOwnNoise } from './noise.ts';
import { replay } from './replay.ts';
import { checkStop, checkWhole, type RowSource, type WorkOptions } from './rows.ts';

/** Means over rows, a draw of each, with standard errors; in nats. */
export interface Information {
  /** N: mutual information is at most log N. */
  readonly rows: number;
  /** Of the code with which of the rows it is of. */
  readonly mutualInformation: number;
  readonly mutualInformationError: number;
  /** KL(q(z) ‖ p(z)) of the aggregated posterior. */
  readonly marginalKl: number;
  readonly marginalKlError: number;
  /**
   * KL(q(z) ‖ Π_j q(z_j)), what the numbers of a code tell of each other, a part of `marginalKl` (Chen et al. 2018).
   * Of posteriors of which each number's deviation is known.
   */
  readonly totalCorrelation?: number;
  readonly totalCorrelationError?: number;
  /** Of q(z | x), the mean over rows. */
  readonly entropy: number;
}

/** Posteriors that meet all draws at once, and numbers of such a meeting, at most. */
const MET = 100;
const NUMBERS = 2 ** 23;
/** Added to the log-density by a row that is not there. */
const ABSENT = -1e30;

export interface InformationOptions extends WorkOptions {
  readonly seed?: number;
}

/**
 * Whether a model tells what this takes: densities of its posteriors and of its prior.
 *
 * @example if (hasInformation(model)) await information(runtime, model, rows, 1000);
 */
export function hasInformation({ can }: Model): boolean {
  return (
    can.code?.logProb !== undefined &&
    can.code.draw !== undefined &&
    can.draw?.logProb !== undefined
  );
}

/**
 * Of rows 0 to `count`: one code is drawn of each, and weighed by the posteriors of all.
 *
 * @throws LatentGpuError `bad-input` for a model without such densities, `interrupted`
 * @example const found = await information(runtime, model, rows, 1000);
 */
export function information(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { seed = 1, signal, onProgress }: InformationOptions = {},
): Promise<Information> {
  checkWhole('count', count, 1);
  return withOwnNoise(runtime, seed, 0x696e666f, async () => {
    const code = need(model, 'code', 'this');
    const latent = code.size;
    const size = Math.min(count, MET);
    const feed = new Feed(model, size, rows);
    const z = code.draw?.(feed.batch) as ReturnType<typeof input>;
    const drawing = await runtime.compile({
      outputs: {
        z,
        own: code.logProb?.(feed.batch, z) as typeof z,
        prior: need(model, 'draw', 'this').logProb?.(z) as typeof z,
      },
    });
    const codes = new Float32Array(count * latent);
    const [own, prior] = [new Float64Array(count), new Float64Array(count)];
    // Draws that meet the posteriors of a batch at once.
    const width = Math.max(1, Math.min(count, Math.floor(NUMBERS / (size * latent))));
    const met = input('met', [width, latent]);
    const presence = input('presence', [size]);
    const outputs = sumsOf(code, feed.batch, met, presence);
    const meeting = await runtime.compile({ outputs });
    const whole = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    const apart = new Float64Array(outputs.apart ? count * latent : 0).fill(
      Number.NEGATIVE_INFINITY,
    );
    try {
      for (let start = 0; start < count; start += size) {
        checkStop(signal, 'looking at the codes');
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        runtime.write(step, [start / size]);
        const read = await replay(drawing, ['z', 'own', 'prior']);
        codes.set((read[0] as Float32Array).subarray(0, (end - start) * latent), start * latent);
        own.set((read[1] as Float32Array).subarray(0, end - start), start);
        prior.set((read[2] as Float32Array).subarray(0, end - start), start);
      }
      for (let start = 0; start < count; start += size) {
        const end = Math.min(count, start + size);
        feed.write(runtime, rows, start, end);
        runtime.write(
          presence,
          Float32Array.from({ length: size }, (_, i) => (start + i < end ? 0 : ABSENT)),
        );
        for (let from = 0; from < count; from += width) {
          checkStop(signal, 'looking at the codes');
          const to = Math.min(count, from + width);
          const part = new Float32Array(width * latent);
          part.set(codes.subarray(from * latent, to * latent));
          runtime.write(met, part);
          const [sums, ofEach] = await replay(meeting, Object.keys(outputs));
          addLogs(whole.subarray(from, to), sums as Float32Array);
          if (ofEach) addLogs(apart.subarray(from * latent, to * latent), ofEach);
        }
        onProgress?.(end / count);
      }
    } finally {
      drawing.destroy();
      meeting.destroy();
      feed.release(runtime);
      runtime.release(met);
      runtime.release(presence);
    }
    const marginal = whole.map((value) => value - Math.log(count));
    const mutual = moments(own.map((value, i) => value - (marginal[i] as number)));
    const divergence = moments(marginal.map((value, i) => value - (prior[i] as number)));
    const correlation =
      outputs.apart &&
      moments(
        marginal.map((value, i) =>
          apart
            .subarray(i * latent, (i + 1) * latent)
            .reduce((left, each) => left - (each - Math.log(count)), value),
        ),
      );
    return {
      rows: count,
      mutualInformation: mutual.mean,
      mutualInformationError: mutual.standardError,
      marginalKl: divergence.mean,
      marginalKlError: divergence.standardError,
      ...(correlation && {
        totalCorrelation: correlation.mean,
        totalCorrelationError: correlation.standardError,
      }),
      entropy: -moments(own).mean,
    };
  });
}

/** log Σ q(z | x) over the rows of a batch at codes [W, M]: `whole` [W], and by numbers of a code, `apart` [W, M]. */
function sumsOf(
  code: CodeAbility,
  batch: Batch,
  met: Variable,
  presence: Tensor,
): Record<string, Tensor> {
  const [width, latent] = met.shape as [number, number];
  const size = presence.size;
  const all = expand(reshape(met, [1, width, latent]), [size, width, latent]);
  const each = code.logProb?.(batch, all) as Tensor;
  const logStd = code.logStd?.(batch);
  const apart = logStd && normalLogProb(all, unsqueeze(code.mean(batch), 1), unsqueeze(logStd, 1));
  const sum = (logs: Tensor) =>
    logSumExp(add(logs, reshape(presence, [size, ...Array(logs.rank - 1).fill(1)])), 0);
  return { whole: sum(each), ...(apart && { apart: sum(apart) }) };
}

/** log Σ of what is there and what comes to it. */
function addLogs(total: Float64Array, found: Float32Array): void {
  for (let i = 0; i < total.length; i++) {
    const [a, b] = [total[i] as number, found[i] as number];
    const most = Math.max(a, b);
    total[i] = most + Math.log(Math.exp(a - most) + Math.exp(b - most));
  }
}
