// The pictures that a training run leaves beside its model: those views of a report that have a file.
import type { ImageDataset } from '../data/dataset.ts';
import type { Standardization } from '../data/standardize.ts';
import type { Asked } from '../models/index.ts';
import { encodePng } from '../pictures/png.ts';
import { type Binarization, greyed, rowSourceOf } from '../training/index.ts';
import { viewsOf } from './views/index.ts';
import { Scene } from './views/scene.ts';

export interface PictureOptions {
  /** As the model sees it: standardised, if the model's data are. */
  readonly dataset: ImageDataset;
  readonly binarization: Binarization;
  readonly seed: number;
  /** Of a model that has codes of its training rows alone: whether these are others. */
  readonly isUnseen: boolean;
  /** Of a model that sees standardised data. */
  readonly standardization?: Standardization;
}

/**
 * PNG files by name, of whatever the model can show of the data.
 *
 * @throws LatentGpuError whatever keeps a picture from being drawn
 */
export async function runPictures(
  asked: Asked,
  { dataset, binarization, seed, isUnseen, standardization }: PictureOptions,
): Promise<Map<string, Uint8Array>> {
  const how = greyed(binarization);
  const scene = new Scene({
    asked,
    look: { shape: dataset.shape, standardization, sequence: dataset.sequence },
    sitters: {
      dataset,
      isUnseen,
      shown: rowSourceOf(dataset, how, seed),
    },
    seed,
  });
  const files = new Map<string, Uint8Array>();
  for (const view of viewsOf(scene)) {
    if (view.file) files.set(view.file, encodePng((await view.draw(scene, {})).picture));
  }
  return files;
}
