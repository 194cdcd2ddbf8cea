// Sounds: a WAV file, a folder of them, or of folders of them, one a class.
import { basename, join, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { byName } from '../formats/table/classes.ts';
import { readWav } from '../formats/wav.ts';
import { checkDataset, type LoadedDataset, type ValueRange } from './dataset.ts';
import { readIfPresent } from './files.node.ts';
import { entriesOf } from './image-list.node.ts';
import { resample } from './resample.ts';
import { cutWindows, type Series, type Windows } from './windows.ts';

const isWavName = (name: string) => /\.wav$/i.test(name);

export interface SoundOptions {
  /** How they are cut; they are refused without. */
  readonly windows: Windows | undefined;
  readonly range?: ValueRange | undefined;
  /** Names of classes that have their indices already. */
  readonly classes?: readonly string[] | undefined;
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly onRemark?: ((text: string) => void) | undefined;
}

interface Found {
  readonly path: string;
  readonly group?: string;
}

/** The sounds of a folder, or of its folders; none if it holds no sound. */
export async function findSounds(folder: string): Promise<Found[]> {
  const { names, folders } = await entriesOf(folder);
  const own = names.filter(isWavName).sort(byName);
  if (own.length > 0) return own.map((name) => ({ path: join(folder, name) }));
  const found: Found[] = [];
  for (const group of [...folders].sort(byName)) {
    const inner = await entriesOf(join(folder, group));
    for (const name of inner.names.filter(isWavName).sort(byName)) {
      found.push({ path: join(folder, group, name), group });
    }
  }
  return found;
}

/**
 * Windows of sounds, mixed down to one channel, at one rate.
 *
 * @throws LatentGpuError `bad-input` if it is not said how they are cut, `bad-format` for another encoding,
 *   `bad-data` for rates that differ while none is asked for, or sounds shorter than a window
 */
export async function sounds(
  path: string,
  files: readonly Found[],
  { windows, range, classes: numbered = [], onProgress, onRemark }: SoundOptions,
): Promise<LoadedDataset> {
  if (!windows) {
    throw new LatentGpuError(
      'bad-input',
      `${path} holds sound; say how many samples a data point has, --window 1024`,
    );
  }
  const own = [...new Set(files.flatMap(({ group }) => group ?? []))];
  const classes = [...numbered, ...own.filter((name) => !numbered.includes(name))];
  let rate = windows.rate;
  let first: string | undefined;
  const series: Series[] = [];
  for (const { path: file, group } of files) {
    const bytes = await readIfPresent(file);
    if (!bytes) throw new LatentGpuError('io', `${file} has just been removed`);
    const wav = readWav(bytes, file);
    rate ??= wav.rate;
    first ??= file;
    if (windows.rate === undefined && wav.rate !== rate) {
      throw new LatentGpuError(
        'bad-data',
        `${file} has ${wav.rate} samples a second and ${first} ${rate}; bring them to one with --rate ${Math.min(wav.rate, rate)}`,
      );
    }
    series.push({
      name: file,
      data: resample(mixed(wav.data, wav.channels), wav.rate, rate),
      label: group === undefined ? undefined : classes.indexOf(group),
    });
    onProgress?.(series.length / files.length);
  }
  const about = { name: basename(resolve(path)), source: path, rate };
  const cut = cutWindows(series, 1, windows, about, (short) =>
    onRemark?.(
      `${path}: ${short} of ${files.length} sounds are shorter than a window, and left out`,
    ),
  );
  return checkDataset(
    { ...cut, ...(own.length > 0 && { classes: classes.length, classNames: classes }) },
    range,
  );
}

/** The mean of all channels. */
function mixed(data: Float32Array, channels: number): Float32Array {
  if (channels === 1) return data;
  return Float32Array.from({ length: data.length / channels }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[i * channels + c] as number;
    return sum / channels;
  });
}
