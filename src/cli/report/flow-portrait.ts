// What a report shows of a flow: data and draws; in the plane its density, how it bends a grid, and what
// noise it makes of data. Reconstructions are exact, so there is nothing to see in them.
import { take } from '../../data/dataset.ts';
import type { FlowInference, WorkOptions } from '../../models/index.ts';
import { type Frame, frameOf } from '../../pictures/plot.ts';
import type { LoadedFlow } from '../../training/model-folder.node.ts';
import { thousands } from '../common/text.ts';
import { CLOUD } from '../pictures/clouds.ts';
import {
  COOLER,
  type DrawsOptions,
  deformedGrid,
  densityOver,
  drawsAmong,
  imagesOf,
} from '../pictures/flow.ts';
import { codesPicture, SAMPLES } from '../pictures/latent.ts';
import { appearanceOf, inDataUnits, pictureOf } from '../pictures/points.ts';
import {
  type Described,
  drawn,
  fewOf,
  isVector,
  PLOT,
  type Portrait,
  placeOf,
  type Sitters,
  squareOf,
  type Tasks,
} from './portrait.ts';
import { ways } from './ways.ts';

/** A flow to be drawn, and what it is shown. */
interface Scene {
  readonly inference: FlowInference;
  readonly loaded: LoadedFlow;
  readonly sitters: Sitters | undefined;
  readonly seed: number;
}

/**
 * Draws whatever the flow and the data allow: without data, only what comes from noise.
 *
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function flowPortrait(scene: Scene, work: WorkOptions): Promise<Portrait> {
  const { loaded } = scene;
  const tasks = !isVector(loaded)
    ? ofImages(scene)
    : loaded.model.features === 2
      ? await inPlane(scene, work)
      : ofVectors(scene);
  return await drawn(tasks, work);
}

/** Interpolation, where there are two data points. */
function between({ inference, loaded, sitters }: Scene): Tasks {
  if (!sitters || sitters.dataset.count < 2) return {};
  return { Interpolation: (work) => ways(inference, loaded, sitters, work) };
}

function ofImages(scene: Scene): Tasks {
  const { sitters, loaded } = scene;
  return {
    ...(sitters && { Data: async () => data(loaded, sitters) }),
    Samples: (work) => samples(scene, work),
    'Cooler samples': (work) => samples(scene, { ...work, temperature: COOLER }),
    ...between(scene),
  };
}

function ofVectors(scene: Scene): Tasks {
  const { sitters } = scene;
  return {
    Samples: (work) => (sitters ? cloud(scene, sitters, work) : samples(scene, work)),
    ...between(scene),
  };
}

async function inPlane(scene: Scene, { signal }: WorkOptions): Promise<Tasks> {
  const { inference, loaded, sitters, seed } = scene;
  // Where there are no data, draws show where to look.
  const seen = sitters
    ? fewOf(sitters, CLOUD)
    : await inference.sample(CLOUD, 'draw', seed, { ...(signal && { signal }) });
  const frame = frameOf(inDataUnits(seen, appearanceOf(loaded)));
  return {
    Samples: (work) => (sitters ? cloud(scene, sitters, work) : samples(scene, work)),
    Density: (work) => density(scene, frame, seen, work),
    'Deformed grid': (work) => grid(scene, frame, work),
    ...(sitters && { Noise: (work) => noise(inference, sitters, work) }),
  };
}

function data(loaded: LoadedFlow, sitters: Sitters): Described {
  const count = Math.min(squareOf(SAMPLES, loaded), sitters.dataset.count);
  const look = appearanceOf(loaded);
  return {
    title: 'Data',
    picture: pictureOf(inDataUnits(fewOf(sitters, count), look), count, look),
    caption: 'The first rows, to compare with what the model makes.',
    alt: 'A grid of data points',
  };
}

async function samples(
  { inference, loaded, seed }: Scene,
  options: DrawsOptions,
): Promise<Described> {
  const { temperature = 1 } = options;
  const count = squareOf(SAMPLES, loaded);
  const cooler = temperature < 1;
  return {
    title: cooler ? 'Cooler samples' : 'Samples',
    picture: await imagesOf(inference, appearanceOf(loaded), seed, { ...options, count }),
    caption: cooler
      ? `The same draws at temperature ${temperature}: their noise is that much smaller.`
      : `Draws from the model; seed ${seed}.`,
    alt: `A grid of data points that the model made${cooler ? ' of smaller noise' : ''}`,
  };
}

async function cloud(
  { inference, loaded, seed }: Scene,
  sitters: Sitters,
  work: WorkOptions,
): Promise<Described> {
  const look = appearanceOf(loaded);
  const options = { ...work, size: PLOT };
  return {
    title: 'Samples',
    picture: await drawsAmong(inference, look, seed, fewOf(sitters, CLOUD), options),
    caption: `Draws from the model (1) among data (0), ${placeOf(loaded)}; seed ${seed}.`,
    alt: 'Scatter plot of draws from the model among data',
  };
}

async function density(
  { inference, loaded, sitters }: Scene,
  frame: Frame,
  seen: Float32Array,
  work: WorkOptions,
): Promise<Described> {
  const options = { ...work, size: PLOT };
  return {
    title: 'Density',
    picture: await densityOver(inference, appearanceOf(loaded), frame, seen, options),
    caption: `Darker where it is higher (its square root is shown), with ${sitters ? 'data' : 'draws'} on top.`,
    alt: "Heat map of the model's density over the plane",
  };
}

async function grid(
  { inference, loaded }: Scene,
  frame: Frame,
  work: WorkOptions,
): Promise<Described> {
  const options = { ...work, size: PLOT };
  return {
    title: 'Deformed grid',
    picture: await deformedGrid(inference, appearanceOf(loaded), frame, options),
    caption:
      'What the flow makes of a square grid of noise; the heavier lines are those through its middle.',
    alt: 'A grid of lines, bent as the flow maps noise to data',
  };
}

/** What the flow makes of data, which is normal noise if it describes them well. */
async function noise(
  inference: FlowInference,
  { dataset, shown }: Sitters,
  work: WorkOptions,
): Promise<Described> {
  const part = take(dataset, CLOUD);
  const { mean } = await inference.encode(shown, part.count, work);
  const colored = part.labels ? ', coloured by label' : '';
  return {
    title: 'Noise',
    picture: codesPicture({ points: mean, share: 1 }, 2, part, PLOT),
    caption: `What the flow makes of ${thousands(part.count)} rows${colored}: distributed as its noise is, if it describes them well.`,
    alt: `Scatter plot of the noise that stands for data${colored}`,
  };
}
