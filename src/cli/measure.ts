// What `eval` and `score` have in common: a model is shown data, and what is found is told in one frame.
import { logScales } from '../data/standardize.ts';
import type { RowSource, WorkOptions } from '../models/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import type { LoadedModel } from '../training/model-folder.node.ts';
import type { Context } from './common/command.ts';
import { withModel } from './common/device.ts';
import { table } from './common/text.ts';
import type { Subject } from './data/subject.ts';

/** What was found of a model and its data. */
export interface Findings {
  /** For the JSON object. */
  readonly figures: object;
  /** The same for people, a line each; none if there is nothing to be said. */
  readonly lines: readonly (readonly string[])[];
  /** The end of the JSON object: what is long. */
  readonly details?: object;
}

/** What was found of each row's density. */
export interface Scores extends Findings {
  /** Of the data, not of what the model sees of them. */
  readonly logProb: Float64Array;
  /** What else is known of each row. */
  readonly rows: Readonly<Record<string, number[]>>;
}

/** Rows that are scored. */
export interface Shard {
  readonly count: number;
  readonly rows: RowSource;
}

/** Rows that a JSON object lists without being asked. */
export const LISTED = 1000;

/** What an evaluation is to be done with. */
export interface MeasureOptions extends WorkOptions {
  readonly seed: number;
  /** What log-densities of the data are less than those of what the model sees. */
  readonly logScale: number | Float64Array;
}

export interface Measurement {
  /** For the progress bar. */
  readonly label: string;
  readonly loaded: LoadedModel;
  readonly subject: Subject;
  /** When the command began, by `performance.now()`. */
  readonly began: number;
}

/** Puts a model on a device, lets `work` find out about its data, and tells the result. */
export async function measure(
  { label, loaded, subject, began }: Measurement,
  { out, signal, seed = 0 }: Context,
  work: (runtime: Runtime, options: MeasureOptions) => Promise<Findings>,
): Promise<void> {
  await withModel(loaded, async (runtime, device) => {
    const { figures, lines, details } = await out.progress(label, (bar) =>
      work(runtime, {
        seed,
        logScale: logScales(loaded.standardization, subject.dataset, loaded.model.can.densityOf),
        signal,
        onProgress: (fraction) => bar.update(fraction),
      }),
    );
    const adapter = device.adapter.name;
    const seconds = Number(((performance.now() - began) / 1000).toFixed(3));
    out.result(
      { ...figures, ...subject.summary, seed, adapter, seconds, ...details },
      lines.length === 0
        ? ''
        : table([
            ['data', subject.title],
            ...lines,
            ['adapter', adapter],
            ['time', `${seconds.toFixed(1)} s`],
          ]),
    );
  });
}
