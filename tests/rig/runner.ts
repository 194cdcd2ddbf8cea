/** Runs cases on this host's device: the part of the rig that Node.js and the page share. */
import { adapterLine, type Device, openDevice } from '../../src/device/index.ts';
import { assertions } from './assert.ts';
import type { Case, CaseContext } from './cases.ts';

export class CaseRunner {
  #device: Device | null = null;

  /** Opens the shared device; returns a line that names the adapter. */
  async start(): Promise<string> {
    return adapterLine((await this.#shared()).adapter);
  }

  async #shared(): Promise<Device> {
    // A case that killed the device must not fail those after it.
    if (!this.#device || this.#device.isLost) this.#device = await openDevice();
    return this.#device;
  }

  async run({ suite, name, timeout, body }: Case): Promise<void> {
    const device = await this.#shared();
    const opened: Device[] = [];
    const context: CaseContext = {
      ...assertions,
      device,
      async open(options) {
        const own = await openDevice(options);
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
    this.#device?.destroy();
    this.#device = null;
  }
}
