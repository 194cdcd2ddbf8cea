// What a report shows of a latent-variable model: pictures of what it makes, and its latent dimensions.
import { take } from '../../data/dataset.ts';
import { Autoencoder, type Inference, type WorkOptions } from '../../models/index.ts';
import type { LatentDimensions } from '../../report/content.ts';
import type { LoadedLatent } from '../../training/model-folder.node.ts';
import { thousands } from '../common/text.ts';
import {
  CODES,
  codesPicture,
  fewRows,
  inThePlane,
  reconstructionsPicture,
  SAMPLES,
  samplesPicture,
} from '../pictures/latent.ts';
import { appearanceOf } from '../pictures/points.ts';
import {
  atMost,
  type Described,
  drawn,
  fewOf,
  isVector,
  PLOT,
  type Portrait,
  partOf,
  placeOf,
  type Sitters,
  squareOf,
  type Tasks,
} from './portrait.ts';
import { ways } from './ways.ts';

/**
 * Draws whatever the model and the data allow: without data, only what comes from the prior.
 *
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function latentPortrait(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters | undefined,
  seed: number,
  whole: WorkOptions,
): Promise<Portrait> {
  const isVae = !(inference.model instanceof Autoencoder);
  const tasks: Tasks = {
    ...(isVae && { Samples: (work) => samples(inference, loaded, sitters, seed, work) }),
    ...(sitters && {
      Reconstructions: (work) => reconstructions(inference, loaded, sitters, work),
      'Latent space': (work) => latentSpace(inference, sitters, work),
      ...(sitters.dataset.count > 1 && {
        Interpolation: (work) => ways(inference, loaded, sitters, work),
      }),
    }),
  };
  if (!sitters) return await drawn(tasks, whole);
  const parts = Object.keys(tasks).length + 1;
  const portrait = await drawn(tasks, whole, parts);
  const last = partOf(whole, parts - 1, parts);
  return { ...portrait, dimensions: await dimensionsOf(inference, sitters, last) };
}

async function samples(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters | undefined,
  seed: number,
  work: WorkOptions,
): Promise<Described> {
  const look = appearanceOf(loaded);
  const among = sitters && isVector(loaded) ? fewOf(sitters, fewRows(look)) : undefined;
  const count = squareOf(SAMPLES, loaded);
  const picture = await samplesPicture(inference, look, seed, {
    ...work,
    count,
    ...(among && { among }),
  });
  const title = 'Samples';
  if (among) {
    const caption = `Draws from the model (1) among data (0), ${placeOf(loaded)}; seed ${seed}.`;
    return { title, picture, caption, alt: `Scatter plot of draws from the model among data` };
  }
  const how = isVector(loaded) ? 'Draws from the model' : 'Decoded means of draws from the prior';
  return {
    title,
    picture,
    caption: `${how}; seed ${seed}.`,
    alt: `A grid of data points that the model made`,
  };
}

async function reconstructions(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters,
  work: WorkOptions,
): Promise<Described> {
  const look = appearanceOf(loaded);
  const few = isVector(loaded) ? fewRows(look) : atMost(fewRows(look), loaded);
  const data = fewOf(sitters, few);
  const picture = await reconstructionsPicture(inference, look, data, work);
  const title = 'Reconstructions';
  return isVector(loaded)
    ? {
        title,
        picture,
        caption: `Reconstructions (1) among data (0), ${placeOf(loaded)}.`,
        alt: 'Scatter plot of reconstructions among data',
      }
    : {
        title,
        picture,
        caption: 'Data above, their reconstructions directly below.',
        alt: 'Pairs of rows: data, and below them what the model makes of them',
      };
}

async function latentSpace(
  inference: Inference,
  { dataset, shown }: Sitters,
  work: WorkOptions,
): Promise<Described> {
  const { latent } = inference.model.config;
  const part = take(dataset, CODES);
  const { mean } = await inference.encode(shown, part.count, work);
  const plane = inThePlane(mean, part.count, latent);
  const axes =
    latent > 2
      ? `in their first two principal components, which hold ${(100 * plane.share).toFixed(0)}% of their variance`
      : latent === 2
        ? 'in the plane of the two latent dimensions'
        : 'along the one latent dimension';
  const colored = part.labels ? ', coloured by label' : '';
  return {
    title: 'Codes',
    picture: codesPicture(plane, latent, part, PLOT),
    caption: `Codes of ${thousands(part.count)} rows ${axes}${colored}.`,
    alt: `Scatter plot of the codes of data${colored}`,
  };
}

/** What each dimension of the code tells of the data. */
async function dimensionsOf(
  inference: Inference,
  { dataset, evaluated }: Sitters,
  work: WorkOptions,
): Promise<LatentDimensions> {
  const { latent } = inference.model.config;
  const { count } = dataset;
  const { mean, logStd } = await inference.encode(evaluated, count, work);
  const sums = (term: (i: number) => number) => {
    const totals = new Array<number>(latent).fill(0);
    for (let i = 0; i < mean.length; i++) totals[i % latent] = (totals[i % latent] ?? 0) + term(i);
    return totals.map((total) => total / count);
  };
  const first = sums((i) => mean[i] as number);
  const variance = sums((i) => ((mean[i] as number) - (first[i % latent] as number)) ** 2);
  // KL(N(μ, σ²) ‖ N(0, 1)), Kingma and Welling 2014, appendix B.
  const divergence = (logDeviation: Float32Array) =>
    sums((i) => {
      const s = logDeviation[i] as number;
      return 0.5 * ((mean[i] as number) ** 2 + Math.exp(2 * s) - 1) - s;
    });
  return { kl: logStd && divergence(logStd), variance };
}
