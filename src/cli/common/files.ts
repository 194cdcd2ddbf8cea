// The file that a command writes: checked before any work is done, written whole or not at all.
import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LatentGpuError } from '../../errors.ts';
import { obstacleTo, throughLinks, writeFileAtomic } from '../../formats/atomic.node.ts';
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
  const target = await throughLinks(path);
  const folder = dirname(target);
  if (!(await stat(resolve(folder)).catch(() => undefined))?.isDirectory()) {
    const link = target === path ? '' : `it is a link to ${target}, and `;
    throw bad(`${link}there is no folder ${folder}`);
  }
  const why = await obstacleTo(folder);
  if (why) throw bad(why);
  const there = await stat(target).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENAMETOOLONG') throw bad('the name is too long');
    return undefined;
  });
  if (!there) return;
  if (there.isDirectory()) throw bad('this is a folder');
  if (!there.isFile()) throw bad('this is a pipe or a device; name a file');
  // Its folder would allow it to be replaced, and somebody does not want that.
  const isOpen = await access(target, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isOpen) throw bad('there is no permission to write to it');
}

/** A folder of more could not be looked at. */
const MOST_FILES = 10_000;

/**
 * Makes sure that so many files can be written as one name stands for.
 *
 * @returns their names
 * @throws LatentGpuError `bad-input`
 */
export async function outputFiles({ path, kind }: OutputFile, count: number): Promise<string[]> {
  if (count > MOST_FILES) {
    throw new LatentGpuError(
      'bad-input',
      `--out ${path}: ${count} files, a .${kind} each, and at most ${MOST_FILES} are written; a .npy takes more`,
    );
  }
  const paths = filesOf(path, count);
  // The name itself has been looked at.
  if (count > 1) for (const each of paths) await checkPlace(each);
  return paths;
}

/** The files that one name stands for: of several, f.csv is f.1.csv, f.2.csv … */
export const filesOf = (path: string, count: number): string[] =>
  count === 1
    ? [path]
    : Array.from({ length: count }, (_, i) => path.replace(/(\.[^.]*)$/, `.${i + 1}$1`));

/**
 * Makes sure that no file is written over one that is read, whose content would be lost; nor into a folder
 * of images or sounds, which the next command would read as one of them.
 *
 * @param written paths, by the options that name them
 * @throws LatentGpuError `bad-input`
 */
export async function keepApart(
  written: Readonly<Record<string, string | readonly string[] | undefined>>,
  read: readonly (string | undefined)[],
): Promise<void> {
  for (const [option, paths = []] of Object.entries(written)) {
    for (const path of typeof paths === 'string' ? [paths] : paths) {
      for (const other of read) {
        const why = other === undefined ? undefined : await collision(path, other);
        if (why) throw new LatentGpuError('bad-input', `${option} ${path}: ${why}`);
      }
    }
  }
}

const statOf = (path: string) => stat(path).catch(() => undefined);

/** Why a file must not be written, if one that is read would suffer. */
async function collision(path: string, read: string): Promise<string | undefined> {
  const [place, source] = [await statOf(path), await statOf(read)];
  if (source?.isDirectory()) {
    const mayBeRead = place?.isFile() || /\.(png|wav)$/i.test(path);
    if (!mayBeRead || !(await isReadWith(dirname(await throughLinks(path)), read)))
      return undefined;
    return `${read} is the folder of the data; name a file elsewhere`;
  }
  const isSame = place?.isFile() && source?.ino === place.ino && source.dev === place.dev;
  return isSame ? 'this is the file of the data; name another' : undefined;
}

/** Whether data that are read from a folder would be read from another, too: it is one of its classes, or the same. */
export async function isReadWith(folder: string, data: string): Promise<boolean> {
  const root = await realpath(data).catch(() => undefined);
  const own = await realPlace(folder);
  return own === root || dirname(own) === root;
}

/** A path without links, whose end need not be there yet. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  const above = dirname(whole);
  const found = await realpath(whole).catch(() => undefined);
  return found ?? (above === whole ? whole : join(await realPlace(above), basename(whole)));
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
