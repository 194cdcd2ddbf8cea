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
 * A mixture of codes with a component for each cluster that graph degree linkage finds among the data themselves.
 *
 * @param codes of all rows, [N, M]
 * @param options of components of M features
 * @param copies of a row that count as that row
 */
export async function mixtureOfParts(
  data: TrainingRows,
  codes: Float32Array,
  options: StartOptions,
  copies: Copies | undefined,
  seed: number,
): Promise<MixtureValues> {
  const { count } = data;
  const { components, features: latent } = options;
  const width = data.rows(0, 1).length;
  const affordable = Math.floor(Math.sqrt((2 * WORK) / (width * (copies?.count ?? 1))));
  const wanted = Math.min(count, Math.max(2 * components, Math.min(MOST, affordable)));
  const chosen = rowsChosen(count, wanted, seed, STREAMS.linkedRows);
  const at = [...chosen.keys()].filter((i) => chosen[i]);
  const neighbours = await nearestRows(rowsAt(data, at, width), width, NEIGHBOURS, copies);
  const labels = await linkedClusters(neighbours, components);
  const rows: number[] = [];
  const moments = new RunningMoments(latent);
  at.forEach((row, i) => {
    if (labels[i] === NOWHERE) return;
    moments.add(codes, row * latent);
    rows.push(...codes.subarray(row * latent, (row + 1) * latent));
  });
  const used = Uint32Array.from(labels.filter((label) => label !== NOWHERE));
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
