/** Whether a device is lost, and why. */
import { LatentGpuError } from '../errors.ts';

/** How long news of a loss may be behind its effects, milliseconds. */
const UNLIKELY_MS = 50;
const LIKELY_MS = 2_000;

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

  /**
   * Lets the news of a loss arrive where something else was its herald.
   *
   * @param isLikely whether a loss would explain what happened better than anything else does: the
   *   news is waited for longer (Firefox looks for it ten times a second)
   */
  async settle(isLikely = false): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = new Promise((resolve) => {
      timer = setTimeout(resolve, isLikely ? LIKELY_MS : UNLIKELY_MS);
    });
    await Promise.race([this.news, soon]);
    clearTimeout(timer);
  }
}
