// What was measured, remembered from run to run: a small JSON for each adapter, kept by the host.
import { openStore } from '#memory';
import type { AdapterReport } from '../device/index.ts';
import { isObject } from '../formats/json.ts';
import { sha256 } from '../formats/sha256.ts';
import { SHADERS_VERSION } from '../kernels/shaders.gen.ts';
import type { TextStore } from './text-store.ts';

/** By class; null: there was no time to measure it, and the default stays. */
export type Found = Readonly<Record<string, string | null>>;

export interface TuningMemory {
  load(): Promise<Found>;
  /** Adds to what is there, which other processes may have changed meanwhile. */
  add(found: Found): Promise<void>;
  forget(): Promise<void>;
}

/** Which results may be used: of the same adapter, driver, host and kernels. */
interface Owner {
  readonly adapter: string;
  readonly kernels: string;
}

const FORMAT = 1;

export function formatFound(found: Found, { adapter, kernels }: Owner): string {
  const sorted = Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ format: FORMAT, adapter, kernels, found: sorted }, null, 1)}\n`;
}

/**
 * What a stored text says for its owner: nothing if it is another's, or of kernels that have changed.
 *
 * @throws Error with the reason, if it is damaged
 */
export function parseFound(text: string, { adapter, kernels }: Owner): Found {
  const stored: unknown = JSON.parse(text);
  if (!isObject(stored)) throw new Error('it is no object');
  if (stored.format !== FORMAT || stored.adapter !== adapter || stored.kernels !== kernels)
    return {};
  const { found } = stored;
  if (!isObject(found)) throw new Error("'found' is missing");
  const isVariant = (value: unknown) => value === null || typeof value === 'string';
  const wrong = Object.keys(found).find((key) => !isVariant(found[key]));
  if (wrong !== undefined) throw new Error(`'${wrong}' is no variant`);
  return found as Found;
}

/** A memory that never fails: without a store that works it forgets, and says so once. */
export class StoredMemory implements TuningMemory {
  private readonly store: TextStore;
  private readonly owner: Owner;
  private readonly warn: (line: string) => void;
  private warned = false;

  constructor(store: TextStore, owner: Owner, warn: (line: string) => void = console.warn) {
    this.store = store;
    this.owner = owner;
    this.warn = warn;
  }

  async load(): Promise<Found> {
    try {
      const text = await this.store.read();
      return text === undefined ? {} : parseFound(text, this.owner);
    } catch (error) {
      this.complain('is ignored', error);
      return {};
    }
  }

  async add(found: Found): Promise<void> {
    try {
      const all = { ...(await this.load()), ...found };
      await this.store.write(formatFound(all, this.owner));
    } catch (error) {
      this.complain('cannot be written', error);
    }
  }

  async forget(): Promise<void> {
    await this.store.remove();
  }

  private complain(what: string, error: unknown): void {
    if (this.warned) return;
    this.warned = true;
    const why = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
    this.warn(`latentgpu: what is remembered of kernels in ${this.store.place} ${what}: ${why}`);
  }
}

/** The host's memory of an adapter. */
export async function openMemory(adapter: AdapterReport): Promise<TuningMemory> {
  const { name, vendor, architecture, description, host } = adapter;
  const on = host === 'worker' ? 'browser' : host;
  const key = [name, vendor, architecture, description, on].join(' | ');
  const hash = async (text: string) => (await sha256(new TextEncoder().encode(text))).slice(0, 16);
  return new StoredMemory(openStore(await hash(key)), { adapter: key, kernels: SHADERS_VERSION });
}
