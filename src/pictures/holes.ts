// Data with holes, and what is put in them, as columns of one picture.
import type { Picture } from './png.ts';
import { type Appearance, pictureOf } from './points.ts';
import { seriesPicture } from './series.ts';

/** The colour of what is missing. */
const HOLE = [0.25, 0.45, 0.75] as const;

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
  const [height = 1, width = 1, channels = 1] = look.shape;
  const pixels = count * height * width;
  const rows = [seen, ...versions];
  const images = new Float32Array(rows.length * pixels * 3);
  rows.forEach((values, version) => {
    for (let pixel = 0; pixel < pixels; pixel++) {
      const at = pixel * channels;
      const isHole = version === 0 && !mask[at];
      for (let c = 0; c < 3; c++) {
        const value = isHole ? HOLE[c] : values[at + (channels === 3 ? c : 0)];
        images[(version * pixels + pixel) * 3 + c] = value as number;
      }
    }
  });
  const shape = [height, width, 3];
  return pictureOf(
    images,
    rows.length * count,
    { shape, standardization: undefined },
    { columns: count },
  );
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
