// What is found of rows with holes, gathered batch by batch.

/** Rows as they are found, a batch at a time. */
export class Found {
  readonly mean: Float32Array;
  readonly draws: Float32Array;
  private readonly count: number;
  private readonly width: number;

  constructor(count: number, width: number, draws: number) {
    this.count = count;
    this.width = width;
    this.mean = new Float32Array(count * width);
    this.draws = new Float32Array(draws * count * width);
  }

  setMean(mean: Float32Array, start: number, end: number): void {
    const { width } = this;
    this.mean.set(mean.subarray(0, (end - start) * width), start * width);
  }

  setDraw(x: Float32Array, draw: number, start: number, end: number): void {
    const { count, width } = this;
    this.draws.set(x.subarray(0, (end - start) * width), (draw * count + start) * width);
  }

  /** @param x [rows, draws, D] */
  setDraws(x: Float32Array, start: number, end: number): void {
    const { count, width } = this;
    const draws = this.draws.length / (count * width);
    for (let row = 0; row < end - start; row++) {
      for (let d = 0; d < draws; d++) {
        const from = (row * draws + d) * width;
        this.draws.set(x.subarray(from, from + width), (d * count + start + row) * width);
      }
    }
  }
}
