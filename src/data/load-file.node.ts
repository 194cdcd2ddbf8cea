// One file as a data set: what is in it tells which reader takes it, whatever its name.
import { basename } from 'node:path';
import { LatentGpuError } from '../errors.ts';
import { type CsvTable, readCsv } from '../formats/csv.ts';
import { type AtMost, gunzip, isGzip } from '../formats/gzip.ts';
import { idxSize, isIdx, readIdx, readIdxArray } from '../formats/idx.ts';
import { isNpy, npySize, readNpy } from '../formats/npy.ts';
import { isNpz } from '../formats/npz.ts';
import { readRecords } from '../formats/records.ts';
import { isWav } from '../formats/wav.ts';
import { isZip, unzip, type ZipEntry, zipEntries } from '../formats/zip.ts';
import { arrayDataset, type DatasetOptions, type StoredArray, tableDataset } from './arrays.ts';
import type { DataSpec } from './data-spec.node.ts';
import { checkDataset, type LoadedDataset } from './dataset.ts';
import { readIfPresent } from './files.node.ts';
import { foreignArchive, foreignFile, isJson } from './foreign-files.ts';
import { arrayOfNpz } from './npz-dataset.ts';
import { arraySeries, tableSeries } from './series.ts';
import { sounds } from './sounds.node.ts';

/** A file as it is read. */
interface Source {
  readonly path: string;
  readonly spec: DataSpec;
  readonly options: DatasetOptions;
}

/** @returns undefined if there is no such file */
export async function loadFile(path: string, spec: DataSpec): Promise<LoadedDataset | undefined> {
  const { range, takesMissing = false, missingRemedy = '' } = spec;
  const bytes = await readIfPresent(path, spec.onProgress);
  if (!bytes) return undefined;
  const plain = isGzip(bytes) ? await gunzip(bytes, (head) => promised(head, path), path) : bytes;
  const options: DatasetOptions = {
    ...{ name: basename(path), source: path, takesMissing, missingRemedy },
    ...(range && { range }),
  };
  const source = { path, spec, options };
  if (!isZip(plain)) return await loadPlain(plain, source);
  const entries = zipEntries(plain, path);
  if (isNpz(entries) && (entries.length > 1 || !/\.zip$/i.test(path)))
    return await loadNpz(entries, source);
  const [only] = entries;
  const what = foreignArchive(
    entries.map(({ name }) => name),
    path,
  );
  if (what || !only) throw new LatentGpuError('bad-format', `${path} ${what}`);
  const entry = await unzip(only, path);
  const own = isGzip(entry) ? await gunzip(entry, (head) => promised(head, path), path) : entry;
  return await loadPlain(own, source);
}

/** How large the file is that begins so, or may be at most where it does not say. */
function promised(head: Uint8Array, path: string): number | AtMost | undefined {
  if (isNpy(head)) return npySize(head, path);
  if (isIdx(head)) return idxSize(head, path);
  if (!isPacked(head) && !isJsonIn(head)) refuseForeign(head, path);
  return { atMost: textLimit() };
}

/** Text says nothing about its size; numbers made of it take up to four times its memory. */
const textLimit = () => Math.floor(process.availableMemory() / 12);

/** Whether bytes begin as a Parquet file does, with its footer encrypted or not. */
const isParquet = (bytes: Uint8Array) => /^PAR[1E]/.test(beginOf(bytes));
const isPacked = (bytes: Uint8Array) => isZip(bytes) || isParquet(bytes);
const isJsonIn = (bytes: Uint8Array) => {
  const mark = /^(\xff\xfe|\xfe\xff)/.exec(beginOf(bytes))?.[0];
  const encoding = mark ? (mark === '\xff\xfe' ? 'utf-16le' : 'utf-16be') : 'latin1';
  return isJson(
    beginOf(bytes, encoding)
      .replace(/^\xef\xbb\xbf/, '')
      .trimStart(),
  );
};
const beginOf = (bytes: Uint8Array, encoding = 'latin1') =>
  new TextDecoder(encoding).decode(bytes.subarray(0, 4096));

function refuseForeign(found: Uint8Array, path: string): void {
  const what = foreignFile(found, path);
  if (what) throw new LatentGpuError('bad-format', `${path} ${what}`);
}

/** @throws LatentGpuError `bad-input` if something was asked for that only tables, or archives, have */
export function refuseColumns(
  data: string,
  { labelColumn, table, array }: DataSpec,
  isArchive = false,
): void {
  if (array && !array.isOptional && !isArchive) {
    const why = `${data} is no archive of arrays (.npz), so that there is no array ${array.name}; leave out --array`;
    throw new LatentGpuError('bad-input', why);
  }
  const isLabelled = labelColumn && !labelColumn.isOptional && !isArchive;
  const asked = isLabelled
    ? [labelColumn.name]
    : (table?.columns ?? table?.drop ?? table?.categorical);
  if (!asked) return;
  const hint = isLabelled ? '; labels are those of a table, or of an archive of arrays (.npz)' : '';
  const why = `${data} is no table, so that there is no column ${asked.join(', ')}${hint}`;
  throw new LatentGpuError('bad-input', why);
}

async function loadPlain(plain: Uint8Array, source: Source): Promise<LoadedDataset> {
  const { path, spec, options } = source;
  if (isNpy(plain)) {
    refuseColumns(path, spec);
    return loadArray(readNpy(plain, path), source);
  }
  if (isIdx(plain)) {
    refuseColumns(path, spec);
    const array = readIdxArray(plain, path);
    return spec.windows ? loadArray(array, source) : await idxDataset(array, options);
  }
  if (isWav(plain)) return await sounds(path, [{ path }], { ...spec, windows: spec.windows });
  if (isParquet(plain) && !spec.table?.drop && !spec.table?.columns) {
    // Most runs need none of it.
    const { parquetImages } = await import('./parquet-images.node.ts');
    const images = await parquetImages(plain, path, spec);
    if (images) return images;
  }
  const table = await readTable(plain, source);
  for (const remark of table.remarks) spec.onRemark?.(remark);
  return spec.windows ? tableSeries(table, spec.windows, options) : tableDataset(table, options);
}

const loadArray = (array: StoredArray, { spec, options }: Source): LoadedDataset =>
  spec.windows ? arraySeries(array, spec.windows, options) : arrayDataset(array, options);

async function readTable(plain: Uint8Array, { path, spec, options }: Source): Promise<CsvTable> {
  const { labelColumn, classes, windows } = spec;
  const [isColumnar, isOfRecords] = [isParquet(plain), isJsonIn(plain)];
  if (!isColumnar && !isOfRecords) refuseForeign(plain, path);
  // A table may have classes, and no arrays.
  refuseColumns(path, { ...spec, labelColumn: undefined, table: undefined });
  if (windows && labelColumn && !labelColumn.isOptional) {
    throw new LatentGpuError(
      'bad-input',
      `--label-column: rows of ${path} are steps of a series, which have no class; leave it out, or --drop the column`,
    );
  }
  const { takesMissing = false, missingRemedy = '' } = options;
  const choice = {
    ...{ ...spec.table, takesMissing, missingRemedy },
    ...(classes && { classes }),
    ...(windows && { isSeries: true }),
  };
  if (isOfRecords) return readRecords(plain, path, labelColumn, choice);
  if (!isColumnar) return readCsv(plain, path, labelColumn, choice);
  const { readParquet } = await import('../formats/parquet.node.ts');
  return await readParquet(plain, path, labelColumn, choice);
}

async function loadNpz(entries: readonly ZipEntry[], source: Source): Promise<LoadedDataset> {
  const { path, spec } = source;
  refuseColumns(path, spec, true);
  const { notes, ...array } = await arrayOfNpz(entries, path, {
    ...{ split: spec.split, array: spec.array, labels: spec.labelColumn },
    ...{ isSeries: spec.windows !== undefined, classes: spec.classes, onRemark: spec.onRemark },
  });
  return { ...loadArray(array, source), ...notes };
}

async function idxDataset(array: StoredArray, options: DatasetOptions): Promise<LoadedDataset> {
  const whole = arrayDataset(array, options);
  const labels = await labelsBeside(options.source);
  if (!labels) return whole;
  const classes = labels.reduce((most, label) => Math.max(most, label + 1), 0);
  return checkDataset({ ...whole, labels, classes }, options.range);
}

async function labelsBeside(path: string): Promise<Uint8Array | undefined> {
  const beside = path.replace(/images([-.])idx3([^/\\]*)$/, 'labels$1idx1$2');
  if (beside === path) return undefined;
  const bytes = await readIfPresent(beside);
  if (!bytes) return undefined;
  const { shape, data } = readIdx(
    isGzip(bytes) ? await gunzip(bytes, (head) => idxSize(head, beside), beside) : bytes,
    beside,
  );
  if (shape.length === 1) return data;
  throw new LatentGpuError('bad-data', `${beside} holds [${shape}], not one label a row`);
}
