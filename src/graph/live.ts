// Numbers that change while a plan is replayed: the GPU reads them from memory, so that nothing is
// compiled again.
import { type Variable, variable } from './variable.ts';

/**
 * A number that the host may change between runs of a plan: a rate, β, a temperature.
 *
 * ```ts
 * const beta = live('beta', 0.1);
 * const loss = ops.add(reconstruction, ops.mul(beta.tensor, kl));
 * ```
 */
export class Live {
  readonly name: string;
  /** float32 scalar; on a new device it begins with the number that holds then. */
  readonly tensor: Variable;
  /** The number that holds now; `Runtime.write(live.tensor, …)`, or `Trainer.set`, brings another to a device. */
  value: number;

  constructor(name: string, value: number) {
    this.name = name;
    this.value = value;
    this.tensor = variable(name, [], { init: () => [this.value] });
  }
}

/**
 * A number that the host may change between runs.
 *
 * ```ts
 * const rate = live('rate', 1e-3);
 * const trainer = await Trainer.create({ …, optimizer: optim.adam({ lr: () => rate.tensor }) });
 * await trainer.set(rate, 3e-4);
 * ```
 */
export function live(name: string, value: number): Live {
  return new Live(name, value);
}
