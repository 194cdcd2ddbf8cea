// In which order a schedule's kernels are dispatched.

/** Kernels from `from` to the one before `to`, one after the other, so many times. */
export interface Turn {
  readonly from: number;
  readonly to: number;
  readonly times: number;
}

/** How often each of `length` kernels is dispatched. */
export function dispatchCounts(turns: readonly Turn[], length: number): number[] {
  const counts = new Array<number>(length).fill(0);
  for (const { from, to, times } of turns) {
    for (let i = from; i < to; i++) counts[i] = (counts[i] as number) + times;
  }
  return counts;
}

/** The kernels' numbers, in the order of their dispatches. */
export function* dispatchOrder(turns: readonly Turn[]): Generator<number> {
  for (const { from, to, times } of turns) {
    for (let time = 0; time < times; time++) {
      for (let i = from; i < to; i++) yield i;
    }
  }
}
