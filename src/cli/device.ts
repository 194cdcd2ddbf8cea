// The device of a command, and models on it.
import { type Device, openDevice } from '../device/index.ts';
import { FlowInference, giveWeights, Inference } from '../models/index.ts';
import { Runtime } from '../scheduler/index.ts';
import { isFlow, type LoadedModel, readModelFolder } from '../training/folder.node.ts';
import type { Output } from './output.ts';

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
): Promise<T> {
  const device = await openDevice();
  const runtime = new Runtime(device);
  try {
    giveWeights(runtime, loaded.weights);
    giveWeights(runtime, loaded.buffers);
    return await work(runtime, device);
  } finally {
    if (!device.isLost) runtime.destroy();
    device.destroy();
  }
}

/** A model of whichever kind at work, asked in the same words. */
export type AnyInference = Inference | FlowInference;

/** The same, for whoever wants codes and decoded rows. */
export function withInference<T>(
  loaded: LoadedModel,
  work: (inference: AnyInference, device: Device) => Promise<T>,
): Promise<T> {
  return withModel(loaded, (runtime, device) =>
    work(
      isFlow(loaded)
        ? new FlowInference(runtime, loaded.model)
        : new Inference(runtime, loaded.model),
      device,
    ),
  );
}
