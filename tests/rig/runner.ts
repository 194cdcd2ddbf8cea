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
  /** Devices of suites that share none with others, until {@link leave}. */
  readonly #apart: Map<string, DeviceKeeper> | undefined;

  /**
   * @param options of every device, unless a case asks for others
   * @param isApart suites whose cases run one after the other have devices of their own: one suite may run
   *   beside another
   */
  constructor(options: OpenOptions = {}, isApart = false) {
    this.#apart = isApart ? new Map() : undefined;
    // With as many storage buffers as the engine's users get.
    this.#options = { storageBuffers: 10, ...options };
    this.#keeper = new DeviceKeeper(this.#options);
  }

  /** Opens the shared device; returns a line that names the adapter. */
  async start(): Promise<string> {
    return adapterLine((await this.#keeper.get()).adapter);
  }

  #keeperOf({ suite, company }: Case): DeviceKeeper {
    if (!this.#apart || company === 'any') return this.#keeper;
    const own = this.#apart.get(suite) ?? new DeviceKeeper(this.#options);
    this.#apart.set(suite, own);
    return own;
  }

  /** A suite has ended: its own device is not needed any more. */
  leave(suite: string): void {
    this.#apart?.get(suite)?.close();
    this.#apart?.delete(suite);
  }

  async run(each: Case): Promise<void> {
    const { suite, name, timeout, body } = each;
    const device = await this.#keeperOf(each).get();
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
    for (const suite of [...(this.#apart?.keys() ?? [])]) this.leave(suite);
    this.#keeper.close();
  }
}
