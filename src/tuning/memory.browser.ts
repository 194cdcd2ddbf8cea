// A row for each adapter in IndexedDB. Where a browser has none, or blocks it, nothing is remembered.
import type { TextStore } from './text-store.ts';

const DATABASE = 'latentgpu';
const TABLE = 'tuning';

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within<T>(
  mode: IDBTransactionMode,
  work: (table: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  let database: IDBDatabase | undefined;
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE);
    database = await asked(opening);
    return await asked(work(database.transaction(TABLE, mode).objectStore(TABLE)));
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

export function openStore(name: string): TextStore {
  return {
    place: 'IndexedDB',
    read: () => within<string | undefined>('readonly', (table) => table.get(name)),
    async write(text) {
      await within('readwrite', (table) => table.put(text, name));
    },
    async remove() {
      await within('readwrite', (table) => table.delete(name));
    },
  };
}

export function environment(_name: string): undefined {
  return undefined;
}
