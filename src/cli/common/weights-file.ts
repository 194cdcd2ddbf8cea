// A file of weights that was named on the command line, with those that it names itself.
import { dirname, join } from 'node:path';
import { readIfPresent } from '../../data/files.node.ts';
import { LatentGpuError } from '../../errors.ts';
import { type Files, shardsOf } from '../../interchange/sharded.ts';

/** @throws LatentGpuError `bad-input` if there is no such file, or one of those of an index is missing */
export async function weightsFile(path: string): Promise<{ bytes: Uint8Array; beside: Files }> {
  const bytes = await readIfPresent(path);
  if (!bytes) throw new LatentGpuError('bad-input', `no such file: ${path}`);
  const beside = new Map<string, Uint8Array>();
  for (const name of shardsOf(bytes, path)) {
    const shard = join(dirname(path), name);
    const found = await readIfPresent(shard);
    if (!found) {
      const why = `no such file: ${shard}, which ${path} names; fetch all of its files`;
      throw new LatentGpuError('bad-input', why);
    }
    beside.set(name, found);
  }
  return { bytes, beside };
}
