/** A device that is lost at a chosen moment, in one of the ways in which that happens. */
import type { Device } from '../../src/device/index.ts';

/**
 * `told`: whoever asks next is told. `silent`: the queue is gone before anyone is told. `during`: it
 * goes while the call is under way.
 */
export type Loss = 'told' | 'silent' | 'during';

export const LOSSES: readonly Loss[] = ['told', 'silent', 'during'];

/** The calls by which the engine uses a device. */
export const CALLS = [
  'createBuffer',
  'createPipeline',
  'createBindGroup',
  'submit',
  'write',
  'read',
  'sync',
] as const;

export interface Fragile {
  readonly device: Device;
  /** The calls made so far, in order. */
  readonly calls: string[];
}

/** Loses the device at its `at`-th call (from 0 on). */
export function fragile(device: Device, at: number, loss: Loss): Fragile {
  const calls: string[] = [];
  const methods = device as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of CALLS) {
    const call = (methods[name] as (...args: unknown[]) => unknown).bind(device);
    methods[name] = (...args) => {
      calls.push(name);
      if (calls.length !== at + 1) return call(...args);
      if (loss === 'told') device.lose();
      else if (loss === 'silent') device.gpu.destroy();
      const result = call(...args);
      if (loss === 'during') device.gpu.destroy();
      return result;
    };
  }
  return { device, calls };
}
