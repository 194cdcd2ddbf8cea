/** Runs cases on this host's device: the part of the rig that Node.js and the page share. */
import { adapterLine, type Device, type OpenOptions, openDevice } from '../../src/device/index.ts';
import { DeviceKeeper } from '../../src/testing/keeper.ts';
import { runKernel } from '../../src/testing/run.ts';
import { setDefaultTune } from '../../src/tuning/index.ts';
import { assertions } from './assert.ts';
import type { Case, CaseContext } from './cases.ts';

// Results shall not depend on what this machine remembers, or on what it would measure.
setDefaultTune('off');

export class CaseRunner {
  readonly #options: OpenOptions;
  readonly #keeper: DeviceKeeper;

  /** @param options of every device, unless a case asks for others */
  constructor(options: OpenOptions = {}) {
    this.#options = options;
    // With as many storage buffers as the engine's users get.
    this.#keeper = new DeviceKeeper({ storageBuffers: 10, ...options });
  }

  /** Opens the shared device; returns a line that names the adapter. */
  async start(): Promise<string> {
    return adapterLine((await this.#keeper.get()).adapter);
  }

  async run({ suite, name, timeout, body }: Case): Promise<void> {
    const device = await this.#keeper.get();
    const opened: Device[] = [];
    const base = this.#options;
    const context: CaseContext = {
      ...assertions,
      device,
      kernel: (request) => runKernel(device, request),
      async open(options) {
        const own = await openDevice({ ...base, ...options });
        opened.push(own);
        return own;
      },
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const message = `${suite} > ${name} took longer than ${timeout} ms`;
      timer = setTimeout(() => reject(new Error(message)), timeout);
    });
    try {
      await Promise.race([body(context), late]);
      // Whatever the case did wrong on the GPU shows up here, and not in the next case.
      await device.sync();
    } finally {
      clearTimeout(timer);
      for (const own of opened) own.destroy();
    }
  }

  stop(): void {
    this.#keeper.close();
  }
}
