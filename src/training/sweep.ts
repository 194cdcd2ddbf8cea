// A pass over the data that adds statistics up, and what ends it: how models learn that have no gradient
// to follow (EM, closed forms). A step is a batch of the pass, in the order of the data, so that every
// row counts once: the last batch of a pass has the rows that are left, and a plan of its own.
import { LatentGpuError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { packParameters, type Variable } from '../graph/variable.ts';
import type { Sweep } from '../models/index.ts';
import { addUint, assign, step } from '../ops/index.ts';
import { targetsOf } from '../optim/index.ts';
import { batchesOf, type Passes, passesOf } from './batches.ts';
import { type Description, prefixed, type RunData } from './description.ts';

export interface SweepOptions extends RunData {
  readonly sweep: Sweep;
}

export interface SweepDescription extends Description {
  readonly batches: Passes;
  /** Those of the rows left over at the end of a pass. */
  readonly lastEffects: readonly Tensor[] | undefined;
  readonly settle: Sweep['settle'];
  readonly metrics: Readonly<Record<string, Tensor>>;
  readonly converged: Variable | undefined;
}

/**
 * @throws LatentGpuError `bad-config` if the data cannot fill a batch, or two variables of its state have
 *   one name
 */
export function describeSweep(options: SweepOptions): SweepDescription {
  const { model, sweep, data, batch, binarize = 'none', residentBytes } = options;
  const { metrics = {}, settle, converged } = sweep;
  const how = {
    batch,
    binarization: binarize,
    seed: options.seed ?? 0,
    ...(options.noise !== undefined && { noise: options.noise }),
    ...(residentBytes !== undefined && { residentBytes }),
  };
  const batches: Passes = sweep.isShuffled
    ? { ...batchesOf(data, how), last: undefined }
    : passesOf(data, how);
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
    converged,
    trained: { parameters, tables: [] },
    state: {
      parameters,
      ...prefixed('sweep', statistics([...effects, ...(lastEffects ?? []), ...settled])),
      ...prefixed('buffer', model.namedBuffers()),
      ...prefixed('state', Object.entries(sweep.state ?? {})),
      ...(converged && { converged }),
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
