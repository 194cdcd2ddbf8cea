/** Sums of metrics over steps. */
export class Tally {
  readonly names: readonly string[];
  private readonly sums: number[];
  private steps: number;

  constructor(names: readonly string[], sums: readonly number[] = names.map(() => 0), steps = 0) {
    this.names = names;
    this.sums = [...sums];
    this.steps = steps;
  }

  /** @param row a value for each name */
  add(row: ArrayLike<number>): void {
    for (let k = 0; k < this.sums.length; k++) {
      this.sums[k] = (this.sums[k] as number) + (row[k] as number);
    }
    this.steps += 1;
  }

  copy(): Tally {
    return new Tally(this.names, this.sums, this.steps);
  }

  /** By name; empty before the first step. */
  means(): Record<string, number> {
    if (this.steps === 0) return {};
    return Object.fromEntries(
      this.names.map((name, k) => [name, (this.sums[k] as number) / this.steps]),
    );
  }
}
