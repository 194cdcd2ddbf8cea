// A density over the plane, as heat, with data on top.
import { logScale } from '../../data/standardize.ts';
import { logDensities } from '../../models/index.ts';
import { densityPicture } from '../../pictures/density.ts';
import { inDataUnits } from '../../pictures/points.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { PictureView } from './view.ts';

/** Cells along each side. */
const CELLS = 200;
/** Data on top of it. */
const SHOWN = 400;

export const DENSITY: PictureView = {
  title: 'Density',
  file: PICTURES.density,
  needs: {
    can: ['logWeights', 'draw'],
    shape: 'plane',
    also: ({ can }) => can.logWeights?.exact === true,
  },
  async draw(scene, work) {
    const { asked, look, sitters, plot } = scene;
    const { standardization } = look;
    const frame = await scene.frame(work);
    const { low, span } = frame;
    const at = (cell: number, axis: 0 | 1) => low[axis] + (span * (cell + 0.5)) / CELLS;
    const rows = (start: number, end: number) => {
      const points = new Float32Array(2 * (end - start));
      for (let i = start; i < end; i++) {
        const place = [at(i % CELLS, 0), at(CELLS - 1 - Math.floor(i / CELLS), 1)] as const;
        for (const axis of [0, 1] as const) {
          const mean = standardization?.mean[axis] ?? 0;
          const std = standardization?.std[axis] ?? 1;
          points[2 * (i - start) + axis] = (place[axis] - mean) / std;
        }
      }
      return points;
    };
    const logProb = await logDensities(asked.runtime, asked.model, rows, CELLS * CELLS, work);
    const scale = logScale(standardization);
    return {
      picture: densityPicture(
        logProb.map((value) => Math.exp(value - scale)),
        frame,
        inDataUnits(await scene.seen(work), look).subarray(0, 2 * SHOWN),
        plot,
      ),
      caption: `Darker where it is higher (its square root is shown), with ${sitters ? 'data' : 'draws'} on top.`,
      alt: "Heat map of the model's density over the plane",
    };
  },
};
