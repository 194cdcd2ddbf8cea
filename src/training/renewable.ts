// Work on a device that is replaced when it is lost.
import type { Device } from '../device/index.ts';
import { isLatentGpuError, LatentGpuError } from '../errors.ts';
import type { Runtime } from '../scheduler/index.ts';

/** Devices that may be lost. */
const RECOVERIES = 100;
/** Pauses before another device is asked for, each twice as long as the one before. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 5000;

export interface OnDevice {
  readonly runtime: Runtime;
}

export interface Steps<T extends OnDevice> {
  /** Gives a device; called again after each loss. Or one that others have as well: it is left to them, and lost for good. */
  readonly open: Device | (() => Promise<Device>);
  /** What is to be had on a device. */
  make(device: Device): Promise<T>;
  /** Brings what was made to where its predecessor was. */
  begin(): Promise<void>;
}

export class Renewable<T extends OnDevice> {
  private readonly steps: Steps<T>;
  private held: T | undefined;
  private devices = 0;
  private isOver = false;

  constructor(steps: Steps<T>) {
    this.steps = steps;
  }

  /** What there is now; its device may be lost. */
  get now(): T {
    return this.held as T;
  }

  /** Devices lost and replaced so far. */
  get recoveries(): number {
    return Math.max(0, this.devices - 1);
  }

  /** Does some work; if the device is lost before or on the way, again on another one. */
  async protect<R>(work: (held: T) => Promise<R>): Promise<R> {
    for (;;) {
      try {
        // The new device may be lost while everything is moving there.
        if (this.isOver) throw over();
        if (!this.held || this.held.runtime.device.isLost) await this.renew();
        return await work(this.now);
      } catch (error) {
        if (!isLatentGpuError(error, 'device-lost') || this.recoveries >= RECOVERIES) throw error;
      }
    }
  }

  private async renew(): Promise<void> {
    const device = await this.open();
    this.devices += 1;
    try {
      this.held = await this.steps.make(device);
      await this.steps.begin();
    } catch (error) {
      if (this.isShared) this.held?.runtime.destroy();
      else device.destroy();
      throw error;
    }
  }

  private get isShared(): boolean {
    return typeof this.steps.open !== 'function';
  }

  /** Frees what there is, and the device unless others have it; what would work from now on is refused. */
  end(): void {
    this.isOver = true;
    const { runtime } = this.now;
    if (!runtime.device.isLost) runtime.destroy();
    if (!this.isShared) runtime.device.destroy();
  }

  /** A device; one that replaces a lost one may take a while, as when a driver starts again. */
  private async open(): Promise<Device> {
    const { open } = this.steps;
    if (typeof open !== 'function') {
      if (!open.isLost) return open;
      throw new LatentGpuError(
        'bad-input',
        'the device of this trainer and others is lost; create the trainer again on another, from lastState',
      );
    }
    for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
      try {
        return await open();
      } catch (error) {
        const isGone = isLatentGpuError(error, 'no-adapter') && this.devices > 0;
        if (!isGone || pause > LAST_PAUSE_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

const over = () =>
  new LatentGpuError('bad-input', 'this trainer was destroyed; create another one');
