// Reverse-mode differentiation of float64 matrices: enough for the reference, and nothing of the
// engines that it judges.

export class Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
  readonly grad: Float64Array;
  private readonly inputs: readonly Matrix[];
  private readonly pull: () => void;

  constructor(
    rows: number,
    cols: number,
    data: Float64Array,
    inputs: readonly Matrix[] = [],
    pull: (out: Matrix) => void = () => {},
  ) {
    this.rows = rows;
    this.cols = cols;
    this.data = data;
    this.grad = new Float64Array(data.length);
    this.inputs = inputs;
    this.pull = () => pull(this);
  }

  /** Adds ∂this/∂each to `each.grad`; this is a scalar. */
  backward(): void {
    const order: Matrix[] = [];
    const seen = new Set<Matrix>();
    const visit = (m: Matrix) => {
      if (seen.has(m)) return;
      seen.add(m);
      m.inputs.forEach(visit);
      order.push(m);
    };
    visit(this);
    this.grad[0] = 1;
    for (const m of order.reverse()) m.pull();
  }
}

export const matrix = (rows: number, cols: number, values: ArrayLike<number>) =>
  new Matrix(rows, cols, Float64Array.from(values));

/** out += op(a) op(b), with rows of the inner loop contiguous. */
function accumulate(
  out: Float64Array,
  a: (i: number, p: number) => number,
  b: Float64Array,
  [m, k, n]: readonly [number, number, number],
): void {
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = a(i, p);
      if (factor === 0) continue;
      const [from, to] = [p * n, i * n];
      for (let j = 0; j < n; j++) out[to + j]! += factor * b[from + j]!;
    }
  }
}

function transposed(data: Float64Array, rows: number, cols: number): Float64Array {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) result[j * rows + i] = data[i * cols + j]!;
  }
  return result;
}

export function matmul(a: Matrix, b: Matrix): Matrix {
  const [m, k, n] = [a.rows, a.cols, b.cols];
  const data = new Float64Array(m * n);
  accumulate(data, (i, p) => a.data[i * k + p]!, b.data, [m, k, n]);
  return new Matrix(m, n, data, [a, b], ({ grad }) => {
    accumulate(a.grad, (i, p) => grad[i * n + p]!, transposed(b.data, k, n), [m, n, k]);
    accumulate(b.grad, (i, p) => a.data[p * k + i]!, grad, [k, m, n]);
  });
}

/** f of each element, and its derivative there. */
export function map(a: Matrix, f: (x: number) => number, slope: (x: number) => number): Matrix {
  return new Matrix(a.rows, a.cols, a.data.map(f), [a], ({ grad }) => {
    for (let i = 0; i < grad.length; i++) a.grad[i]! += grad[i]! * slope(a.data[i]!);
  });
}

/** f of pairs of elements, and its two derivatives; b may be one row for all of a's. */
export function zip(
  a: Matrix,
  b: Matrix,
  f: (x: number, y: number) => number,
  slopes: (x: number, y: number) => readonly [number, number],
): Matrix {
  const size = b.data.length;
  const data = a.data.map((x, i) => f(x, b.data[i % size]!));
  return new Matrix(a.rows, a.cols, data, [a, b], ({ grad }) => {
    for (let i = 0; i < grad.length; i++) {
      const [da, db] = slopes(a.data[i]!, b.data[i % size]!);
      a.grad[i]! += grad[i]! * da;
      b.grad[i % size]! += grad[i]! * db;
    }
  });
}

const sum = (x: number, y: number) => x + y;
export const add = (a: Matrix, b: Matrix) => zip(a, b, sum, () => [1, 1]);
export const sub = (a: Matrix, b: Matrix) =>
  zip(
    a,
    b,
    (x, y) => x - y,
    () => [1, -1],
  );
export const mul = (a: Matrix, b: Matrix) =>
  zip(
    a,
    b,
    (x, y) => x * y,
    (x, y) => [y, x],
  );
export const exp = (a: Matrix) => map(a, Math.exp, Math.exp);
export const scale = (a: Matrix, by: number) =>
  map(
    a,
    (x) => by * x,
    () => by,
  );
export const relu = (a: Matrix) =>
  map(
    a,
    (x) => Math.max(0, x),
    (x) => (x > 0 ? 1 : 0),
  );

/** Windows of 3 × 3 around each pixel of images [extent², maps], zeros around: [pixels, 9 · maps]. */
export function windows(a: Matrix, extent: number): Matrix {
  const { rows, cols: maps } = a;
  const cols = 9 * maps;
  // Of a place in a window its pixel, or none.
  const pixel = (row: number, tap: number) => {
    const at = row % (extent * extent);
    const y = Math.floor(at / extent) + Math.floor(tap / 3) - 1;
    const x = (at % extent) + (tap % 3) - 1;
    return y < 0 || y >= extent || x < 0 || x >= extent ? -1 : row - at + y * extent + x;
  };
  const each = (visit: (out: number, own: number) => void) => {
    for (let row = 0; row < rows; row++) {
      for (let tap = 0; tap < 9; tap++) {
        const from = pixel(row, tap);
        if (from < 0) continue;
        for (let c = 0; c < maps; c++) visit(row * cols + tap * maps + c, from * maps + c);
      }
    }
  };
  const data = new Float64Array(rows * cols);
  each((out, own) => {
    data[out] = a.data[own]!;
  });
  return new Matrix(rows, cols, data, [a], ({ grad }) => {
    each((out, own) => {
      a.grad[own]! += grad[out]!;
    });
  });
}

/** Columns from..to. */
export function columns(a: Matrix, from: number, to: number): Matrix {
  const width = to - from;
  const data = new Float64Array(a.rows * width);
  const place = (i: number) => Math.floor(i / width) * a.cols + from + (i % width);
  for (let i = 0; i < data.length; i++) data[i] = a.data[place(i)]!;
  return new Matrix(a.rows, width, data, [a], ({ grad }) => {
    for (let i = 0; i < grad.length; i++) a.grad[place(i)]! += grad[i]!;
  });
}

/** a beside b. */
export function beside(a: Matrix, b: Matrix): Matrix {
  const cols = a.cols + b.cols;
  const data = new Float64Array(a.rows * cols);
  const split = (at: (from: Matrix, i: number, to: number) => void) => {
    for (let r = 0; r < a.rows; r++) {
      for (let c = 0; c < a.cols; c++) at(a, r * a.cols + c, r * cols + c);
      for (let c = 0; c < b.cols; c++) at(b, r * b.cols + c, r * cols + a.cols + c);
    }
  };
  split((from, i, to) => {
    data[to] = from.data[i]!;
  });
  return new Matrix(a.rows, cols, data, [a, b], ({ grad }) => {
    split((from, i, to) => {
      from.grad[i]! += grad[to]!;
    });
  });
}

/** Each row `times` times, one after another. */
export function repeatRows(a: Matrix, times: number): Matrix {
  const data = new Float64Array(a.data.length * times);
  const place = (i: number) => Math.floor(i / (a.cols * times)) * a.cols + (i % a.cols);
  for (let i = 0; i < data.length; i++) data[i] = a.data[place(i)]!;
  return new Matrix(a.rows * times, a.cols, data, [a], ({ grad }) => {
    for (let i = 0; i < grad.length; i++) a.grad[place(i)]! += grad[i]!;
  });
}

/** Sums of rows, [rows, 1]. */
export function sumRows(a: Matrix): Matrix {
  const data = new Float64Array(a.rows);
  for (let i = 0; i < a.data.length; i++) data[Math.floor(i / a.cols)]! += a.data[i]!;
  return new Matrix(a.rows, 1, data, [a], ({ grad }) => {
    for (let i = 0; i < a.data.length; i++) a.grad[i]! += grad[Math.floor(i / a.cols)]!;
  });
}

/** log Σ exp over each `size` numbers one after another, [numbers / size, 1]. */
export function logSumExp(a: Matrix, size: number): Matrix {
  const data = new Float64Array(a.data.length / size);
  for (let g = 0; g < data.length; g++) {
    const part = a.data.subarray(g * size, (g + 1) * size);
    const top = part.reduce((x, y) => Math.max(x, y), Number.NEGATIVE_INFINITY);
    data[g] = top + Math.log(part.reduce((total, x) => total + Math.exp(x - top), 0));
  }
  return new Matrix(data.length, 1, data, [a], (out) => {
    for (let i = 0; i < a.data.length; i++) {
      const g = Math.floor(i / size);
      a.grad[i]! += out.grad[g]! * Math.exp(a.data[i]! - out.data[g]!);
    }
  });
}

/** The mean of all elements. */
export function mean(a: Matrix): Matrix {
  const size = a.data.length;
  return new Matrix(1, 1, Float64Array.of(a.data.reduce(sum, 0) / size), [a], ({ grad }) => {
    for (let i = 0; i < size; i++) a.grad[i]! += grad[0]! / size;
  });
}
