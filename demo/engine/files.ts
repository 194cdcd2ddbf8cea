// Files that the visitor drops on the page: data to train on, or a saved model. They are told apart
// by what is in them; their names only serve for messages.
import { checkDataset, type ImageDataset, split } from '../../src/data/dataset.ts';
import { gunzip, isGzip } from '../../src/formats/gzip.ts';
import { type IdxArray, idxSize, isIdx, readIdx } from '../../src/formats/idx.ts';
import { LatentGpuError, MODEL_FILE, readModelJson, WEIGHTS_FILE } from '../../src/index.ts';
import { CANDIDATES } from '../protocol.ts';
import type { PageConfig } from './task.ts';

export interface DataSplit {
  readonly train: ImageDataset;
  readonly heldOut: ImageDataset;
}

export type Dropped =
  | { readonly kind: 'data'; readonly data: DataSplit }
  | { readonly kind: 'model'; readonly config: PageConfig; readonly weights: Uint8Array };

const HELD_OUT = 1000;

interface Named<T> {
  name: string;
  value: T;
}

/** Tells a file by its beginning, so that a film is not read to its end only to be refused. */
const HEAD = 64;
/** No model.json is longer. */
const LONGEST_JSON = 1 << 20;

/** @throws LatentGpuError that says what is missing, or what is wrong with a file */
export async function readDropped(files: readonly File[]): Promise<Dropped> {
  const arrays: Named<IdxArray>[] = [];
  const texts: Named<string>[] = [];
  const weights: Named<Uint8Array>[] = [];
  for (const file of files) {
    const { name } = file;
    const head = new Uint8Array(await bytesOf(file.slice(0, HEAD), name));
    if (isGzip(head)) {
      const raw = new Uint8Array(await bytesOf(file, name));
      const bytes = await gunzip(raw, (start) => inflatedSize(start, name), name);
      arrays.push({ name, value: readIdx(bytes, name) });
    } else if (isIdx(head)) {
      arrays.push({ name, value: readIdx(new Uint8Array(await bytesOf(file, name)), name) });
    } else if (head[0] === BRACE && file.size <= LONGEST_JSON) {
      texts.push({ name, value: new TextDecoder().decode(await bytesOf(file, name)) });
    } else if (head[8] === BRACE && name.endsWith('.safetensors')) {
      weights.push({ name, value: new Uint8Array(await bytesOf(file, name)) });
    } else if (!isBeside(name)) throw unknown(name);
  }
  if (texts.length + weights.length > 0 && arrays.length === 0) return model(texts, weights);
  if (arrays.length === 0) throw unknown(files[0]?.name ?? 'nothing');
  if (texts.length + weights.length > 0) {
    throw bad('these are data and a model: drop one of them, and then the other');
  }
  return { kind: 'data', data: assemble(arrays) };
}

const BRACE = 0x7b;

const bad = (why: string) => new LatentGpuError('bad-input', why);

const unknown = (name: string) =>
  new LatentGpuError(
    'bad-format',
    `${name} is neither images nor a model. Images are IDX files as MNIST's, gzipped or not ` +
      '(train-images-idx3-ubyte.gz); a model is model.json and weights.safetensors',
  );

/** What a model's folder holds beside the two files that are the model. */
const isBeside = (name: string) => /^\.|\.(log|csv|jsonl|html|png|txt|md|lock)$/i.test(name);

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
    // Checked by `checkLoadable` before anything is made of it.
    config: config as PageConfig,
    weights: tensors.value,
  };
}

/** One file of images, or two of which the larger is for training; labels go by their number. */
function assemble(arrays: readonly Named<IdxArray>[]): DataSplit {
  const labels = arrays.filter(({ value }) => value.shape.length === 1);
  const images = arrays
    .filter(({ value }) => value.shape.length > 1)
    .sort((a, b) => (b.value.shape[0] as number) - (a.value.shape[0] as number));
  const stray = labels.find(({ value }) =>
    images.every((image) => image.value.shape[0] !== value.shape[0]),
  );
  if (stray && images.length > 0) {
    const counts = images.map(({ value }) => value.shape[0]).join(' or ');
    throw bad(`${stray.name} holds ${stray.value.shape[0]} labels, for ${counts} images`);
  }
  const [first, second, third] = images.map((image) => dataset(image, labels));
  if (!first) throw bad('these files hold labels and no images; drop a file of images as well');
  if (third) throw bad(`${images.length} files of images are too many: one, or one for each split`);
  if (!second) {
    const least = 2 * CANDIDATES;
    if (first.count < least) {
      throw bad(`${first.name} holds ${first.count} images; ${least} are needed`);
    }
    const held = Math.min(HELD_OUT, Math.max(CANDIDATES, Math.round(0.1 * first.count)));
    const { train, test } = split(first, held, 0);
    return { train, heldOut: test };
  }
  if (first.shape.join() !== second.shape.join()) {
    throw bad(
      `${first.name} has images of [${first.shape}] and ${second.name} of [${second.shape}]`,
    );
  }
  if (second.count < CANDIDATES) {
    throw bad(`${second.name} holds ${second.count} images; ${CANDIDATES} are needed`);
  }
  return { train: first, heldOut: second };
}

/** `train` of `train-images-idx3-ubyte.gz` and of `train-labels-idx1-ubyte.gz`. */
const splitOf = (name: string) => name.split(/[-_.](?:images|labels|idx)/i)[0];

function dataset({ name, value }: Named<IdxArray>, labels: readonly Named<IdxArray>[]) {
  const [count = 0, ...shape] = value.shape;
  const channels = shape[2] ?? 1;
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    throw new LatentGpuError(
      'bad-data',
      `${name} holds [${value.shape}], not [count, height, width] with 1 or 3 channels at most`,
    );
  }
  const fitting = labels.filter((other) => other.value.data.length === count);
  const paired = fitting.find((other) => splitOf(other.name) === splitOf(name)) ?? fitting[0];
  const own = paired?.value.data;
  return checkDataset({
    name,
    count,
    shape,
    data: value.data,
    ...(own && { labels: own }),
    source: name,
  });
}
