// Where clusters begin by the data: what hangs together among some of the rows, and the moments of its codes.
import { STREAMS } from '../../../streams.ts';
import type { TrainingRows } from '../../learner.ts';
import { RunningMoments } from '../../running-moments.ts';
import type { MixtureValues } from '../gmm/mixture-values.ts';
import { ofParts, rowsChosen, type StartOptions } from '../gmm/start.ts';
import { linkedClusters, NOWHERE } from './linkage.ts';
import { type Copies, nearestRows } from './neighbours.ts';

/** Rows that each is joined to: the paper's. */
const NEIGHBOURS = 20;
/** Rows that are looked at, at most, and numbers that comparing all their pairs may cost: of large rows, fewer do. */
const [MOST, WORK] = [5000, 1e11];
/** Rows that are read at once. */
const CHUNK = 4096;

/**
 * The cluster of each row that graph degree linkage finds among the data themselves, [N]; {@link NOWHERE} for rows
 * that it was not shown, or left alone.
 *
 * @param copies of a row that count as that row
 */
export async function partsOf(
  data: TrainingRows,
  components: number,
  copies: Copies | undefined,
  seed: number,
): Promise<Int32Array> {
  const { count } = data;
  const width = data.rows(0, 1).length;
  const affordable = Math.floor(Math.sqrt((2 * WORK) / (width * (copies?.count ?? 1))));
  const wanted = Math.min(count, Math.max(2 * components, Math.min(MOST, affordable)));
  const chosen = rowsChosen(count, wanted, seed, STREAMS.linkedRows);
  const at = [...chosen.keys()].filter((i) => chosen[i]);
  const neighbours = await nearestRows(rowsAt(data, at, width), width, NEIGHBOURS, copies);
  const labels = await linkedClusters(neighbours, components);
  const all = new Int32Array(count).fill(NOWHERE);
  at.forEach((row, i) => {
    all[row] = labels[i] as number;
  });
  return all;
}

/**
 * A mixture of codes with a component for each cluster.
 *
 * @param codes of all rows, [N, M]
 * @param parts the cluster of each row, [N]
 * @param options of components of M features
 */
export function mixtureOfParts(
  codes: Float32Array,
  parts: Int32Array,
  options: StartOptions,
): MixtureValues {
  const { features: latent } = options;
  const rows: number[] = [];
  const moments = new RunningMoments(latent);
  parts.forEach((part, row) => {
    if (part === NOWHERE) return;
    moments.add(codes, row * latent);
    rows.push(...codes.subarray(row * latent, (row + 1) * latent));
  });
  const used = Uint32Array.from(parts.filter((part) => part !== NOWHERE));
  const deviation = moments.squares.map((sum) => Math.sqrt(sum / used.length));
  return ofParts({ rows: Float64Array.from(rows), deviation }, used, options);
}

function rowsAt({ rows, count }: TrainingRows, at: readonly number[], width: number): Float32Array {
  const found = new Float32Array(at.length * width);
  let next = 0;
  for (let start = 0; start < count; start += CHUNK) {
    const end = Math.min(count, start + CHUNK);
    const part = rows(start, end);
    for (; next < at.length && (at[next] as number) < end; next++) {
      const from = ((at[next] as number) - start) * width;
      found.set(part.subarray(from, from + width), next * width);
    }
  }
  return found;
}
