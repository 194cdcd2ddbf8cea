// A pass over the data that adds statistics up, and what ends it: how models learn that have no gradient
// to follow (EM, closed forms). A step is a batch of the pass, in the order of the data, so that every
// row counts once: the last batch of a pass has the rows that are left, and a plan of its own.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { packParameters, type Variable } from '../graph/variable.ts';
import type { Batch } from '../nn/index.ts';
import { addUint, assign, step } from '../ops/index.ts';
import { targetsOf } from '../optim/index.ts';
import type { Runtime } from '../scheduler/index.ts';
import { type Passes, passesOf } from './batches.ts';
import { type Description, prefixed, type RunData } from './description.ts';

export interface Sweep {
  /**
   * Effects that add a batch's statistics to variables. Described twice where rows are left over at the
   * end of a pass: for `batch` rows, and for those.
   */
  readonly gather: (batch: Batch) => readonly Tensor[];
  /**
   * What ends a pass: effects on the GPU, or work of the host, in float64 say, a function of what it
   * reads of the runtime's variables alone. It also empties the statistics for the next pass.
   */
  readonly settle: readonly Tensor[] | ((runtime: Runtime) => Promise<void>);
  /** Scalars of the statistics of a pass, taken before it is settled. One called `loss` is watched. */
  readonly metrics?: Readonly<Record<string, Tensor>>;
  /** Variables that a run could not go on without, by name, beside those that effects write. */
  readonly state?: Readonly<Record<string, Variable>>;
}

export interface SweepOptions extends RunData {
  readonly sweep: Sweep;
}

export interface SweepDescription extends Description {
  readonly batches: Passes;
  /** A full batch's, with the step counter's advance; and those of the rows left over. */
  readonly effects: readonly Tensor[];
  readonly lastEffects: readonly Tensor[] | undefined;
  readonly settle: Sweep['settle'];
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/**
 * @throws LatentGpuError `bad-config` if the data cannot fill a batch, or two variables of its state have
 *   one name
 */
export function describeSweep(options: SweepOptions): SweepDescription {
  const { model, sweep, data, batch, binarize = 'none', residentBytes } = options;
  const { metrics = {}, settle } = sweep;
  const batches = passesOf(data, {
    batch,
    binarization: binarize,
    seed: options.seed ?? 0,
    ...(options.noise !== undefined && { noise: options.noise }),
    ...(residentBytes !== undefined && { residentBytes }),
  });
  const parameters = packParameters(model.parameters());
  const next = assign(step, addUint(step, 1));
  const effects = [...sweep.gather(batches.batch), next];
  const lastEffects = batches.last && [...sweep.gather(batches.last), next];
  const settled = typeof settle === 'function' ? [] : settle;
  const names = Object.keys(metrics);
  return {
    batches,
    effects,
    lastEffects,
    settle,
    metrics,
    trained: { parameters, tables: [] },
    state: {
      parameters,
      ...prefixed('sweep', statistics([...effects, ...(lastEffects ?? []), ...settled])),
      ...prefixed('buffer', model.namedBuffers()),
      ...prefixed('state', Object.entries(sweep.state ?? {})),
      step,
    },
    names,
    columns: names,
    watched: metrics.loss ? { loss: metrics.loss } : {},
    advice: 'look for values in the data that the model cannot explain',
    start: options.start?.(batches.batch) ?? [],
  };
}

/** What is added up, by name. */
function statistics(effects: readonly Tensor[]): [string, Variable][] {
  const held = targetsOf(effects, 'state').filter((variable) => variable !== step);
  const names = new Set<string>();
  for (const { name } of held) {
    if (names.has(name)) {
      throw new LatentGpuError(
        'bad-config',
        `two variables of a sweep are called '${name}'; give each a name of its own`,
      );
    }
    names.add(name);
  }
  return held.map((variable) => [variable.name, variable]);
}
