// A model folder by its address: `model.json` and `weights.safetensors`, the latter streamed.
import { LatentGpuError } from '../errors.ts';

/** How far the weights have come, in bytes. */
export interface Progress {
  readonly loaded: number;
  readonly total: number;
}

export interface FetchOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

interface Header {
  readonly entries: Record<string, Entry>;
  /** Where the data begin and end in the file, in bytes. */
  readonly start: number;
  readonly end: number;
}

/** Bytes of an element, and how they become float32. */
const TYPES: Record<string, readonly [number, (buffer: ArrayBuffer) => Float32Array]> = {
  F32: [4, (buffer) => new Float32Array(buffer)],
  F64: [8, (buffer) => Float32Array.from(new Float64Array(buffer))],
  F16: [2, (buffer) => Float32Array.from(new Uint16Array(buffer), half)],
  BF16: [
    2,
    (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (h) => h << 16).buffer),
  ],
};

/** IEEE 754 binary16, exactly. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size =
    exponent === 31
      ? fraction
        ? Number.NaN
        : Number.POSITIVE_INFINITY
      : exponent
        ? (1024 + fraction) * 2 ** (exponent - 25)
        : fraction * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}

/** The address of a file in a folder; relative ones start at the page, the worker or the process. */
function address(folder: string | URL, file: string): URL {
  const { document, location, process } = globalThis as Partial<typeof globalThis>;
  try {
    const base =
      document?.baseURI ??
      location?.href ??
      process?.getBuiltinModule('url').pathToFileURL(`${process.cwd()}/`);
    const url = new URL(folder, base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${file}`;
    return url;
  } catch {
    throw new LatentGpuError('bad-input', `'${folder}' is not the address of a model folder`);
  }
}

const BROKEN = 'the connection broke';

/** For a promise's failure: what `signal` was aborted with, else an error that names the file. */
const failed = (url: URL, what: string, signal: AbortSignal | undefined) => (cause: Error) => {
  signal?.throwIfAborted();
  throw new LatentGpuError('io', `${url}: ${what} (${cause.message})`, { cause });
};

async function get(url: URL, signal: AbortSignal | undefined): Promise<Response> {
  const fs = url.protocol === 'file:' && globalThis.process?.getBuiltinModule?.('fs');
  const response = await (fs
    ? fs.promises.readFile(url).then((bytes) => new Response(bytes))
    : fetch(url, signal && { signal })
  ).catch(failed(url, 'cannot be loaded', signal));
  if (response.ok) return response;
  throw new LatentGpuError(
    'io',
    `${url}: the server answers ${response.status}; load a folder with model.json and weights.safetensors`,
  );
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The header of a safetensors file, or undefined if it is not all there yet. */
function readHeader(bytes: Uint8Array, bad: (why: string) => LatentGpuError): Header | undefined {
  if (bytes.length < 8) return undefined;
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  // No header of a model is so long; a text that is no such file says it is.
  if (start > 1e8) throw bad('not a safetensors file');
  if (bytes.length < start) return undefined;
  try {
    const { __metadata__: _, ...entries } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, start)),
    );
    const ends = Object.values(entries as Header['entries']).map((entry) => entry.data_offsets[1]);
    if (ends.every(Number.isSafeInteger)) {
      return { entries, start, end: start + Math.max(0, ...ends) };
    }
  } catch {
    // Said below.
  }
  throw bad('not a safetensors file: its header cannot be read');
}

/** All bytes of a file that is as long as its own header says. */
async function download(
  url: URL,
  { onProgress, signal }: FetchOptions,
  bad: (why: string) => LatentGpuError,
): Promise<{ bytes: Uint8Array; header: Header }> {
  const response = await get(url, signal);
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  let header: Header | undefined;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch(failed(url, BROKEN, signal));
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    header ??= readHeader(join(chunks, loaded), bad);
    if (!header) continue;
    if (loaded > header.end) {
      reader.cancel().catch(() => {});
      throw bad(`longer than the ${header.end} bytes that its header tells of`);
    }
    onProgress?.({ loaded, total: header.end });
  }
  if (!header) throw bad(`cut short: ${loaded} bytes, and its header is not all there`);
  if (loaded < header.end) throw bad(`cut short: ${loaded} of ${header.end} bytes`);
  return { bytes: join(chunks, loaded), header };
}

/** Gives a tensor by its name, checked against its shape. */
export type Take = (name: string, shape: readonly number[]) => Float32Array;

/** A model folder's files by their names. */
export interface Folder {
  /** What to call a file in errors. @throws LatentGpuError `bad-input` */
  name(file: string): string;
  /** @throws LatentGpuError `bad-input`, `io`; what `signal` was aborted with */
  text(file: string): Promise<string>;
  /**
   * The weights.
   *
   * @param asker the file that says which there are
   * @throws LatentGpuError `io`, `bad-format`; what `signal` was aborted with. What is given throws
   *   `bad-format`, `bad-data`
   */
  weights(asker: string): Promise<Take>;
}

export const folderAt = (at: string | URL, options: FetchOptions): Folder => ({
  name: (file) => String(address(at, file)),
  async text(file) {
    const { signal } = options;
    const url = address(at, file);
    const response = await get(url, signal);
    return await response.text().catch(failed(url, BROKEN, signal));
  },
  async weights(asker) {
    const url = address(at, 'weights.safetensors');
    const bad = (why: string) => new LatentGpuError('bad-format', `${url}: ${why}`);
    const { bytes, header } = await download(url, options, bad);
    return (name, shape) => {
      const {
        dtype = '',
        shape: stored,
        data_offsets: [from, to] = [0, 0],
      } = (Object.hasOwn(header.entries, name) && header.entries[name]) || {};
      const [wanted, found = 'none'] = [shape, stored].map((each) => JSON.stringify(each));
      if (found !== wanted) {
        throw bad(`${asker} asks for tensor ${name} of shape ${wanted}; the file has ${found}`);
      }
      const [size, read] = TYPES[dtype] ?? [];
      if (!size || !read)
        throw bad(`tensor ${name} is of type ${JSON.stringify(dtype)}; save it as float32`);
      if (!(to - from === size * shape.reduce((a, b) => a * b, 1) && from >= 0)) {
        throw bad(`tensor ${name} does not lie where its shape says`);
      }
      const data = read(bytes.slice(header.start + from, header.start + to).buffer as ArrayBuffer);
      const wrong = data.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) {
        const found = `${url}: tensor ${name} holds ${data[wrong]} at element ${wrong}`;
        const isOverflow = dtype === 'F16' && !Number.isNaN(data[wrong]);
        const why = isOverflow ? '; float16 goes to ±65504: save it as float32' : '';
        throw new LatentGpuError('bad-data', found + why);
      }
      return data;
    };
  },
});
