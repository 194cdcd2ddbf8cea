/** A device for all tests of a file that imports it: opened before the first, and told of; gone after the last. */
import { afterAll, beforeAll } from 'vitest';
import { adapterLine, type Device, openDevice } from '../../src/device/index.ts';

export let device: Device;
beforeAll(async () => {
  device = await openDevice();
  console.log(`adapter: ${adapterLine(device.adapter)}`);
}, 60_000);
afterAll(() => device?.destroy());
