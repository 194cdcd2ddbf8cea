// Tensors as matrices, and the layers that they are.

/** A fully connected layer: weight [out, in], bias [out]. */
export interface Layer {
  /** The tensor that its weight comes from, for messages. */
  readonly from: string;
  readonly out: number;
  readonly in: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** A tensor read as [rows, columns]; a bias is [rows, 1]. */
export interface Matrix {
  readonly from: string;
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
  readonly shape: readonly number[];
  readonly how: readonly string[];
}

export function layerOf(weight: Matrix, bias: Matrix | undefined): Layer {
  return {
    from: weight.from,
    out: weight.rows,
    in: weight.columns,
    weight: weight.data,
    bias: bias?.data ?? new Float32Array(weight.rows),
  };
}

/** Part `i` of a matrix whose rows are `parts` equal parts. */
export function rowsOf(matrix: Matrix, i: number, parts: number): Matrix {
  const rows = matrix.rows / parts;
  const each = rows * matrix.columns;
  return { ...matrix, rows, data: matrix.data.subarray(i * each, (i + 1) * each) };
}

/** [rows, columns] as [columns, rows]. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] as number;
  }
  return result;
}

export function joined(a: Float32Array, b: Float32Array): Float32Array {
  const result = new Float32Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}
