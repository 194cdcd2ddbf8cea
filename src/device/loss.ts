/** Whether a device is lost, and why. */
import { LatentGpuError } from '../errors.ts';

export interface LostInfo {
  /** `destroyed` if `Device.destroy` was called, else `unknown`. */
  reason: GPUDeviceLostReason;
  message: string;
}

export class Loss {
  /** Resolves when the device is lost, for whatever reason. Never rejects. */
  readonly news: Promise<LostInfo>;
  #resolve: (info: LostInfo) => void = () => {};
  #info: LostInfo | null = null;

  constructor(gpu: GPUDevice) {
    this.news = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    void gpu.lost.then(({ reason, message }) => this.mark(reason, message));
  }

  get isLost(): boolean {
    return this.#info !== null;
  }

  /** From here on the device is lost; the first reason counts. */
  mark(reason: GPUDeviceLostReason, message: string): void {
    if (this.#info) return;
    this.#info = { reason, message };
    this.#resolve(this.#info);
  }

  /** @throws LatentGpuError `device-lost` */
  assertAlive(): void {
    if (!this.#info) return;
    const { reason, message } = this.#info;
    throw new LatentGpuError(
      'device-lost',
      reason === 'destroyed'
        ? 'this device was destroyed; open another with openDevice().'
        : `the GPU device was lost (${message || 'no reason given'}); open another with ` +
            'openDevice() and go on from the last saved state.',
    );
  }

  /** Lets the news of a loss arrive where a rejected promise was its herald. */
  async settle(): Promise<void> {
    const soon = new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.race([this.news, soon]);
  }
}
