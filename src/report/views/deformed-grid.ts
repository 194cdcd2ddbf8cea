// A square grid of noise space, as a bijection of the plane carries it to data.
import { gridPicture } from '../../pictures/deformed-grid.ts';
import { inDataUnits } from '../../pictures/points.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { PictureView } from './view.ts';

/** Lines of noise space in each direction, how far they reach, and points of each. */
const LINES = { count: 21, reach: 3, points: 241 } as const;

export const DEFORMED_GRID: PictureView = {
  title: 'Deformed grid',
  file: PICTURES.grid,
  needs: { can: ['bijection', 'decode', 'draw'], shape: 'plane' },
  async draw(scene, work) {
    const { asked, look, plot } = scene;
    const { count, reach, points } = LINES;
    const along = (i: number, n: number) => reach * ((2 * i) / (n - 1) - 1);
    const noise = new Float32Array(2 * 2 * count * points);
    for (let line = 0; line < 2 * count; line++) {
      const fixed = along(line % count, count);
      for (let i = 0; i < points; i++) {
        const place = 2 * (line * points + i);
        const moving = along(i, points);
        noise.set(line < count ? [fixed, moving] : [moving, fixed], place);
      }
    }
    const bent = await asked.decode(noise, 2 * count * points, 'mean', 0, work);
    const x = inDataUnits(bent, look);
    const lines = Array.from({ length: 2 * count }, (_, i) =>
      Array.from(x.subarray(2 * i * points, 2 * (i + 1) * points)),
    );
    return {
      picture: gridPicture(lines, count, await scene.frame(work), plot),
      caption:
        'What the flow makes of a square grid of noise; the heavier lines are those through its middle.',
      alt: 'A grid of lines, bent as the flow maps noise to data',
    };
  },
};
