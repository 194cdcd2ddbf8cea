// Ways from data point to data point, straight through the space of their codes.
import { UNKNOWN_CLASS } from '../../constants.ts';
import { interpolate } from '../../models/index.ts';
import { inDataUnits, pictureOf } from '../../pictures/points.ts';
import { DEFORMED_GRID } from './deformed-grid.ts';
import type { Scene, Sitters } from './scene.ts';
import { fits, type PictureView } from './view.ts';

/** Ways, and pictures of each. */
const WAYS = 4;
const STEPS = 9;
/** Features of a vector whose strips may stand beside each other. */
const SHORT = 64;

export const INTERPOLATION: PictureView = {
  title: 'Interpolation',
  needs: {
    can: ['code', 'decode'],
    rows: 2,
    // Which shows what becomes of every straight way.
    also: (scene) => !fits(DEFORMED_GRID.needs, scene),
  },
  async draw(scene, { signal, onProgress }) {
    const { asked, look, isVector } = scene;
    const { dataset, shown } = scene.sitters as Sitters;
    const size = scene.can.code?.size ?? 0;
    const most = isVector ? WAYS : Math.ceil(scene.atMost(WAYS * STEPS) / STEPS);
    const count = Math.min(most, Math.floor(dataset.count / 2));
    const stop = signal && { signal };
    const { mean } = await asked.encode(shown, 2 * count, { ...stop });
    const end = (i: number) => mean.subarray(i * size, (i + 1) * size);
    // Strips are compared best below each other: a column for each way, if they are short.
    const columns = !isVector ? STEPS : asked.model.features <= SHORT ? count : 1;
    const isTurned = isVector && columns === count;
    const codes = new Float32Array(count * STEPS * size);
    const series: number[] = [];
    // All of a way is of the class that it begins in.
    const labels = new Uint32Array(count * STEPS);
    const own = (row: number) => {
      const label = shown.labels?.[row] ?? UNKNOWN_CLASS;
      return label === UNKNOWN_CLASS ? 0 : label;
    };
    const { features } = asked.model;
    // And of the row, where columns are told.
    const told = new Float32Array(scene.can.given ? count * STEPS * features : 0);
    for (let i = 0; i < count; i++) {
      const way = interpolate(end(2 * i), end(2 * i + 1), STEPS);
      for (let step = 0; step < STEPS; step++) {
        const at = isTurned ? step * count + i : i * STEPS + step;
        codes.set(way.subarray(step * size, (step + 1) * size), at * size);
        series[at] = i;
        labels[at] = own(2 * i);
        if (scene.can.given) told.set(shown(2 * i, 2 * i + 1), at * features);
      }
    }
    const made = await asked.decode(codes, count * STEPS, 'mean', 0, {
      ...stop,
      labels,
      ...(scene.can.given && { told }),
      ...(onProgress && { onProgress }),
    });
    return {
      picture: pictureOf(inDataUnits(made, look), count * STEPS, look, { columns, series }),
      caption: captionOf(scene, count, isTurned),
      alt: 'What the model decodes on the way from one data point to another',
    };
  },
};

function captionOf(scene: Scene, count: number, isTurned: boolean): string {
  const pairs = count === 1 ? 'two data points' : `${count} pairs of data points`;
  const through = scene.can.bijection
    ? 'noise space between what the flow makes of'
    : 'latent space between the codes of';
  const straight = `Straight through ${through} ${pairs}`;
  if (!scene.isVector) return `${straight}, a row each.`;
  if (scene.isPlane) return `${straight}, a colour each.`;
  const cells = scene.look.standardization
    ? 'a cell is a feature: blue below its mean, red above'
    : 'a cell is a feature: black is 0, white is 1';
  return `${straight}, ${isTurned ? 'a column each' : `${STEPS} rows each`}; ${cells}.`;
}
