// Where images lie in a folder, and which class each belongs to.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { byName } from '../formats/table/classes.ts';

const isImageName = (name: string) =>
  /\.(png|jpe?g|jpe|jfif|webp|bmp|pbm|pgm|ppm|pnm)$/i.test(name);
/** Images that somebody might expect to be read, too. */
const isOtherImage = (name: string) => /\.(gif|tiff?|avif|heic|heif|jp2|svg)$/i.test(name);
/** Data that are no images, and are named themselves. */
const isTableName = (name: string) =>
  /\.(csv|tsv|tab|data|dat|npy|npz|parquet|jsonl)(\.gz)?$/i.test(name);
/** What archives, file managers and cameras leave behind; names with a point in front are such, too. */
const LEAVINGS =
  /^(\.|__MACOSX$|thumbs(_.*)?\.db$|ehthumbs.*\.db$|desktop\.ini$|@eadir$|\$recycle\.bin$|system volume information$|lost\+found$|icon\r$)/i;

interface Listing {
  /** Names of images, in order. */
  readonly images: string[];
  readonly folders: string[];
  readonly other: string | undefined;
  readonly tables: string[];
}

/** What lies in a folder, without what file managers leave there. */
export async function entriesOf(folder: string): Promise<{ names: string[]; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => {
    throw new LatentGpuError('io', `cannot read ${folder}: ${cause.message}`);
  });
  const names: string[] = [];
  const folders: string[] = [];
  for (const entry of entries.filter(({ name }) => !LEAVINGS.test(name))) {
    const { name } = entry;
    const target = entry.isSymbolicLink() ? await linked(folder, name) : entry;
    // Pipes and sockets would be waited for.
    if (target?.isDirectory()) folders.push(name);
    else if (target?.isFile()) names.push(name);
  }
  return { names, folders };
}

/** What a link leads to, unless that is a folder in which the link lies. */
async function linked(folder: string, name: string) {
  const path = join(folder, name);
  const target = await stat(path).catch(() => undefined);
  if (!target?.isDirectory()) return target;
  const [own, to] = await Promise.all([realpath(folder), realpath(path)]);
  return own === to || own.startsWith(join(to, sep)) ? undefined : target;
}

async function list(folder: string): Promise<Listing> {
  const { names, folders } = await entriesOf(folder);
  return {
    images: names.filter(isImageName).sort(byName),
    folders: folders.sort(byName),
    other: names.find(isOtherImage),
    tables: names.filter(isTableName).sort(byName),
  };
}

export interface FoundImage {
  readonly path: string;
  /** Index of its class. */
  readonly label: number | undefined;
}

export interface FoundImages {
  readonly images: readonly FoundImage[];
  /** Names of the classes by their indices, if the images have any. */
  readonly classes: readonly string[] | undefined;
}

const FORMATS =
  'images must be PNG, JPEG, WebP, BMP or PNM, so move it or convert it (magick mogrify -format png FILES)';

/**
 * The images of a folder, or of its folders: one a class.
 *
 * @param numbered names of classes that have their indices already
 * @throws LatentGpuError `bad-data` if there is none, or it is unclear what is a class
 */
export async function findImages(
  folder: string,
  numbered: readonly string[] = [],
): Promise<FoundImages> {
  const bad = (why: string) => new LatentGpuError('bad-data', `${folder} ${why}`);
  const { images, folders, other, tables } = await list(folder);
  if (other !== undefined) throw bad(`holds ${other}; ${FORMATS}`);
  if (images.length > 0) {
    await refuseDeeper(folder, folders, holdsImages, 'images');
    return {
      images: images.map((name) => ({ path: join(folder, name), label: undefined })),
      classes: undefined,
    };
  }
  const found: { path: string; name: string }[] = [];
  for (const name of folders) {
    const inner = await list(join(folder, name));
    if (inner.other !== undefined) throw bad(`holds ${join(name, inner.other)}; ${FORMATS}`);
    if (inner.images.length === 0 && inner.folders.length > 0)
      throw bad(splitsHint(folder, folders));
    await refuseDeeper(join(folder, name), inner.folders, holdsImages, 'images');
    // macOS takes letters apart.
    const own = name.normalize('NFC');
    for (const image of inner.images) found.push({ path: join(folder, name, image), name: own });
  }
  if (found.length === 0) {
    const hint = tables.length > 0 ? `; name a file of it, as in ${splitsOf(folder, tables)}` : '';
    throw bad(`holds no PNG, JPEG, WebP, BMP or PNM image, nor folders with any${hint}`);
  }
  // A folder without an image is no class, unless another split has images of it.
  const own = [...new Set(found.map(({ name }) => name))];
  refuseSplits(folder, own);
  const classes = [...numbered, ...own.filter((name) => !numbered.includes(name))];
  const labels = new Map(classes.map((name, label) => [name, label]));
  return { images: found.map(({ path, name }) => ({ path, label: labels.get(name) })), classes };
}

const holdsImages = async (folder: string) => (await list(folder)).images.length > 0;

/**
 * @param what lies in `folder`
 * @throws LatentGpuError `bad-data` if there is more in a folder of it, which would be left out
 */
export async function refuseDeeper(
  folder: string,
  folders: readonly string[],
  holds: (inner: string) => Promise<boolean>,
  what: string,
): Promise<void> {
  for (const name of folders) {
    if (!(await holds(join(folder, name)))) continue;
    throw new LatentGpuError(
      'bad-data',
      `${folder} holds ${what} and a folder of ${what} (${name}); put all ${what} into folders, one a class, or none`,
    );
  }
}

/** Names of splits, as `test`, `seg_test` and `test_images` are. */
const splitLike = (names: string) =>
  new RegExp(
    `^(.*[_\\s.-])?(${names})([_\\s.-]?(set|data|images?|imgs?|pictures|split|samples?))?$`,
    'i',
  );
const TRAINING = splitLike('train|training');
const TESTING = splitLike('test|testing|val|valid|validation|dev|eval');

/** @throws LatentGpuError `bad-data` if what would be classes are the splits of a data set without any */
export function refuseSplits(folder: string, names: readonly string[]): void {
  // A vehicle may be a train.
  const hasBoth =
    names.some((name) => TRAINING.test(name)) && names.some((name) => TESTING.test(name));
  const areTests = names.length > 1 && names.every((name) => TESTING.test(name));
  if (!hasBoth && !areTests) return;
  const how = splitsOf(folder, names);
  throw new LatentGpuError(
    'bad-data',
    `${folder} holds ${names.join(' and ')}, which are splits and no classes; name one, as in ${how}`,
  );
}

/** Folders of folders: most are splits. */
export const splitsHint = (folder: string, folders: readonly string[]): string =>
  `holds folders of folders; name the one whose folders are classes, as in ${splitsOf(folder, folders)}`;

/** The options that name the splits of a folder: folders or files of it. */
function splitsOf(folder: string, names: readonly string[]): string {
  // The training split first, whatever the alphabet says.
  const parts = names.filter((part) => /train/i.test(part)).concat(names);
  const others = parts.filter((part) => part !== parts[0]);
  const test =
    others.find((part) => /test/i.test(part)) ??
    others.find((part) => /val/i.test(part)) ??
    (names.some(isTableName) ? undefined : others[0]);
  const how = test === undefined ? '' : ` --test ${join(folder, test)}`;
  return `--data ${join(folder, parts[0] as string)}${how}`;
}
