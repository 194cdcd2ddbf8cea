// Components that lose their rows get others: half of those of the heaviest, as in EM.
import { type Variable, variable } from '../../../graph/variable.ts';
import { constantInit } from '../../../nn/index.ts';
import { logsumexp } from '../../../ops/reference/special.ts';
import type { Runtime } from '../../../scheduler/index.ts';
import { revive } from '../gmm/m-step.ts';
import type { Mixture } from './bound.ts';

/** A component is dead that has less than this part of an even share of the rows. */
const DEAD = 0.02;
/** How often components may be given other rows, for each of them. */
const REVIVALS = 2;

export class Revival {
  /** Σ of the mean q(c | x) of the steps of this pass, [K]. */
  readonly usage: Variable;
  /** How many have been revived. */
  readonly revived: Variable;
  private readonly mixture: Record<keyof Mixture, Variable>;

  constructor(mixture: Record<keyof Mixture, Variable>) {
    this.mixture = mixture;
    this.usage = variable('usage', mixture.logits.shape, { init: constantInit(0) });
    this.revived = variable('revived', [], { init: constantInit(0) });
  }

  /** What ends a pass. */
  async tend(runtime: Runtime): Promise<void> {
    const { usage, revived, mixture } = this;
    const [used, [before]] = (await Promise.all([usage, revived].map((v) => runtime.read(v)))) as [
      Float32Array,
      Float32Array,
    ];
    runtime.write(usage, new Float32Array(used.length));
    const total = used.reduce((a, b) => a + b, 0);
    const dead = [...used.keys()].filter((k) => (used[k] as number) < (DEAD * total) / used.length);
    const most = REVIVALS * used.length - (before as number);
    if (dead.length === 0 || most <= 0) return;
    const read = async (held: Variable) => Float64Array.from(await runtime.read(held));
    const values = {
      logWeights: normalized(await read(mixture.logits)),
      mean: await read(mixture.mean),
      factor: (await read(mixture.logStd)).map((log) => -log),
    };
    const features = mixture.mean.shape[1] as number;
    const chosen = dead.slice(0, most);
    for (const k of chosen) revive(values, k, features, 'diagonal', features);
    runtime.write(mixture.logits, Float32Array.from(values.logWeights));
    runtime.write(mixture.mean, Float32Array.from(values.mean));
    runtime.write(
      mixture.logStd,
      Float32Array.from(values.factor, (log) => -log),
    );
    runtime.write(revived, [(before as number) + chosen.length]);
  }
}

function normalized(logits: Float64Array): Float64Array {
  const log = logsumexp(logits);
  return logits.map((l) => l - log);
}
