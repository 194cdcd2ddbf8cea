/** Opens a device in a worker of the page and tells which adapter it got. */
import { adapterLine, openDevice } from '../../src/device/index.ts';

try {
  const device = await openDevice();
  await device.sync();
  postMessage(adapterLine(device.adapter));
  device.destroy();
} catch (error) {
  postMessage(String(error));
}
