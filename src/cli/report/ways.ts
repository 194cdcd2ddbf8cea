// Ways from data point to data point, straight through the space of their codes.
import { codeSize, interpolate, type WorkOptions } from '../../models/index.ts';
import { isFlow, type LoadedModel } from '../../training/model-folder.node.ts';
import type { AnyInference } from '../common/device.ts';
import { appearanceOf, inDataUnits, pictureOf } from '../pictures/points.ts';
import { atMost, type Described, isVector, type Sitters } from './portrait.ts';

/** Ways, and pictures of each. */
const WAYS = 4;
const STEPS = 9;
/** Features of a vector whose strips may stand beside each other. */
const SHORT = 64;

export async function ways(
  inference: AnyInference,
  loaded: LoadedModel,
  { dataset, shown }: Sitters,
  { signal, onProgress }: WorkOptions,
): Promise<Described> {
  const latent = codeSize(loaded.config);
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

function waysText(loaded: LoadedModel, count: number, isTurned: boolean): string {
  const pairs = count === 1 ? 'two data points' : `${count} pairs of data points`;
  const through = isFlow(loaded)
    ? 'noise space between what the flow makes of'
    : 'latent space between the codes of';
  const straight = `Straight through ${through} ${pairs}`;
  if (!isVector(loaded)) return `${straight}, a row each.`;
  if (loaded.model.features === 2) return `${straight}, a colour each.`;
  const cells = loaded.standardization
    ? 'a cell is a feature: blue below its mean, red above'
    : 'a cell is a feature: black is 0, white is 1';
  return `${straight}, ${isTurned ? 'a column each' : `${STEPS} rows each`}; ${cells}.`;
}
