// A file for each adapter in the user's cache folder.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../data/files.node.ts';
import { writeFolderFile } from '../formats/atomic.node.ts';
import { cacheFolder } from '../formats/cache.node.ts';
import type { TextStore } from './text-store.ts';

export function openStore(name: string): TextStore {
  const folder = join(cacheFolder(), 'tuning');
  const file = `${name}.json`;
  const place = join(folder, file);
  return {
    place,
    async read() {
      const bytes = await readIfPresent(place);
      return bytes && new TextDecoder().decode(bytes);
    },
    // Beside and renamed: of several processes that write at once, one is the last.
    write: (text) => writeFolderFile(folder, file, text),
    remove: () => rm(place, { force: true }),
  };
}

export function environment(name: string): string | undefined {
  return process.env[name];
}
