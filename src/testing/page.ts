// The kit's half inside Chrome: runs and compiles what it is handed.
import type { AdapterReport, Device, OpenOptions } from '../device/index.ts';
import { compileShader, type EntryRequest } from './compile.ts';
import type { Diagnostic, Shader } from './diagnostics.ts';
import { expose } from './expose.ts';
import { runJob } from './job.ts';
import { DeviceKeeper } from './keeper.ts';
import type { KernelJob, Slot } from './prepare.ts';

/** A job without its bytes, which lie one after another at `/bytes`. */
export type SentJob = Omit<KernelJob, 'slots'> & {
  readonly slots: readonly (Omit<Slot, 'bytes'> & { readonly size: number })[];
};

let keeper: DeviceKeeper | undefined;

/** The page's device: opened again if it is lost, and by whatever is asked of a page that is new. */
function deviceOf(options: OpenOptions): Promise<Device> {
  keeper ??= new DeviceKeeper(options);
  return keeper.get();
}

const api = {
  /** Opens the device that everything runs on. */
  async open(options: OpenOptions): Promise<AdapterReport> {
    return (await deviceOf(options)).adapter;
  },

  async compile(
    options: OpenOptions,
    shader: Shader,
    entryPoints: readonly EntryRequest[],
    constants: Readonly<Record<string, number>>,
  ): Promise<Diagnostic[]> {
    return await compileShader(await deviceOf(options), shader, entryPoints, constants);
  },

  /** Leaves the bytes of what is written at `/bytes`, one after another. */
  async run(options: OpenOptions, sent: SentJob): Promise<void> {
    const all = new Uint8Array(await (await fetch('/bytes')).arrayBuffer());
    let at = 0;
    const slots = sent.slots.map(({ size, ...slot }) => {
      const bytes = all.subarray(at, at + size);
      at += size;
      return { ...slot, bytes };
    });
    const results = await runJob(await deviceOf(options), { ...sent, slots });
    await fetch('/bytes', { method: 'POST', body: new Blob(results as BlobPart[]) });
  },
};

export type KitPage = typeof api;

expose(api);
