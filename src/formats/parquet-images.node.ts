// Parquet files of images, as Hugging Face's data sets are: a column of files, and one of classes.
import { type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import { LatentGpuError } from '../errors.ts';
import { isObject } from './json.ts';
import { cellOf } from './parquet-cells.ts';
import { GroupReader, metadataOf } from './parquet-groups.node.ts';
import { Columns } from './table/columns.ts';
import type { LabelColumn } from './table/options.ts';

export interface StoredClasses {
  /** Heading of their column. */
  readonly column: string;
  /** The class of each row. */
  readonly texts: readonly string[];
  /** All classes in the file's own order, where it says. */
  readonly names: readonly string[] | undefined;
}

export interface StoredImages {
  /** Heading of the column that holds them. */
  readonly column: string;
  /** Whole files: PNG, JPEG … */
  readonly files: readonly Uint8Array[];
  readonly labels: StoredClasses | undefined;
}

/** A group of bytes, and perhaps of a path. */
const isOfFiles = ({ children }: SchemaTree) =>
  children.some(({ element }) => element.name === 'bytes' && element.type === 'BYTE_ARRAY') &&
  children.every(({ element }) => ['bytes', 'path'].includes(element.name));

/**
 * The images of a Parquet file that has one column of them.
 *
 * @param name what to call the file in errors
 * @param labels the column of classes; default: the only one that the file says to hold classes
 * @param most how many rows are wanted
 * @returns undefined of a file without such a column
 * @throws LatentGpuError `bad-format` for a file that is damaged, or a row without an image; `bad-input`
 */
export async function readParquetImages(
  bytes: Uint8Array,
  name: string,
  labels?: LabelColumn,
  most = Number.POSITIVE_INFINITY,
): Promise<StoredImages | undefined> {
  const bad = (why: string) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const metadata = metadataOf(bytes, bad);
  const tree = parquetSchema(metadata).children;
  const [image = -1, another] = tree.flatMap((column, i) => (isOfFiles(column) ? [i] : []));
  if (image < 0 || another !== undefined) return undefined;
  const headings = tree.map(({ element }) => element.name);
  const named = classNamesIn(metadata);
  const asked = new Columns(headings, tree.length, name).label(labels);
  const [known, more] = named.keys();
  const label = asked < 0 && known !== undefined && !more ? headings.indexOf(known) : asked;
  const needed = label < 0 ? [image] : [image, label];
  const reader = new GroupReader(bytes, metadata, tree, needed, bad, false);
  const files: Uint8Array[] = [];
  const texts: string[] = [];
  const names = named.get(headings[label] ?? '');
  for (let group = 0; group < metadata.row_groups.length && files.length < most; group++) {
    for (const [file, value] of await reader.read(group)) {
      if (files.length >= most) break;
      const content = isObject(file) ? file.bytes : undefined;
      if (!(content instanceof Uint8Array)) {
        throw bad(`row ${files.length} has no image, only a path at most; embed the files in it`);
      }
      files.push(content);
      const text = String(cellOf(value, undefined));
      texts.push(names?.[Number(text)] ?? text);
    }
  }
  const column = headings[image] as string;
  if (label < 0) return { column, files, labels: undefined };
  return { column, files, labels: { column: headings[label] as string, texts, names } };
}

/** Names of classes by the headings of their columns, as Hugging Face's data sets keep them. */
function classNamesIn({ key_value_metadata }: FileMetaData): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const text = key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  let info: unknown;
  try {
    info = JSON.parse(text ?? '{}');
  } catch {
    return found;
  }
  const at = (value: unknown, key: string) => (isObject(value) ? value[key] : undefined);
  const features = at(at(info, 'info'), 'features');
  for (const [heading, feature] of Object.entries(isObject(features) ? features : {})) {
    const names = at(feature, 'names');
    if (at(feature, '_type') === 'ClassLabel' && Array.isArray(names))
      found.set(heading, names.map(String));
  }
  return found;
}
