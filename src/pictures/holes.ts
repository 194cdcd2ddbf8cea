// Data with holes: how what is missing is shown, and what is put in its place.
import type { Picture } from './png.ts';
import { type Appearance, pictureOf } from './points.ts';
import { seriesPicture } from './series.ts';

/**
 * A column a data point: first what is seen of it, its holes blue, then every one of `versions` in turn,
 * all [count, ...shape] in data units. Of sequences a panel each: what is seen, and the first version in another
 * colour, draws below it; the truth, if it is the last version, grey.
 *
 * @param hasTruth whether the last of the versions is what was hidden
 */
export function holesPicture(
  seen: Float32Array,
  mask: ArrayLike<number>,
  versions: readonly Float32Array[],
  count: number,
  look: Appearance,
  hasTruth = false,
): Picture {
  if (look.sequence) return forecasts(seen, mask, versions, count, look, hasTruth);
  const rows = [seen, ...versions];
  const all = new Float32Array(rows.length * seen.length);
  rows.forEach((values, version) => {
    all.set(values, version * seen.length);
  });
  const known = new Uint8Array(all.length).fill(1);
  known.set(Array.from(mask).slice(0, seen.length));
  const plain = { shape: look.shape, standardization: undefined };
  return pictureOf(all, rows.length * count, plain, { columns: count, mask: known });
}

function forecasts(
  seen: Float32Array,
  mask: ArrayLike<number>,
  versions: readonly Float32Array[],
  count: number,
  { shape }: Appearance,
  hasTruth: boolean,
): Picture {
  const size = seen.length / count;
  const panels = Array.from({ length: count }, (_, i) => {
    const own = (values: Float32Array) => values.subarray(i * size, (i + 1) * size);
    const isSeen = (at: number) => Boolean(mask[i * size + at]);
    return {
      mask: Array.from({ length: size }, (_, at) => Number(isSeen(at))),
      lines: [
        { values: own(seen), where: isSeen },
        ...versions.map((version, v) => ({
          values: own(version),
          where: (at: number) => !isSeen(at),
          as: hasTruth && v === versions.length - 1 ? ('truth' as const) : ('other' as const),
        })),
      ],
    };
  });
  return seriesPicture(panels, shape);
}
