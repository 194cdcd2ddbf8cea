// All views of a model, in the order of a report.
import { CLUSTERS } from './clusters.ts';
import { CODES } from './codes.ts';
import { DATA } from './data.ts';
import { DEFORMED_GRID } from './deformed-grid.ts';
import { DENSITY } from './density.ts';
import { INFLUENCE } from './influence.ts';
import { INTERPOLATION } from './interpolation.ts';
import { NOISE } from './noise.ts';
import { RECONSTRUCTIONS } from './reconstructions.ts';
import { COOLER_SAMPLES, SAMPLES } from './samples.ts';
import type { Scene } from './scene.ts';
import { fits, type PictureView } from './view.ts';

const VIEWS: readonly PictureView[] = [
  DATA,
  SAMPLES,
  COOLER_SAMPLES,
  RECONSTRUCTIONS,
  CLUSTERS,
  CODES,
  INTERPOLATION,
  INFLUENCE,
  DENSITY,
  DEFORMED_GRID,
  NOISE,
];

/** Those that the model and the data at hand have what they need for. */
export function viewsOf(scene: Scene): PictureView[] {
  return VIEWS.filter(({ needs }) => fits(needs, scene));
}
