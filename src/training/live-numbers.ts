// Numbers that change between runs, and those that steps to be done again were done with.
import { LatentGpuError } from '../errors.ts';
import type { Live } from '../graph/live.ts';
import type { Runtime } from '../scheduler/index.ts';

export class LiveNumbers {
  /** Of the steps since the last state on the host, where a number has changed since. */
  private readonly before = new Map<Live, number>();

  /**
   * @param runtime of the device that has it; undefined: it is lost, and the next one begins with it
   */
  set(live: Live, value: number, runtime: Runtime | undefined): void {
    if (runtime) runtime.write(live.tensor, [value]);
    else if (!this.before.has(live)) this.before.set(live, live.value);
    live.value = value;
  }

  /** Does steps again with the numbers they were done with. @returns whether there were others */
  async again(runtime: Runtime, steps: () => Promise<void>): Promise<boolean> {
    const { before } = this;
    for (const [live, value] of before) runtime.write(live.tensor, [value]);
    await steps();
    for (const live of before.keys()) runtime.write(live.tensor, [live.value]);
    return before.size > 0;
  }

  /** The last state on the host is of now. */
  forget(): void {
    this.before.clear();
  }
}

/** @throws LatentGpuError `bad-input` */
export function checkNumber(live: Live, value: number): void {
  if (Number.isFinite(value)) return;
  throw new LatentGpuError('bad-input', `${live.name} cannot be ${value}; give a finite number`);
}
