// Data and what a model makes of their codes. Those of a bijection are exact: there is nothing to see.
import { CLOUD } from '../../pictures/clouds.ts';
import { inDataUnits, pairsPicture } from '../../pictures/points.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { Sitters } from './scene.ts';
import type { PictureView } from './view.ts';

/** Pairs of images. */
const PAIRS = 40;

export const RECONSTRUCTIONS: PictureView = {
  title: 'Reconstructions',
  file: PICTURES.reconstructions,
  needs: {
    can: ['code', 'decode'],
    rows: 1,
    also: ({ can }) => !can.bijection && !can.decode?.isCoarse,
  },
  async draw(scene, work) {
    const { asked, look, isVector } = scene;
    const data = scene.few(isVector ? CLOUD : scene.atMost(PAIRS));
    const { rows, count, mask } = data;
    const holes = scene.holes(data);
    const { shown } = scene.sitters as Sitters;
    const again = await asked.reconstruct(shown, count, 'mean', 0, work);
    if (isVector) {
      return {
        picture: scene.cloud(data, again),
        caption: `Reconstructions among data, ${scene.place}.${holes}`,
        alt: 'Scatter plot of reconstructions among data',
      };
    }
    return {
      picture: pairsPicture(inDataUnits(rows, look), inDataUnits(again, look), count, look, mask),
      ...(look.sequence
        ? {
            caption: `Data (grey) and their reconstructions.${holes}`,
            alt: 'Lines over time: data, and what the model makes of them',
          }
        : {
            caption: `Data above, their reconstructions directly below.${holes}`,
            alt: 'Pairs of rows: data, and below them what the model makes of them',
          }),
    };
  },
};
