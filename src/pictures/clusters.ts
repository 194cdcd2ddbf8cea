// What groups of data look like: of images, the mean of each group and its surest members; of other data,
// points in the plane, coloured by group.
import { codesPicture, inThePlane } from './codes.ts';
import { FEATURES } from './components.ts';
import { atMeans, seenMeans } from './missing.ts';
import type { Picture } from './png.ts';
import { type Appearance, inDataUnits, isVector, pictureOf } from './points.ts';

/** Members of a group that are shown beside its mean. */
const MEMBERS = 9;

export interface ClusterSubject {
  /** Data rows [count, D], as the model sees them. */
  readonly rows: Float32Array;
  /** [count, D]: 0 where a value is missing. */
  readonly mask?: ArrayLike<number> | undefined;
  readonly count: number;
  /** p(c | x), [count, K], and the likeliest group of each row. */
  readonly responsibilities: Float32Array;
  readonly labels: Uint32Array;
  readonly size: number;
}

/** @param plot side of a plot in pixels */
export function clustersPicture(subject: ClusterSubject, look: Appearance, plot?: number): Picture {
  const { count, labels, mask } = subject;
  if (!isVector(look)) return members(subject, look);
  const width = subject.rows.length / count;
  const rows = atMeans(subject.rows, mask, width);
  // Of two features the values themselves, of more the directions in which the most varied vary most.
  const values = width === 2 ? inDataUnits(rows, look) : rows;
  return codesPicture(inThePlane(values, count, width, FEATURES), width, { count, labels }, plot);
}

/** A line a group that has members: the mean of what is seen of them, then those that belong to it most. */
function members(subject: ClusterSubject, look: Appearance): Picture {
  const { rows, count, responsibilities, labels, size, mask } = subject;
  const width = rows.length / count;
  const some = (of: ArrayLike<number>, numbers: readonly number[]) =>
    Float32Array.from(
      { length: numbers.length * width },
      (_, at) => of[(numbers[Math.floor(at / width)] as number) * width + (at % width)] as number,
    );
  const [lines, seen]: [number[], number[]] = [[], []];
  for (let k = 0; k < size; k++) {
    const own = Array.from(labels.keys()).filter((i) => labels[i] === k);
    if (own.length === 0) continue;
    const known = mask && some(mask, own);
    const mean = seenMeans(some(rows, own), known, width);
    const sure = (i: number) => responsibilities[i * size + k] as number;
    const best = own.sort((a, b) => sure(b) - sure(a) || a - b).slice(0, MEMBERS);
    const blank = new Array((MEMBERS - best.length) * width);
    lines.push(...mean, ...some(rows, best), ...blank.fill(0));
    if (mask) seen.push(...mean.fill(1), ...some(mask, best), ...blank.fill(1));
  }
  const pictured = lines.length / width;
  return pictureOf(inDataUnits(Float32Array.from(lines), look), pictured, look, {
    columns: 1 + MEMBERS,
    ...(mask && { mask: seen }),
  });
}
