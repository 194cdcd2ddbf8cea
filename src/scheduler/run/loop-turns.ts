// How many turns the loops of an invocation may take, asked of drivers whose name is hidden.
import { type AdapterReport, type Device, loopTurnsOf } from '../../device/index.ts';
import { loopTurns } from '../../kernels/shaders.gen.ts';
import { specialize } from '../../kernels/specialize.ts';

/** More than Mesa's llvmpipe lets them take. */
const ASKED = 2 ** 17;

/** What was measured here, by the adapter's name. */
const measured = new Map<string, Promise<number | undefined>>();

/** A browser that tells no more of an adapter than that it is software: SwiftShader or llvmpipe. */
const isHidden = ({ isSoftware, vendor, architecture, description }: AdapterReport) =>
  isSoftware && vendor + architecture + description === '';

/**
 * By the adapter's name; where that is hidden, a kernel finds out, once.
 *
 * @returns undefined where nothing cuts loops short
 * @throws LatentGpuError whatever went wrong on the GPU since the last look; `device-lost`
 */
export async function loopTurnsIn(device: Device): Promise<number | undefined> {
  const { adapter } = device;
  if (!isHidden(adapter)) return loopTurnsOf(adapter);
  const known = measured.get(adapter.name) ?? measure(device);
  measured.set(adapter.name, known);
  return known.catch((error) => {
    measured.delete(adapter.name);
    throw error;
  });
}

async function measure(device: Device): Promise<number | undefined> {
  const label = 'the turns of loops';
  const pipeline = await device.createPipeline(label, specialize(loopTurns), ['write']);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer(label, 4, usage);
  try {
    device.write(buffer, 0, Uint32Array.of(ASKED));
    const encoder = device.gpu.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup(label, pipeline, [buffer]));
    pass.dispatchWorkgroups(1);
    pass.end();
    device.submit([encoder.finish()]);
    const [taken = ASKED] = new Uint32Array(await device.read(buffer, 0, 4));
    return taken < ASKED ? taken : undefined;
  } finally {
    device.destroyBuffer(buffer);
  }
}
