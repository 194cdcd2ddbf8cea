// The device of a command, and models on it.
import type { Command } from 'commander';
import { type Device, openDevice } from '../../device/index.ts';
import {
  type Asked,
  giveWeights,
  lack,
  openInference,
  type Precision,
} from '../../models/index.ts';
import { Runtime } from '../../scheduler/index.ts';
import { type LoadedModel, readModelFolder } from '../../training/model-folder.node.ts';
import type { Output } from './output.ts';

let open: () => Promise<Device> = openDevice;

/** A device for a command, which destroys it in the end. */
export const commandDevice = (): Promise<Device> => open();

/** Gives commands the devices of whoever performs many of them in one process, and lends them one. */
export function lendDevices(lender: () => Promise<Device>): void {
  open = lender;
}

/** Reads a model folder and says what in it has no meaning. */
export async function loadModel(folder: string, out: Output): Promise<LoadedModel> {
  const loaded = await readModelFolder(folder);
  if (loaded.extra.length > 0) {
    out.remark(`${folder} has what this version does not know: ${loaded.extra.join(', ')}`);
  }
  return loaded;
}

/** Gives a model's weights to a device of its own while `work` runs. */
export async function withModel<T>(
  loaded: LoadedModel,
  work: (runtime: Runtime, device: Device) => Promise<T>,
  precision: Precision = 'f32',
): Promise<T> {
  const device = await commandDevice();
  const runtime = new Runtime(device);
  try {
    giveWeights(runtime, loaded.weights, precision);
    giveWeights(runtime, loaded.buffers);
    return await work(runtime, device);
  } finally {
    if (!device.isLost) runtime.destroy();
    device.destroy();
  }
}

/** The same, for whoever wants codes and decoded rows. */
export function withInference<T>(
  loaded: LoadedModel,
  work: (inference: Asked, device: Device) => Promise<T>,
  precision?: Precision,
): Promise<T> {
  return withModel(
    loaded,
    (runtime, device) => work(openInference(runtime, loaded.model), device),
    precision,
  );
}

/** `--half`, for commands that decode. */
export function halfOption(command: Command): Command {
  return command.option('--half', 'keeps the weights as float16: half the memory, 3 decimals');
}

/** @throws LatentGpuError `bad-input` for a model that wants all bits of its weights */
export function precisionOf(dir: string, { model }: LoadedModel, half = false): Precision {
  if (half && model.can.lacks?.half) throw lack(model.can, 'half', dir, '');
  return half ? 'f16' : 'f32';
}
