// Files that the visitor drops on the page: data to train on, or a saved model. They are told apart
// by what is in them; their names only serve for messages.
import { foreignFile } from '../../src/data/foreign-files.ts';
import { gunzip, isGzip } from '../../src/formats/gzip.ts';
import { type IdxArray, idxSize, isIdx, readIdx } from '../../src/formats/idx.ts';
import {
  LatentGpuError,
  MODEL_FILE,
  type ModelConfig,
  readModelJson,
  WEIGHTS_FILE,
} from '../../src/index.ts';
import type { OwnFile } from '../protocol.ts';
import type { DataSplit } from './data.ts';
import { dataOfIdx, dataOfPngs, dataOfTable, type Named } from './own-data.ts';

export type Dropped =
  | { readonly kind: 'data'; readonly data: DataSplit }
  | { readonly kind: 'model'; readonly config: ModelConfig; readonly weights: Uint8Array };

/** Tells a file by its beginning, so that a film is not read to its end only to be refused. */
const HEAD = 64;
/** No model.json is longer. */
const LONGEST_JSON = 1 << 20;

/** What was dropped, told apart. */
interface Found {
  readonly arrays: Named<IdxArray>[];
  readonly pngs: Named<Uint8Array>[];
  readonly tables: Named<Uint8Array>[];
  readonly texts: Named<string>[];
  readonly weights: Named<Uint8Array>[];
}

/** @throws LatentGpuError that says what is missing, or what is wrong with a file */
export async function readDropped(files: readonly OwnFile[]): Promise<Dropped> {
  const { arrays, pngs, tables, texts, weights } = await toldApart(files);
  const isModel = texts.length + weights.length > 0;
  if (isModel && arrays.length === 0) return model(texts, weights);
  if (isModel) throw bad('these are data and a model: drop one of them, and then the other');
  // Labels may be a table beside images, but not here.
  if (arrays.length > 0) return { kind: 'data', data: dataOfIdx(arrays) };
  if (pngs.length > 0) return { kind: 'data', data: await dataOfPngs(inOrder(pngs)) };
  const [table, another] = tables;
  if (another) throw bad(`${tables.length} tables are too many: drop one of them`);
  if (table) return { kind: 'data', data: await dataOfTable(table) };
  throw unknown(files[0]?.path ?? 'nothing');
}

async function toldApart(files: readonly OwnFile[]): Promise<Found> {
  const found: Found = { arrays: [], pngs: [], tables: [], texts: [], weights: [] };
  for (const { file, path: name } of files) {
    const whole = async () => new Uint8Array(await bytesOf(file, name));
    const head = new Uint8Array(await bytesOf(file.slice(0, HEAD), name));
    if (isLeftBehind(name)) continue;
    if (file.size === 0 && !isBeside(name)) throw bad(`${name} is empty`);
    if (isGzip(head)) {
      const bytes = await gunzip(await whole(), (start) => inflatedSize(start, name), name);
      found.arrays.push({ name, value: readIdx(bytes, name) });
    } else if (isIdx(head)) {
      found.arrays.push({ name, value: readIdx(await whole(), name) });
    } else if (head[0] === BRACE && file.size <= LONGEST_JSON) {
      const value = new TextDecoder().decode(await bytesOf(file, name));
      found.texts.push({ name: file.name, value });
    } else if (head[8] === BRACE && name.endsWith('.safetensors')) {
      found.weights.push({ name: file.name, value: await whole() });
    } else if (/\.png$/i.test(name)) {
      found.pngs.push({ name, value: await whole() });
    } else if (/\.(csv|tsv|data)$/i.test(name) && !foreignFile(head, name)) {
      found.tables.push({ name, value: await whole() });
    } else if (!isBeside(name)) throw unknown(name);
  }
  return found;
}

const { compare } = new Intl.Collator('en', { numeric: true });
const inOrder = <T>(files: readonly Named<T>[]) =>
  [...files].sort((a, b) => compare(a.name, b.name));

const BRACE = 0x7b;

const bad = (why: string) => new LatentGpuError('bad-input', why);

const unknown = (name: string) =>
  new LatentGpuError(
    'bad-format',
    `${name} is neither data nor a model. Data are IDX files as MNIST's, gzipped or not, a folder of ` +
      'PNG images or a table as .csv; a model is model.json and weights.safetensors',
  );

/** What a model's folder holds beside the two files that are the model. */
const isBeside = (name: string) => /\.(log|jsonl|html|svg|txt|md|lock)$/i.test(name);
/** What file managers leave in folders. */
const isLeftBehind = (name: string) =>
  /(^|\/)(\.|__MACOSX\/|thumbs\.db$|desktop\.ini$)/i.test(name);

async function bytesOf(part: Blob, name: string): Promise<ArrayBuffer> {
  try {
    return await part.arrayBuffer();
  } catch {
    throw new LatentGpuError(
      'io',
      `${name} cannot be read; if it is a folder, choose the files in it, else choose it again`,
    );
  }
}

/** Bytes of the IDX file whose beginning is inflated; `undefined` if that is too little to tell. */
function inflatedSize(start: Uint8Array, name: string): number | undefined {
  if (start.length < 8) return undefined;
  if (!isIdx(start)) throw unknown(name);
  return idxSize(start, name);
}

function model(texts: readonly Named<string>[], weights: readonly Named<Uint8Array>[]): Dropped {
  const pick = <T>(all: readonly Named<T>[], usual: string) =>
    all.find(({ name }) => name === usual) ?? (all.length === 1 ? all[0] : undefined);
  const json = pick(texts, MODEL_FILE);
  const tensors = pick(weights, WEIGHTS_FILE);
  if (!json || !tensors) {
    throw bad(`a saved model is two files: choose ${MODEL_FILE} and ${WEIGHTS_FILE} together`);
  }
  const { config } = readModelJson(json.value, json.name);
  return {
    kind: 'model',
    config,
    weights: tensors.value,
  };
}
