// What groups of data look like: of images, the mean of each group and its surest members; of other data,
// points in the plane, coloured by group.
import { codesPicture, inThePlane } from './codes.ts';
import { grid } from './grid.ts';
import type { Picture } from './png.ts';
import { type Appearance, inDataUnits, isVector, pictureOf } from './points.ts';

/** Members of a group that are shown beside its mean. */
const MEMBERS = 9;

export interface ClusterSubject {
  /** Data rows [count, D], as the model sees them. */
  readonly rows: Float32Array;
  readonly count: number;
  /** p(c | x), [count, K], and the likeliest group of each row. */
  readonly responsibilities: Float32Array;
  readonly labels: Uint32Array;
  readonly size: number;
}

/** @param plot side of a plot in pixels */
export function clustersPicture(subject: ClusterSubject, look: Appearance, plot?: number): Picture {
  const { rows, count, labels } = subject;
  if (!isVector(look)) return members(subject, look);
  const width = rows.length / count;
  // Of two features the values themselves, of more the directions in which they vary most.
  const values = width === 2 ? inDataUnits(rows, look) : rows;
  return codesPicture(inThePlane(values, count, width), width, { count, labels }, plot);
}

/** A line a group that has members: its mean, then those that belong to it most. */
function members(subject: ClusterSubject, look: Appearance): Picture {
  const { rows, count, responsibilities, labels, size } = subject;
  const width = rows.length / count;
  const lines: Float32Array[] = [];
  for (let k = 0; k < size; k++) {
    const own = Array.from(labels.keys()).filter((i) => labels[i] === k);
    if (own.length === 0) continue;
    const line = new Float32Array((1 + MEMBERS) * width);
    for (const i of own) {
      for (let j = 0; j < width; j++) {
        line[j] = (line[j] as number) + (rows[i * width + j] as number) / own.length;
      }
    }
    const sure = (i: number) => responsibilities[i * size + k] as number;
    own
      .sort((a, b) => sure(b) - sure(a) || a - b)
      .slice(0, MEMBERS)
      .forEach((i, place) => {
        line.set(rows.subarray(i * width, (i + 1) * width), (1 + place) * width);
      });
    lines.push(line);
  }
  const all = new Float32Array(lines.length * (1 + MEMBERS) * width);
  lines.forEach((line, at) => {
    all.set(line, at * line.length);
  });
  const pictured = lines.length * (1 + MEMBERS);
  if (look.sequence)
    return pictureOf(inDataUnits(all, look), pictured, look, { columns: 1 + MEMBERS });
  return grid(inDataUnits(all, look), {
    count: pictured,
    shape: look.shape,
    columns: 1 + MEMBERS,
    scale: Math.max(1, Math.floor(56 / Math.max(...look.shape.slice(0, 2)))),
  });
}
