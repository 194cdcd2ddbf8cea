// How well groups that a model found go with classes that are known.

export interface Agreement {
  /** Share of rows in the right class, if each group is called by the class that makes this largest. */
  readonly accuracy: number;
  /** 0 for groups by chance, 1 for the classes (Hubert and Arabie 1985). */
  readonly adjustedRandIndex: number;
  /** Mutual information by the mean of both entropies, from 0 to 1. */
  readonly normalizedMutualInformation: number;
  /** The class that each group is called by; none where there are more groups than classes. */
  readonly classes: readonly (number | undefined)[];
}

/**
 * How well groups that a model found go with classes that are known.
 *
 * @param groups a group a row, of `groupCount`
 * @param classes a class a row, of `classCount`
 * @example agreement([0, 0, 1, 1], 2, [1, 1, 0, 0], 2).accuracy // 1
 */
export function agreement(
  groups: ArrayLike<number>,
  groupCount: number,
  classes: ArrayLike<number>,
  classCount: number,
): Agreement {
  const rows = groups.length;
  const table = new Float64Array(groupCount * classCount);
  for (let i = 0; i < rows; i++) {
    const at = (groups[i] as number) * classCount + (classes[i] as number);
    table[at] = (table[at] as number) + 1;
  }
  const ofGroup = new Float64Array(groupCount);
  const ofClass = new Float64Array(classCount);
  table.forEach((count, at) => {
    const [g, c] = [Math.floor(at / classCount), at % classCount];
    ofGroup[g] = (ofGroup[g] as number) + count;
    ofClass[c] = (ofClass[c] as number) + count;
  });
  const named = bestMatching(table, groupCount, classCount);
  const right = named.reduce<number>(
    (sum, c, g) => sum + (c === undefined ? 0 : (table[g * classCount + c] as number)),
    0,
  );
  return {
    accuracy: right / rows,
    adjustedRandIndex: adjustedRand(table, ofGroup, ofClass, rows),
    normalizedMutualInformation: normalizedInformation(table, ofGroup, ofClass, rows),
    classes: named,
  };
}

const pairs = (counts: Float64Array): number =>
  counts.reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);

function adjustedRand(
  table: Float64Array,
  ofGroup: Float64Array,
  ofClass: Float64Array,
  rows: number,
): number {
  const all = (rows * (rows - 1)) / 2;
  const [groups, classes] = [pairs(ofGroup), pairs(ofClass)];
  const expected = all > 0 ? (groups * classes) / all : 0;
  const most = (groups + classes) / 2;
  // All in one, or each by itself, on both sides.
  return most === expected ? 1 : (pairs(table) - expected) / (most - expected);
}

function entropy(counts: Float64Array, rows: number): number {
  return counts.reduce((sum, n) => (n > 0 ? sum - (n / rows) * Math.log(n / rows) : sum), 0);
}

function normalizedInformation(
  table: Float64Array,
  ofGroup: Float64Array,
  ofClass: Float64Array,
  rows: number,
): number {
  const [groups, classes] = [entropy(ofGroup, rows), entropy(ofClass, rows)];
  const mean = (groups + classes) / 2;
  return mean === 0 ? 1 : Math.max(0, (groups + classes - entropy(table, rows)) / mean);
}

/**
 * The class of each row of a table [rows, columns] such that the sum of the entries is largest, each column
 * at most once: the Hungarian method by shortest augmenting paths (Kuhn 1955; Jonker and Volgenant 1987).
 */
export function bestMatching(
  table: Float64Array,
  rows: number,
  columns: number,
): (number | undefined)[] {
  const n = Math.max(rows, columns);
  const cost = (i: number, j: number) =>
    i < rows && j < columns ? -(table[i * columns + j] as number) : 0;
  // Numbered from 1; 0 is where a path starts.
  const [u, v] = [new Float64Array(n + 1), new Float64Array(n + 1)];
  const rowOf = new Int32Array(n + 1);
  const before = new Int32Array(n + 1);
  for (let i = 1; i <= n; i++) {
    rowOf[0] = i;
    const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
    const isDone = new Uint8Array(n + 1);
    let column = 0;
    do {
      isDone[column] = 1;
      const row = rowOf[column] as number;
      let [delta, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= n; j++) {
        if (isDone[j]) continue;
        const reduced = cost(row - 1, j - 1) - (u[row] as number) - (v[j] as number);
        if (reduced < (least[j] as number)) {
          least[j] = reduced;
          before[j] = column;
        }
        if ((least[j] as number) < delta) [delta, next] = [least[j] as number, j];
      }
      for (let j = 0; j <= n; j++) {
        if (isDone[j]) {
          const held = rowOf[j] as number;
          u[held] = (u[held] as number) + delta;
          v[j] = (v[j] as number) - delta;
        } else least[j] = (least[j] as number) - delta;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      const from = before[column] as number;
      rowOf[column] = rowOf[from] as number;
      column = from;
    }
  }
  const found: (number | undefined)[] = new Array(rows).fill(undefined);
  for (let j = 1; j <= columns; j++) {
    const row = (rowOf[j] as number) - 1;
    if (row < rows) found[row] = j - 1;
  }
  return found;
}
