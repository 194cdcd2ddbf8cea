// Weights in several files, as Hugging Face's libraries save large models: an index names the file of each tensor.
import { LatentGpuError } from '../errors.ts';
import { isObject, parseJson } from '../formats/json.ts';
import { quote } from '../formats/message.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import type { TorchFile } from '../formats/torch-file.ts';

/** Files by their names, of one folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Whether a file begins as an index does. */
export const isIndex = (bytes: Uint8Array): boolean =>
  /^\s*\{\s*"(metadata|weight_map)"/.test(new TextDecoder('latin1').decode(bytes.subarray(0, 256)));

function mapOf(bytes: Uint8Array, file: string): [tensor: string, shard: string][] {
  const content = parseJson(new TextDecoder().decode(bytes), file);
  const map = isObject(content) && isObject(content.weight_map) ? content.weight_map : {};
  const entries = Object.entries(map);
  // Of its own folder alone.
  const isName = (name: unknown) => typeof name === 'string' && /^[^/\\]+$/.test(name);
  if (entries.length > 0 && entries.every(([, name]) => isName(name)))
    return entries as [string, string][];
  throw new LatentGpuError(
    'bad-format',
    `${file}: is no index of weights; its "weight_map" must name a file beside it for each tensor`,
  );
}

/**
 * The files that an index names; none of another file.
 *
 * @throws LatentGpuError `bad-format`
 */
export function shardsOf(bytes: Uint8Array, file: string): string[] {
  return isIndex(bytes) ? [...new Set(mapOf(bytes, file).map(([, shard]) => shard))] : [];
}

/**
 * The tensors of all files that an index names.
 *
 * @param read a file of tensors
 * @throws LatentGpuError `bad-format` for a file or tensor that is not there
 */
export function readSharded(
  bytes: Uint8Array,
  file: string,
  beside: Files,
  read: (bytes: Uint8Array, file: string) => TorchFile,
): TorchFile {
  const bad = (why: string) => new LatentGpuError('bad-format', `${file}: ${why}`);
  const map = mapOf(bytes, file);
  const shards = new Map<string, TorchFile>();
  const tensors = new Map<string, StoredTensor>();
  const metadata: Record<string, string> = {};
  for (const [name, shard] of map) {
    const held = beside.get(shard);
    if (!held) throw bad(`names ${quote(shard)}, which is not beside it; fetch all of its files`);
    const found = shards.get(shard) ?? read(held, shard);
    if (!shards.has(shard)) Object.assign(metadata, found.metadata);
    shards.set(shard, found);
    const tensor = found.tensors.get(name);
    if (!tensor) throw bad(`names ${quote(name)} in ${quote(shard)}, which has no such tensor`);
    tensors.set(name, tensor);
  }
  return { tensors, metadata };
}
