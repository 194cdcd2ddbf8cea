// What a model makes of nothing: images, or points among data.
import type { DrawOptions } from '../../models/ask/interface.ts';
import { isDrawn } from '../../models/index.ts';
import { CLOUD } from '../../pictures/clouds.ts';
import type { Picture } from '../../pictures/png.ts';
import { inDataUnits, pictureOf } from '../../pictures/points.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { Scene } from './scene.ts';
import type { Described, PictureView } from './view.ts';

/** Images of a picture. */
export const SHOWN = 100;
/** Deviation of the noise of draws that are to look well. */
const COOLER = 0.7;

export const SAMPLES: PictureView = {
  title: 'Samples',
  file: PICTURES.samples,
  needs: { can: [], also: ({ can }) => isDrawn(can) },
  async draw(scene, work): Promise<Described> {
    const { asked, seed, isVector } = scene;
    if (isVector && scene.sitters) {
      const data = scene.few(CLOUD);
      const made = await asked.sample(data.count, 'draw', seed, work);
      return {
        picture: scene.cloud(data, made),
        caption: `Draws from the model among data, ${scene.place}; seed ${seed}.${scene.holes(data)}`,
        alt: 'Scatter plot of draws from the model among data',
      };
    }
    // A decoder that has draws of its own shows means, which look better.
    const names = scene.can.condition?.classes;
    const classes = names ? `, classes in turn (${names.slice(0, 12).join(', ')})` : '';
    const areMeans = !isVector && !scene.can.ancestral && scene.can.decode?.draw;
    return {
      picture: await imagesOf(scene, work),
      caption: `${areMeans ? 'Decoded means of draws from the prior' : 'Draws from the model'}${classes}; seed ${seed}.`,
      alt: 'A grid of data points that the model made',
    };
  },
};

export const COOLER_SAMPLES: PictureView = {
  title: 'Cooler samples',
  file: PICTURES.cooler,
  needs: {
    can: ['draw', 'decode'],
    shape: 'image',
    also: ({ can }) => can.draw?.controls.temperature !== undefined,
  },
  async draw(scene, work) {
    return {
      picture: await imagesOf(scene, { ...work, temperature: COOLER }),
      caption: `The same draws at temperature ${COOLER}: their noise is that much smaller.`,
      alt: 'A grid of data points that the model made of smaller noise',
    };
  },
};

/** A grid of images, strips, or points in the plane. */
async function imagesOf(scene: Scene, options: DrawOptions): Promise<Picture> {
  const { asked, look, seed } = scene;
  const count = scene.squareOf(SHOWN);
  const x = await asked.sample(count, scene.isVector ? 'draw' : 'mean', seed, options);
  return pictureOf(inDataUnits(x, look), count, look);
}
