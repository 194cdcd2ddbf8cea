// Draws of models that are drawn from place after place. Walks are compiled once for a number of rows and
// replayed: the host writes which noise and which order, and reads what came of it.
import { input, type Variable } from '../../graph/variable.ts';
import { assign, randomNormal, step } from '../../ops/index.ts';
import { Random, seedWords } from '../../random.ts';
import type { Plan, Runtime } from '../../scheduler/index.ts';
import { STREAMS } from '../../streams.ts';
import type { AncestralAbility } from '../abilities.ts';
import { type Model, need } from '../model.ts';
import { chosenRows, groupsIn } from './chosen.ts';
import { Inference } from './inference.ts';
import type { Asked, Codes, DecodeOptions, DrawOptions, Shown } from './interface.ts';
import { classesInTurn, labelsOf, ofClasses } from './labels.ts';
import { withNoise } from './noise.ts';
import { replay } from './replay.ts';
import {
  BLOCK,
  checkStop,
  checkWhole,
  fullBatch,
  type RowSource,
  type Rows,
  rowsOf,
  type WorkOptions,
} from './rows.ts';
import { WalkPlans } from './walks.ts';

/** Rows at once: few for whoever wants few. */
const SIZES = [1, 8, BLOCK] as const;
const NO_ROWS: RowSource = () => new Float32Array(0);

interface Made {
  readonly plans: WalkPlans;
  readonly end: Plan;
  readonly order: Variable;
  readonly codes: Variable | undefined;
  readonly labels: Variable | undefined;
  /** The groups that codes are drawn from, as rows with one 1, where any are asked for. */
  readonly chosen: Variable | undefined;
  /** Fills `codes` from the prior, or from the groups. */
  readonly prior: Plan | undefined;
}

/** Rows [count, D] and log p of each, given its code where there is one. */
export interface Ancestral {
  readonly x: Float32Array;
  readonly logProb: Float32Array;
}

/**
 * A model at work whose rows are drawn one place after the other. A draw follows from the seed and the
 * row's place alone, however many are asked for. What has no sequence (codes) is asked as of any model.
 *
 * ```ts
 * const asked = new AncestralInference(runtime, model);
 * const images = await asked.sample(16, 'draw', 7); // [16, D]
 * await asked.destroy();
 * ```
 */
export class AncestralInference implements Asked {
  readonly model: Model;
  readonly runtime: Runtime;
  private readonly ability: AncestralAbility;
  private readonly plain: Inference;
  private readonly made = new Map<string, Promise<Made>>();

  /** @throws LatentGpuError `bad-input` for a model that does not draw a row place after place */
  constructor(runtime: Runtime, model: Model) {
    this.runtime = runtime;
    this.model = model;
    this.ability = need(model, 'ancestral', 'this');
    this.plain = new Inference(runtime, model);
  }

  encode(x: Rows, count: number, options?: WorkOptions): Promise<Codes> {
    return this.plain.encode(x, count, options);
  }

  drawCodes(
    x: Rows,
    count: number,
    drawSeed?: number,
    options?: WorkOptions,
  ): Promise<Float32Array> {
    return this.plain.drawCodes(x, count, drawSeed, options);
  }

  /** Draws of p(x | z) of codes [count, M]: there is no mean of them. */
  async decode(
    z: Rows,
    count: number,
    _shown: Shown = 'draw',
    drawSeed = 0,
    options: DecodeOptions = {},
  ): Promise<Float32Array> {
    const { size } = need(this.model, 'code', 'this');
    return (await this.drawn(count, drawSeed, options, rowsOf('codes', z, count, size))).x;
  }

  async reconstruct(
    x: Rows,
    count: number,
    shown: Shown = 'draw',
    drawSeed = 0,
    options: DecodeOptions = {},
  ): Promise<Float32Array> {
    const { labels, ...rest } = options;
    const { mean } = await this.encode(x, count, rest);
    const classes = labels ?? (typeof x === 'function' ? x.labels : undefined);
    return await this.decode(mean, count, shown, drawSeed, {
      ...rest,
      ...(classes && { labels: classes }),
    });
  }

  async sample(
    count: number,
    _shown: Shown = 'draw',
    drawSeed = 0,
    options: DrawOptions = {},
  ): Promise<Float32Array> {
    return (await this.drawn(count, drawSeed, options)).x;
  }

  /** The same with the log-probability of what was drawn. @param codes of the rows; default: of the prior */
  drawn(
    count: number,
    drawSeed = 0,
    { signal, onProgress, labels, groups }: DrawOptions = {},
    codes?: RowSource,
  ): Promise<Ancestral> {
    checkWhole('count', count, 1);
    const { features, can } = this.model;
    const inTurn = codes ? undefined : can.condition && classesInTurn(can.condition, count);
    const classes = labels ?? inTurn;
    const told = ofClasses(NO_ROWS, classes);
    const chosen = groups && chosenRows(groupsIn(this.model), groups);
    const found = { x: new Float32Array(count * features), logProb: new Float32Array(count) };
    const size = SIZES.find((n) => n >= count) ?? SIZES[2];
    return withNoise(this.runtime, seedWords(drawSeed), async () => {
      const made = await this.madeFor(size, chosen !== undefined);
      const perWalk = made.plans.draws;
      for (let start = 0; start < count; start += size) {
        const end = Math.min(count, start + size);
        const orders = this.ordersOf(start, end, drawSeed);
        if (made.codes && codes) this.runtime.write(made.codes, fullBatch(codes, start, end, size));
        if (made.chosen && chosen) {
          this.runtime.write(made.chosen, fullBatch(chosen, start, end, size));
        }
        if (made.labels) {
          const part = { start, end, size, isNeeded: true };
          this.runtime.write(made.labels, labelsOf(this.model, told, part));
        }
        const kinds = [...new Set(orders)];
        for (const [k, order] of kinds.entries()) {
          checkStop(signal, `sampling of ${count} rows`);
          this.runtime.write(step, [(start / size) * perWalk]);
          this.runtime.write(made.order, [order]);
          await this.through(made, codes === undefined, {
            ...(signal && { signal }),
            onProgress: (part) =>
              onProgress?.((start + ((end - start) * (k + part)) / kinds.length) / count),
          });
          checkStop(signal, `sampling of ${count} rows`);
          const [x, logProb] = await replay(made.end, ['x', 'logProb']);
          orders.forEach((own, i) => {
            if (own !== order) return;
            const row = (x as Float32Array).subarray(i * features, (i + 1) * features);
            found.x.set(row, (start + i) * features);
            found.logProb[start + i] = logProb?.[i] as number;
          });
        }
      }
      return found;
    });
  }

  /** The order that each row is drawn in, from the seed and the row's place. */
  private ordersOf(start: number, end: number, drawSeed: number): number[] {
    const { orders = 1 } = this.ability;
    return Array.from({ length: end - start }, (_, i) =>
      orders === 1 ? 0 : new Random(drawSeed, STREAMS.chosenMasks, start + i).integer(orders),
    );
  }

  private async through(
    { plans, prior }: Made,
    isOfPrior: boolean,
    work: WorkOptions,
  ): Promise<void> {
    if (isOfPrior) await prior?.run();
    await plans.run(work);
  }

  private madeFor(size: number, isOfGroups: boolean): Promise<Made> {
    const key = `${size} ${isOfGroups}`;
    const known = this.made.get(key);
    if (known) return known;
    const made = this.make(size, isOfGroups);
    this.made.set(key, made);
    // A failure is the caller's to handle, and need not happen again.
    made.catch(() => this.made.delete(key));
    return made;
  }

  private async make(size: number, isOfGroups: boolean): Promise<Made> {
    const { runtime, model, ability } = this;
    const { code, draw, condition } = model.can;
    const order = input('order', [1], 'u32');
    const codes = code && draw ? input('codes', [size, code.size]) : undefined;
    const labels = condition && input('labels', [size], 'u32');
    const groups = isOfGroups ? groupsIn(model) : undefined;
    const chosen = groups && input('chosen', [size, groups.count]);
    const walk = ability.walk({
      rows: size,
      order,
      ...(codes && { codes }),
      ...(labels && { labels }),
    });
    return {
      plans: await WalkPlans.of(runtime, walk),
      order,
      codes,
      labels,
      end: await runtime.compile({ outputs: { ...walk.result } }),
      chosen,
      prior:
        codes && draw && code
          ? await runtime.compile({
              effects: [
                assign(
                  codes,
                  groups && chosen
                    ? groups.codes(chosen)
                    : draw.codes(randomNormal([size, code.size])),
                ),
              ],
            })
          : undefined,
    };
  }

  async destroy(): Promise<void> {
    for (const each of this.made.values()) {
      const { plans, end, order, codes, labels, chosen, prior } = await each;
      plans.destroy(this.runtime);
      for (const plan of [end, prior]) plan?.destroy();
      for (const held of [order, codes, labels, chosen]) if (held) this.runtime.release(held);
    }
    this.made.clear();
    await this.plain.destroy();
  }
}
