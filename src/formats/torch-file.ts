// What torch.save writes, as named tensors: the pickle is read as data, and no line of it is run.
import { LatentGpuError } from '../errors.ts';
import { crc32 } from './crc32.ts';
import { quote } from './message.ts';
import { PickledName, PickledObject, PickledReference, unpickle } from './pickle.ts';
import { elementSize, elementsOf, type SafetensorsFile, type StoredTensor } from './safetensors.ts';
import { forEachPlace } from './strides.ts';
import { isZip, type ZipEntry, zipEntries } from './zip.ts';

type Bad = (why: string) => LatentGpuError;

const STORAGES: Readonly<Record<string, string>> = {
  ...{ Float: 'F32', Double: 'F64', Half: 'F16', BFloat16: 'BF16' },
  ...{ Long: 'I64', Int: 'I32', Short: 'I16', Char: 'I8', Byte: 'U8', Bool: 'BOOL' },
};
/** Of tensors whose storage has no type. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ float32: 'F32', float64: 'F64', float16: 'F16', bfloat16: 'BF16' },
  ...{ uint16: 'U16', uint32: 'U32', uint64: 'U64' },
  ...{ int64: 'I64', int32: 'I32', int16: 'I16', int8: 'I8', uint8: 'U8', bool: 'BOOL' },
};
/** Elements of a tensor that is larger than its storage, as one that was expanded is. */
const MOST = 2 ** 28;
const DEEPEST = 64;
/** What makes a dense tensor. */
const USUAL = /^torch\._utils\._rebuild_tensor(_v[23])?$/;

export interface TorchFile extends SafetensorsFile {
  /** What the state_dict is called in the checkpoint that holds it. */
  readonly within?: string;
}

/** The number with which files of torch.save began before version 1.6, as the first of several pickles. */
const OLD = Uint8Array.of(
  0x80,
  2,
  0x8a,
  10,
  0x6c,
  0xfc,
  0x9c,
  0x46,
  0xf9,
  0x20,
  0x6a,
  0xa8,
  0x50,
  0x19,
  0x2e,
);
const isOld = (bytes: Uint8Array) => OLD.every((byte, i) => bytes[i] === byte);

/** Whether a file is one of torch.save: a zip archive since version 1.6. */
export const isTorchFile = (bytes: Uint8Array): boolean =>
  isOld(bytes) || (isZip(bytes) && pickleIn(entriesOf(bytes)) !== undefined);

function entriesOf(bytes: Uint8Array): ZipEntry[] {
  try {
    return zipEntries(bytes, '');
  } catch {
    return [];
  }
}

const pickleIn = (entries: readonly ZipEntry[]) =>
  entries.find(({ name }) => /^[^/]*\/data\.pkl$/.test(name));

/** Names under which programs keep a state_dict beside what else they keep. */
const LIKELY = [
  ...['state_dict', 'model_state_dict', 'model_state', 'model', 'net', 'network', 'module'],
  ...['weights', 'params'],
];
/** What training keeps that is no weight. */
const BESIDE =
  /optim|sched|scaler|amp|loops|callback|hyper|config|args|opt$|rng|random|metric|loss|epoch|step|ema|history/i;

/**
 * The tensors of a state_dict, of a module, or of the state_dict in a training checkpoint (`model_state_dict` …).
 *
 * @param name what to call the file in errors
 * @throws LatentGpuError `bad-format` for what is damaged, of another kind, or holds no tensors
 */
export function readTorchFile(bytes: Uint8Array, name = 'PyTorch file'): TorchFile {
  const bad: Bad = (why) => new LatentGpuError('bad-format', `${name}: ${why}`);
  const { value, storage } = isOld(bytes) ? readOld(bytes, bad) : readArchive(bytes, name, bad);
  const reader = new TensorReader(storage, bad);
  const { root, within } = stateDictIn(value, reader);
  const tensors = new Map<string, StoredTensor>();
  for (const [key, tensor] of named(root, reader)) tensors.set(key, reader.read(tensor, key));
  if (tensors.size === 0) throw bad('holds no tensors; save model.state_dict()');
  return { tensors, metadata: {}, ...(within !== undefined && { within }) };
}

/** What was saved, and the bytes of tensors by the names that it has for them. */
interface Saved {
  readonly value: unknown;
  readonly storage: (key: string) => Uint8Array | undefined;
}

function readArchive(bytes: Uint8Array, name: string, bad: Bad): Saved {
  const entries = zipEntries(bytes, name);
  const pickle = pickleIn(entries);
  if (!pickle) throw bad('no archive of torch.save (it has no data.pkl)');
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  const files = new Map(entries.map((entry) => [entry.name, entry]));
  if (files.has(`${folder}constants.pkl`)) {
    throw bad(
      'is a TorchScript program; save its tensors, torch.save(torch.jit.load(FILE).state_dict(), FILE)',
    );
  }
  const order = files.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(stored(order, bad)) === 'big')
    throw bad('was written in big-endian order; save it on another machine');
  const known = new Map<string, Uint8Array>();
  const storage = (key: string) => {
    const file = files.get(`${folder}data/${key}`);
    const found = known.get(key) ?? (file && stored(file, bad));
    if (found) known.set(key, found);
    return found;
  };
  return { value: unpickle(stored(pickle, bad), bad).value, storage };
}

/** A number, a version, the machine, what was saved, the names of its storages, and these. */
function readOld(bytes: Uint8Array, bad: Bad): Saved {
  let at = 0;
  const values = Array.from({ length: 5 }, () => {
    const { value, length } = unpickle(bytes, bad, at);
    at += length;
    return value;
  });
  const [, , machine, value, keys] = values;
  if (machine instanceof Map && machine.get('little_endian') === false)
    throw bad('was written in big-endian order; save it on another machine');
  const widths = new Map<string, number>();
  visit(value, (found) => {
    const [, type, key] = found instanceof PickledReference ? listOf(found.id) : [];
    const dtype = STORAGES[lastOf(type).replace(/Storage$/, '')];
    if (dtype !== undefined) widths.set(String(key), elementSize(dtype));
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const storages = new Map<string, Uint8Array>();
  for (const key of listOf(keys)) {
    const width = widths.get(String(key));
    if (width === undefined) throw bad('holds numbers of a type that is not read');
    if (at + 8 > bytes.length) throw bad('cut short');
    const size = Number(view.getBigInt64(at, true)) * width;
    if (!(size >= 0 && at + 8 + size <= bytes.length)) throw bad('cut short');
    storages.set(String(key), bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return { value, storage: (key) => storages.get(key) };
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
/** `FloatStorage` of `torch.FloatStorage`. */
const lastOf = (value: unknown): string =>
  value instanceof PickledName ? value.name.replace(/^.*\./, '') : '';

/** Goes through all that a value is made of, once. */
function visit(value: unknown, tell: (part: unknown) => void): void {
  const seen = new Set<unknown>();
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    tell(next);
    if (Array.isArray(next)) for (const part of next) waiting.push(part);
    else if (next instanceof Map) for (const [key, part] of next) waiting.push(key, part);
    else if (next instanceof PickledObject) waiting.push(next.args, next.state, next.items);
    else if (next instanceof PickledReference) waiting.push(next.id);
  }
}

/** The bytes of a file in an archive that packs nothing, checked. */
function stored({ name, method, packed, size, crc }: ZipEntry, bad: Bad): Uint8Array {
  if (method !== 0) throw bad(`${quote(name)} is compressed, as torch.save does not; save it anew`);
  if (packed.length !== size || crc32(packed) !== crc)
    throw bad(`${quote(name)} is damaged (its checksum is another)`);
  return packed;
}

/** Makes tensors of what a pickle says of them. */
class TensorReader {
  private readonly storage: Saved['storage'];
  private readonly bad: Bad;

  constructor(storage: Saved['storage'], bad: Bad) {
    this.storage = storage;
    this.bad = bad;
  }

  /** The call that makes a tensor, without those around it. */
  tensorIn(value: unknown): PickledObject | undefined {
    if (!(value instanceof PickledObject)) return undefined;
    if (/^torch\._utils\._rebuild_parameter/.test(value.of)) return this.tensorIn(value.args[0]);
    if (USUAL.test(value.of)) return value;
    // Subclasses of tensors.
    if (value.of === 'torch._tensor._rebuild_from_type_v2') {
      const [made, , args] = value.args;
      return made instanceof PickledName && Array.isArray(args)
        ? this.tensorIn(new PickledObject(made.name, args))
        : value;
    }
    // Quantised, sparse, in parts on several machines: none may be left out in silence.
    return /_rebuild_\w*tensor|\.DTensor$/.test(value.of) ? value : undefined;
  }

  /** @throws LatentGpuError for a tensor that does not lie within its storage, or of another type */
  read({ of, args }: PickledObject, key: string): StoredTensor {
    const bad: Bad = (why) => this.bad(`tensor ${quote(key)} ${why}`);
    if (!USUAL.test(of))
      throw bad(`is of a kind that is not read (${of}); save it whole and dense, as float32`);
    const [reference, offset, sizes, strides] = args;
    const [, storage, place] = reference instanceof PickledReference ? listOf(reference.id) : [];
    const type = lastOf(of.endsWith('_v3') ? args[6] : storage);
    const dtype = of.endsWith('_v3') ? TYPES[type] : STORAGES[type.replace(/Storage$/, '')];
    if (dtype === undefined)
      throw bad(`is of a type that is not read (${type || '?'}); save it as float32`);
    const isCounts = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!isCounts(sizes) || !isCounts(strides) || !isCounts([offset]))
      throw bad('is described in another way than torch.save does');
    if (sizes.length !== strides.length) throw bad('has other strides than extents');
    const bytes = this.storage(String(place));
    if (!bytes) throw bad('has no numbers in the file, which is damaged');
    const shape = [...sizes];
    const width = elementSize(dtype);
    const count = shape.includes(0) ? 0 : shape.reduce((product, length) => product * length, 1);
    const last = shape.reduce((at, length, i) => at + (length - 1) * (strides[i] as number), 0);
    const start = offset as number;
    const isWithin = count === 0 || (start + last + 1) * width <= bytes.length;
    if (!isWithin || (count > MOST && count * width > bytes.length))
      throw bad('does not lie within its numbers; the file is damaged');
    const data = bytes.subarray(start * width, (start + last + 1) * width);
    const own = count === last + 1 && isContiguous(shape, strides);
    const ordered = own || count === 0 ? data : inOrder(data, shape, strides, width);
    const elements = elementsOf(dtype, count === 0 ? new Uint8Array(0) : ordered);
    return { dtype, shape, ...elements };
  }
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return false;
    step *= shape[i] as number;
  }
  return true;
}

/** Elements of so many bytes with the last index the fastest. */
function inOrder(
  stored: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array {
  const ordered = new Uint8Array(width * shape.reduce((product, length) => product * length, 1));
  forEachPlace(shape, strides, (from, to) => {
    for (let b = 0; b < width; b++) ordered[to * width + b] = stored[from * width + b] as number;
  });
  return ordered;
}

/** What has names: a dictionary, or the parameters, buffers and modules of a module. */
function partsOf(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
  if (value instanceof Map) return value;
  const state = value instanceof PickledObject ? value.state : undefined;
  if (!(state instanceof Map) || !(state.get('_parameters') instanceof Map)) return undefined;
  const left = state.get('_non_persistent_buffers_set');
  const kept = ['_parameters', '_buffers', '_modules'].flatMap((key) => {
    const found: unknown = state.get(key);
    return found instanceof Map ? [...found] : [];
  });
  return new Map(kept.filter(([key]) => !(left instanceof Set && left.has(key))));
}

/** All tensors below a value, by their names with points between. */
function named(
  value: unknown,
  reader: TensorReader,
  prefix = '',
  depth = 0,
): [string, PickledObject][] {
  if (depth > DEEPEST) return [];
  return [...(partsOf(value) ?? [])].flatMap(([key, part]): [string, PickledObject][] => {
    const name = `${prefix}${String(key)}`;
    const tensor = reader.tensorIn(part);
    return tensor ? [[name, tensor]] : named(part, reader, `${name}.`, depth + 1);
  });
}

/** The weights in what was saved, which may be a checkpoint of more. */
function stateDictIn(value: unknown, reader: TensorReader): { root: unknown; within?: string } {
  if (!(value instanceof Map)) return { root: value };
  const entries = [...value] as [unknown, unknown][];
  const holding = entries.filter(([, part]) => named(part, reader).length > 0);
  const likely = LIKELY.find((key) => holding.some(([name]) => name === key));
  if (likely !== undefined) return { root: value.get(likely), within: likely };
  if (entries.some(([, part]) => reader.tensorIn(part))) return { root: value };
  const own = holding.filter(([key]) => !BESIDE.test(String(key)));
  const [only, another] = own;
  if (only && !another && holding.length > 1) return { root: only[1], within: String(only[0]) };
  return { root: new Map(own.length > 0 ? own : holding) };
}
