// Means and their errors.

/** The mean, and its standard error from the spread; 0 for a single value. */
export function moments(values: Float64Array): { mean: number; standardError: number } {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return { mean, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0 };
}

/** Sums over parts of equal width that lie side by side. */
export function byPart(values: Float64Array, parts: number): Float64Array {
  const width = Math.max(1, Math.round(values.length / parts));
  return Float64Array.from({ length: parts }, (_, part) =>
    values.subarray(part * width, (part + 1) * width).reduce((a, b) => a + b, 0),
  );
}

/** Running means and variances of columns, in float64. */
export class Columns {
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private count = 0;

  constructor(width: number) {
    this.first = new Float64Array(width);
    this.second = new Float64Array(width);
  }

  /** @param values [n, width], of which the first `rows` count */
  add(values: Float32Array, rows: number): void {
    const width = this.first.length;
    for (let i = 0; i < rows * width; i++) {
      const value = values[i] as number;
      const j = i % width;
      this.first[j] = (this.first[j] as number) + value;
      this.second[j] = (this.second[j] as number) + value * value;
    }
    this.count += rows;
  }

  get width(): number {
    return this.first.length;
  }

  means(): Float64Array {
    return this.first.map((sum) => sum / this.count);
  }

  variances(): Float64Array {
    return this.means().map((mean, j) => (this.second[j] as number) / this.count - mean ** 2);
  }
}
