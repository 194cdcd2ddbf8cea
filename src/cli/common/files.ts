// The file that a command writes: checked before any work is done, written whole or not at all.
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LatentGpuError } from '../../errors.ts';
import { obstacleTo, writeFileAtomic } from '../../formats/atomic.node.ts';
import { writeNpy } from '../../formats/npy.ts';
import { encodePng, type Picture } from '../../pictures/png.ts';

export type FileKind = 'npy' | 'csv' | 'png' | 'html' | 'wav';

export interface OutputFile {
  readonly path: string;
  readonly kind: FileKind;
}

/**
 * Makes sure that a file of one of these kinds can be written there.
 *
 * @throws LatentGpuError `bad-input`
 */
export async function outputFile(
  path: string,
  kinds: readonly FileKind[],
  option = '--out',
): Promise<OutputFile> {
  const bad = (why: string) => new LatentGpuError('bad-input', `${option} ${path}: ${why}`);
  const kind = kinds.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (!kind) throw bad(`name a file that ends in ${kinds.map((each) => `.${each}`).join(' or ')}`);
  await checkPlace(path, option);
  return { path, kind };
}

/**
 * Makes sure that a file can be written there.
 *
 * @throws LatentGpuError `bad-input`
 */
export async function checkPlace(path: string, option = '--out'): Promise<void> {
  const bad = (why: string) => new LatentGpuError('bad-input', `${option} ${path}: ${why}`);
  const folder = dirname(path);
  if (!(await stat(resolve(folder)).catch(() => undefined))?.isDirectory()) {
    throw bad(`there is no folder ${folder}`);
  }
  const why = await obstacleTo(folder);
  if (why) throw bad(why);
  const there = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENAMETOOLONG') throw bad('the name is too long');
    return undefined;
  });
  if (there?.isDirectory()) throw bad('this is a folder');
}

/**
 * Makes sure that no file is written over one that is read: what it holds beside numbers would be lost.
 *
 * @param written paths, by the options that name them
 * @throws LatentGpuError `bad-input`
 */
export async function keepApart(
  written: Readonly<Record<string, string | undefined>>,
  read: readonly (string | undefined)[],
): Promise<void> {
  const known = (path: string) => stat(path).catch(() => undefined);
  for (const [option, path] of Object.entries(written)) {
    const place = path === undefined ? undefined : await known(path);
    if (!place?.isFile()) continue;
    for (const other of read) {
      const source = other === undefined ? undefined : await known(other);
      if (source?.ino !== place.ino || source.dev !== place.dev) continue;
      throw new LatentGpuError(
        'bad-input',
        `${option} ${path}: this is the file of the data; name another`,
      );
    }
  }
}

/** A picture of more could not be looked at. */
const MOST_PICTURED = 10_000;
/** Numbers of one array: 2 GiB, which typed arrays and files hold everywhere. */
const MOST_NUMBERS = 2 ** 29;

/**
 * Checks that so many rows fit the file.
 *
 * @param what asked for them, e.g. `--count 7`
 * @throws LatentGpuError `bad-input`
 */
export function checkRoom(
  { kind }: OutputFile,
  what: string,
  count: number,
  features: number,
): void {
  const most = kind === 'png' ? MOST_PICTURED : Math.floor(MOST_NUMBERS / features);
  if (count <= most) return;
  const other = kind === 'png' ? '; a .npy takes more' : '';
  throw new LatentGpuError('bad-input', `${what}: at most ${most} fit a .${kind} file${other}`);
}

export async function writeArray(
  file: OutputFile,
  values: Float32Array | Float64Array,
  shape: readonly number[],
): Promise<void> {
  await writeFileAtomic(file.path, writeNpy(values, shape));
}

export async function writePicture(file: OutputFile, picture: Picture): Promise<void> {
  await writeFileAtomic(file.path, encodePng(picture));
}
