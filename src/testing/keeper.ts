import { type Device, type OpenOptions, openDevice } from '../device/index.ts';

/** A device that many tests share: whoever loses it does not fail those that come after. */
export class DeviceKeeper {
  readonly #options: OpenOptions;
  #device: Device | null = null;

  constructor(options: OpenOptions = {}) {
    this.#options = options;
  }

  async get(): Promise<Device> {
    if (!this.#device || this.#device.isLost) {
      // What works here is to work on every adapter.
      this.#device = await openDevice({ storageBuffers: 8, ...this.#options });
    }
    return this.#device;
  }

  close(): void {
    this.#device?.destroy();
    this.#device = null;
  }
}
