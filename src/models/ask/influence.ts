// Which channel's past tells of which: how much worse a model of series predicts a channel once the past of
// another is not its own.
import { input } from '../../graph/variable.ts';
import type { Runtime } from '../../scheduler/index.ts';
import { type Model, need } from '../model.ts';
import { Feed } from './feed.ts';
import { checkStop, checkWhole, type RowSource, rowsAtOnce, type WorkOptions } from './rows.ts';

/** Rows of one step, where they leave room. */
const ROWS = 200;

export interface ChannelInfluence {
  readonly channels: number;
  /** [C, C], in nats a step: element (i, j) is what the past of i tells of j. */
  readonly matrix: Float64Array;
  /** log p of each channel a step, with every past its own: [C]. */
  readonly logProb: Float64Array;
}

/**
 * I(i → j) = E[log p(x_j | past) - log p(x_j | past, that of i replaced by another row's)] a step, over rows 0
 * to `count`. The other row is the one half of the rows further on, so that its past is as likely and tells
 * nothing. What i tells beyond all others counts, as in Granger's sense of cause (Granger 1969), and is
 * measured by permutation (Breiman 2001) of a model that was trained once; Li, Yu and Principe 2023 read such
 * a matrix off sparse weights instead. A model sees what it was trained to see: channels that move together
 * share their influence, and an order smaller than the lag sees nothing. About 0 (it may be below) where there
 * is none.
 *
 * @throws LatentGpuError `bad-input` for a model that predicts no channels, `bad-config` for fewer than two rows
 * @example const influence = await channelInfluence(runtime, model, rows, 1000);
 */
export async function channelInfluence(
  runtime: Runtime,
  model: Model,
  rows: RowSource,
  count: number,
  { onProgress, signal }: WorkOptions = {},
): Promise<ChannelInfluence> {
  checkWhole('count', count, 2);
  const { channels, steps, logProb } = need(model, 'byChannel', 'this');
  const size = Math.min(count, rowsAtOnce(model, ROWS));
  const feed = new Feed(model, size, rows);
  const seen = input('seen', [size, model.features]);
  const plan = await runtime.compile({ outputs: { logProb: logProb(feed.batch, seen) } });
  const own = new Float64Array(channels);
  const lost = new Float64Array(channels * channels);
  const away = Math.floor(count / 2);
  try {
    for (let start = 0; start < count; start += size) {
      const end = Math.min(count, start + size);
      feed.write(runtime, rows, start, end);
      const x = rows(start, end);
      const others = rowsAround(rows, start + away, end - start, count, model.features);
      const asked = async (channel?: number): Promise<Float32Array> => {
        checkStop(signal, 'the measurement');
        const told = new Float32Array(size * model.features);
        told.set(x);
        for (let at = channel ?? others.length; at < others.length; at += channels) {
          told[at] = others[at] as number;
        }
        runtime.write(seen, told);
        await plan.run();
        return (await plan.read('logProb')) as Float32Array;
      };
      const whole = await asked();
      const n = (end - start) * channels;
      for (let at = 0; at < n; at++) {
        own[at % channels] = (own[at % channels] as number) + (whole[at] as number);
      }
      for (let i = 0; i < channels; i++) {
        const without = await asked(i);
        for (let at = 0; at < n; at++) {
          const to = i * channels + (at % channels);
          lost[to] = (lost[to] as number) + (whole[at] as number) - (without[at] as number);
        }
        onProgress?.((start + ((end - start) * (i + 1)) / channels) / count);
      }
    }
  } finally {
    plan.destroy();
    feed.release(runtime);
    runtime.release(seen);
  }
  const each = (sum: number) => sum / (count * steps);
  return { channels, matrix: lost.map(each), logProb: own.map(each) };
}

/** `length` rows from one on, the first after the last. */
function rowsAround(
  rows: RowSource,
  from: number,
  length: number,
  count: number,
  features: number,
): Float32Array {
  const found = new Float32Array(length * features);
  for (let done = 0; done < length; ) {
    const start = (from + done) % count;
    const end = Math.min(count, start + length - done);
    found.set(rows(start, end), done * features);
    done += end - start;
  }
  return found;
}
