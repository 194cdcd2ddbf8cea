/** A page that remembers what was tuned, and nothing else. */
import type { AdapterReport } from '../../src/device/index.ts';
import { expose } from '../../src/testing/expose.ts';
import { type Found, openMemory } from '../../src/tuning/index.ts';

const api = {
  async add(adapter: AdapterReport, found: Found): Promise<void> {
    await (await openMemory(adapter)).add(found);
  },
  async load(adapter: AdapterReport): Promise<Found> {
    return await (await openMemory(adapter)).load();
  },
  async forget(adapter: AdapterReport): Promise<void> {
    await (await openMemory(adapter)).forget();
  },
};

export type MemoryPage = typeof api;

expose(api);
