// Files that the visitor drops on the page: data to train on, or a saved model. They are told apart
// by what is in them; their names only serve for messages.
import { checkDataset, type ImageDataset, split } from '../../src/data/dataset.ts';
import { gunzip, isGzip } from '../../src/formats/gzip.ts';
import { type IdxArray, isIdx, readIdx } from '../../src/formats/idx.ts';
import { LatentGpuError, type ModelConfig, readModelJson } from '../../src/index.ts';

export interface DataSplit {
  readonly train: ImageDataset;
  readonly heldOut: ImageDataset;
}

export type Dropped =
  | { readonly kind: 'data'; readonly data: DataSplit }
  | { readonly kind: 'model'; readonly config: ModelConfig; readonly weights: Uint8Array };

const HELD_OUT = 1000;

interface Named<T> {
  name: string;
  value: T;
}

/** @throws LatentGpuError that says what is missing, or what is wrong with a file */
export async function readDropped(files: readonly File[]): Promise<Dropped> {
  const arrays: Named<IdxArray>[] = [];
  const texts: Named<string>[] = [];
  const others: Named<Uint8Array>[] = [];
  for (const file of files) {
    const raw = new Uint8Array(await file.arrayBuffer());
    const bytes = isGzip(raw) ? await gunzip(raw, undefined, file.name) : raw;
    if (isIdx(bytes)) arrays.push({ name: file.name, value: readIdx(bytes, file.name) });
    else if (bytes[0] === 0x7b) {
      texts.push({ name: file.name, value: new TextDecoder().decode(bytes) });
    } else others.push({ name: file.name, value: bytes });
  }
  const [json, weights] = [texts[0], others[0]];
  if (json && weights && texts.length + others.length === files.length) {
    return {
      kind: 'model',
      config: readModelJson(json.value, json.name).config,
      weights: weights.value,
    };
  }
  if (json || weights?.name.endsWith('.safetensors')) {
    throw new LatentGpuError(
      'bad-input',
      'a saved model is two files: choose model.json and weights.safetensors together',
    );
  }
  if (weights) {
    throw new LatentGpuError(
      'bad-format',
      `${weights.name} is not an IDX file, nor a gzipped one; MNIST's files are, ` +
        'such as train-images-idx3-ubyte.gz',
    );
  }
  return { kind: 'data', data: assemble(arrays) };
}

/** One file of images, or two of which the larger is for training; labels go by their number. */
function assemble(arrays: readonly Named<IdxArray>[]): DataSplit {
  const bad = (why: string) => new LatentGpuError('bad-input', why);
  const labels = arrays.filter(({ value }) => value.shape.length === 1);
  const images = arrays
    .filter(({ value }) => value.shape.length > 1)
    .sort((a, b) => (b.value.shape[0] as number) - (a.value.shape[0] as number));
  const [first, second, third] = images.map((image) => dataset(image, labels));
  if (!first) throw bad('these files hold labels and no images; drop a file of images as well');
  if (third) throw bad(`${images.length} files of images are too many: one, or one for each split`);
  if (!second) {
    if (first.count < 20) throw bad(`${first.name} holds ${first.count} images; 20 are needed`);
    const held = Math.min(HELD_OUT, Math.round(0.1 * first.count));
    const { train, test } = split(first, held, 0);
    return { train, heldOut: test };
  }
  if (first.shape.join() !== second.shape.join()) {
    throw bad(
      `${first.name} has images of [${first.shape}] and ${second.name} of [${second.shape}]`,
    );
  }
  return { train: first, heldOut: second };
}

function dataset({ name, value }: Named<IdxArray>, labels: readonly Named<IdxArray>[]) {
  const [count = 0, ...shape] = value.shape;
  const channels = shape[2] ?? 1;
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    throw new LatentGpuError(
      'bad-data',
      `${name} holds [${value.shape}], not [count, height, width] with 1 or 3 channels at most`,
    );
  }
  const own = labels.find((other) => other.value.data.length === count)?.value.data;
  return checkDataset({
    name,
    count,
    shape,
    data: value.data,
    ...(own && { labels: own }),
    source: name,
  });
}
