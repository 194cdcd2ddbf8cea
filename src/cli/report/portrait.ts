// What a report shows of a model: pictures of what it makes, and its latent dimensions.
import type { ImageDataset } from '../../data/dataset.ts';
import { take } from '../../data/dataset.ts';
import { isLatentGpuError } from '../../errors.ts';
import {
  Autoencoder,
  type Inference,
  interpolate,
  type RowSource,
  type WorkOptions,
} from '../../models/index.ts';
import { encodePng, type Picture } from '../../pictures/png.ts';
import type { LatentDimensions, ReportPicture } from '../../report/content.ts';
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
import { appearanceOf, inDataUnits, pictureOf } from '../pictures/points.ts';

/** Ways through latent space, and pictures of each. */
const WAYS = 4;
const STEPS = 9;
/** Values of the data points in one picture, about, at most. */
const VALUES = 500_000;
/** Features of a vector whose strips may stand beside each other. */
const SHORT = 64;
/** Side of a scatter plot in pixels: its numerals are to be read on a narrow page, too. */
const PLOT = 460;

/** Data that a model is shown, and how. */
export interface Sitters {
  readonly dataset: ImageDataset;
  /** Rows for pictures: grey where training drew them anew. */
  readonly shown: RowSource;
  /** Rows as an evaluation sees them. */
  readonly evaluated: RowSource;
}

export interface Portrait {
  readonly pictures: readonly ReportPicture[];
  readonly dimensions: LatentDimensions | undefined;
  /** What could not be drawn, and why. */
  readonly notes: readonly string[];
}

type Described = Omit<ReportPicture, 'png'> & { readonly picture: Picture };
type Task = (work: WorkOptions) => Promise<Described>;

/**
 * Draws whatever the model and the data allow: without data, only what comes from the prior.
 *
 * @throws LatentGpuError `interrupted`, and whatever keeps a device from working
 */
export async function portraitOf(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters | undefined,
  seed: number,
  { signal, onProgress }: WorkOptions,
): Promise<Portrait> {
  const isVae = !(inference.model instanceof Autoencoder);
  const tasks: Record<string, Task> = {
    ...(isVae && { Samples: (work) => samples(inference, loaded, sitters, seed, work) }),
    ...(sitters && {
      Reconstructions: (work) => reconstructions(inference, loaded, sitters, work),
      'Latent space': (work) => latentSpace(inference, sitters, work),
      ...(sitters.dataset.count > 1 && {
        Interpolation: (work) => ways(inference, loaded, sitters, work),
      }),
    }),
  };
  const names = Object.keys(tasks);
  const parts = names.length + (sitters ? 1 : 0);
  const part = (done: number): WorkOptions => ({
    ...(signal && { signal }),
    onProgress: (fraction) => onProgress?.((done + fraction) / parts),
  });
  const pictures: ReportPicture[] = [];
  const notes: string[] = [];
  for (const [i, [name, draw]] of Object.entries(tasks).entries()) {
    try {
      const { picture, ...described } = await draw(part(i));
      pictures.push({ ...described, png: encodePng(picture) });
    } catch (error) {
      // Too wide, not finite: one picture less is no reason to have no report.
      if (!isLatentGpuError(error, 'bad-input')) throw error;
      notes.push(`${name} could not be drawn: ${error.message}.`);
    }
  }
  const dimensions = sitters && (await dimensionsOf(inference, sitters, part(names.length)));
  return { pictures, dimensions, notes };
}

const isVector = ({ config }: LoadedLatent) => config.data.shape.length === 1;
const MADE = { 1: 'as points along a line', 2: 'as points in the plane' } as const;

/** So many data points, or fewer where they are large: a page is to stay small. */
function atMost(wanted: number, { model }: LoadedLatent): number {
  return Math.max(4, Math.min(wanted, Math.floor(VALUES / model.features)));
}

/** Where plain vectors are drawn, in words. */
function placeOf({ model }: LoadedLatent): string {
  return (
    MADE[model.features as 1 | 2] ??
    'in the plane of the first two principal components of the data'
  );
}

async function samples(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters | undefined,
  seed: number,
  work: WorkOptions,
): Promise<Described> {
  const look = appearanceOf(loaded);
  const among = isVector(loaded) ? fewOf(sitters, fewRows(look)) : undefined;
  // A full square.
  const count = Math.floor(Math.sqrt(atMost(SAMPLES, loaded))) ** 2;
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

/** Rows that are shown, from the first. */
function fewOf(sitters: Sitters | undefined, most: number): Float32Array | undefined {
  return sitters?.shown(0, Math.min(most, sitters.dataset.count));
}

async function reconstructions(
  inference: Inference,
  loaded: LoadedLatent,
  sitters: Sitters,
  work: WorkOptions,
): Promise<Described> {
  const look = appearanceOf(loaded);
  const few = isVector(loaded) ? fewRows(look) : atMost(fewRows(look), loaded);
  const data = fewOf(sitters, few) as Float32Array;
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

async function ways(
  inference: Inference,
  loaded: LoadedLatent,
  { dataset, shown }: Sitters,
  { signal, onProgress }: WorkOptions,
): Promise<Described> {
  const { latent } = inference.model.config;
  const most = isVector(loaded) ? WAYS : Math.ceil(atMost(WAYS * STEPS, loaded) / STEPS);
  const count = Math.min(most, Math.floor(dataset.count / 2));
  const stop = signal && { signal };
  const { mean } = await inference.encode(shown, 2 * count, { ...stop });
  const end = (i: number) => mean.subarray(i * latent, (i + 1) * latent);
  const look = appearanceOf(loaded);
  const vector = isVector(loaded);
  // Strips are compared best below each other: a column for each way, if they are short.
  const columns = !vector ? STEPS : inference.model.features <= SHORT ? count : 1;
  const isTurned = vector && columns === count;
  const codes = new Float32Array(count * STEPS * latent);
  const series: number[] = [];
  for (let i = 0; i < count; i++) {
    const way = interpolate(end(2 * i), end(2 * i + 1), STEPS);
    for (let step = 0; step < STEPS; step++) {
      const at = isTurned ? step * count + i : i * STEPS + step;
      codes.set(way.subarray(step * latent, (step + 1) * latent), at * latent);
      series[at] = i;
    }
  }
  const made = await inference.decode(codes, count * STEPS, 'mean', 0, {
    ...stop,
    ...(onProgress && { onProgress }),
  });
  const picture = pictureOf(inDataUnits(made, look), count * STEPS, look, { columns, series });
  return {
    title: 'Interpolation',
    picture,
    caption: waysText(loaded, count, isTurned),
    alt: 'What the model decodes on the way from one data point to another',
  };
}

function waysText(loaded: LoadedLatent, count: number, isTurned: boolean): string {
  const pairs = count === 1 ? 'two data points' : `${count} pairs of data points`;
  const straight = `Straight through latent space between the codes of ${pairs}`;
  if (!isVector(loaded)) return `${straight}, a row each.`;
  if (loaded.model.features === 2) return `${straight}, a colour each.`;
  const cells = loaded.standardization
    ? 'a cell is a feature: blue below its mean, red above'
    : 'a cell is a feature: black is 0, white is 1';
  return `${straight}, ${isTurned ? 'a column each' : `${STEPS} rows each`}; ${cells}.`;
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
