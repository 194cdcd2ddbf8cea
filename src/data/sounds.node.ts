// Sounds: a WAV file, a folder of them, or of folders of them, one a class.
import { basename, join, resolve } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { byName } from '../formats/table/classes.ts';
import { readWav } from '../formats/wav.ts';
import { checkDataset, type LoadedDataset, type ValueRange } from './dataset.ts';
import { readIfPresent } from './files.node.ts';
import { entriesOf, refuseDeeper, refuseSplits, splitsHint } from './image-list.node.ts';
import { resample } from './resample.ts';
import { cutWindows, type Series, type Windows } from './windows.ts';

const isWavName = (name: string) => /\.wave?$/i.test(name);
/** Sounds that somebody might expect to be read, too. */
const isOtherSound = (name: string) =>
  /\.(mp3|flac|og[ga]|opus|m4a|aac|aif[fc]?|wma|au|amr|caf)$/i.test(name);

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

interface Listing {
  /** Names of sounds, in order. */
  readonly sounds: string[];
  readonly folders: string[];
  readonly other: string | undefined;
}

async function list(folder: string): Promise<Listing> {
  const { names, folders } = await entriesOf(folder);
  const other = names.find(isOtherSound);
  return {
    sounds: names.filter(isWavName).sort(byName),
    folders: folders.sort(byName),
    other: other && join(folder, other),
  };
}

const holdsSounds = async (folder: string) => (await list(folder)).sounds.length > 0;

/**
 * The sounds of a folder, or of its folders; none if it holds no sound.
 *
 * @param isAsked whether sounds are what is looked for
 * @throws LatentGpuError `bad-data` for sounds of other formats, or if it is unclear what is a class
 */
export async function findSounds(folder: string, isAsked: boolean): Promise<Found[]> {
  const { sounds: own, folders, other } = await list(folder);
  if (own.length > 0) {
    refuseOther(other);
    await refuseDeeper(folder, folders, holdsSounds, 'sounds');
    return own.map((name) => ({ path: join(folder, name) }));
  }
  const found: Found[] = [];
  let others = other;
  for (const group of folders) {
    const path = join(folder, group);
    const inner = await list(path);
    others ??= inner.other;
    if (inner.sounds.length > 0) await refuseDeeper(path, inner.folders, holdsSounds, 'sounds');
    else if (isAsked && (await anyHolds(path, inner.folders)))
      throw new LatentGpuError('bad-data', `${folder} ${splitsHint(folder, folders)}`);
    for (const name of inner.sounds) found.push({ path: join(path, name), group });
  }
  if (found.length > 0 || isAsked) refuseOther(others);
  refuseSplits(folder, [...new Set(found.flatMap(({ group }) => group ?? []))]);
  return found;
}

async function anyHolds(folder: string, folders: readonly string[]): Promise<boolean> {
  for (const name of folders) if (await holdsSounds(join(folder, name))) return true;
  return false;
}

/** @throws LatentGpuError `bad-data` for a sound that is not read, which would be left out */
function refuseOther(path: string | undefined): void {
  if (path === undefined) return;
  throw new LatentGpuError(
    'bad-data',
    `${path} is no WAV file; sounds must be, so move it or convert it (ffmpeg -i in -c:a pcm_s16le out.wav)`,
  );
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
