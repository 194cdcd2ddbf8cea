// Data themselves, where no reconstructions stand beside them.
import { inDataUnits, pictureOf } from '../../pictures/points.ts';
import { RECONSTRUCTIONS } from './reconstructions.ts';
import { SHOWN } from './samples.ts';
import { fits, type PictureView } from './view.ts';

export const DATA: PictureView = {
  title: 'Data',
  needs: {
    can: [],
    shape: 'image',
    rows: 1,
    also: (scene) => !fits(RECONSTRUCTIONS.needs, scene),
  },
  async draw(scene) {
    const { look } = scene;
    const few = scene.few(scene.squareOf(SHOWN));
    const { rows, count, mask } = few;
    return {
      picture: pictureOf(inDataUnits(rows, look), count, look, { ...(mask && { mask }) }),
      caption: `The first rows, to compare with what the model makes.${scene.holes(few)}`,
      alt: 'A grid of data points',
    };
  },
};
