// Where EM begins: rows far from each other as centres, which k-means then moves to the middle of theirs.
import type { Random } from '../../../random.ts';

export interface Partition {
  /** The centre that each row belongs to. */
  readonly labels: Uint32Array;
  /** [K, D]. */
  readonly centres: Float64Array;
}

/** Rounds of k-means: EM goes on from there. */
const ROUNDS = 30;

/**
 * k-means (Lloyd 1982) from centres by k-means++ (Arthur and Vassilvitskii 2007): each is a row drawn with
 * a chance proportional to its squared distance from the nearest of those before it.
 *
 * @param rows [N, D], each feature as it is to count
 */
export function kMeans(
  rows: Float64Array,
  features: number,
  components: number,
  random: Random,
): Partition {
  const count = rows.length / features;
  const centres = seeds(rows, features, components, random);
  const labels = new Uint32Array(count);
  for (let round = 0; round < ROUNDS; round++) {
    if (assignRows(rows, features, centres, labels) === 0 && round > 0) break;
    moveCentres(rows, features, centres, labels);
  }
  assignRows(rows, features, centres, labels);
  return { labels, centres };
}

/** Σ (a - b)² of row i and centre k. */
function squaredDistance(
  rows: Float64Array,
  i: number,
  centres: Float64Array,
  k: number,
  features: number,
): number {
  let total = 0;
  for (let j = 0; j < features; j++) {
    const step = (rows[i * features + j] as number) - (centres[k * features + j] as number);
    total += step * step;
  }
  return total;
}

function seeds(rows: Float64Array, features: number, components: number, random: Random) {
  const count = rows.length / features;
  const centres = new Float64Array(components * features);
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = random.integer(count);
  for (let k = 0; k < components; k++) {
    centres.set(rows.subarray(chosen * features, (chosen + 1) * features), k * features);
    let total = 0;
    for (let i = 0; i < count; i++) {
      const distance = squaredDistance(rows, i, centres, k, features);
      nearest[i] = Math.min(nearest[i] as number, distance);
      total += nearest[i] as number;
    }
    chosen = total > 0 ? weighted(nearest, total, random) : random.integer(count);
  }
  return centres;
}

/** A place drawn by weights. */
function weighted(weights: Float64Array, total: number, random: Random): number {
  let left = random.uniform() * total;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

/** @returns how many rows have changed their centre */
function assignRows(
  rows: Float64Array,
  features: number,
  centres: Float64Array,
  labels: Uint32Array,
): number {
  const components = centres.length / features;
  let changed = 0;
  for (let i = 0; i < labels.length; i++) {
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let k = 0; k < components; k++) {
      const distance = squaredDistance(rows, i, centres, k, features);
      if (distance < least) [best, least] = [k, distance];
    }
    if (labels[i] !== best) changed++;
    labels[i] = best;
  }
  return changed;
}

/** A centre without rows stays where it is. */
function moveCentres(
  rows: Float64Array,
  features: number,
  centres: Float64Array,
  labels: Uint32Array,
): void {
  const components = centres.length / features;
  const sums = new Float64Array(centres.length);
  const counts = new Float64Array(components);
  labels.forEach((k, i) => {
    counts[k] = (counts[k] as number) + 1;
    for (let j = 0; j < features; j++) {
      const at = k * features + j;
      sums[at] = (sums[at] as number) + (rows[i * features + j] as number);
    }
  });
  for (let at = 0; at < centres.length; at++) {
    const rowsOfIt = counts[Math.floor(at / features)] as number;
    if (rowsOfIt > 0) centres[at] = (sums[at] as number) / rowsOfIt;
  }
}
