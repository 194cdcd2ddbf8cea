// Runs prepared kernels on a device: in Node.js and in a page alike.
import type { Device } from '../device/index.ts';
import { type Compiled, compileKernel } from './compile.ts';
import type { KernelJob } from './prepare.ts';

const UNIFORM = 64;
const STORAGE = 128;
const COPY_SRC = 4;
const COPY_DST = 8;

/** Kernels that a device has compiled: a test runs the same one on many inputs. */
const compiled = new WeakMap<Device, Map<string, Promise<Compiled>>>();

function compile(device: Device, job: KernelJob): Promise<Compiled> {
  const known = compiled.get(device) ?? new Map<string, Promise<Compiled>>();
  compiled.set(device, known);
  const { code, entryPoint, constants } = job;
  const key = JSON.stringify([entryPoint, constants, code]);
  let result = known.get(key);
  if (!result) {
    result = compileKernel(device, job);
    known.set(key, result);
    // A failure is told to whoever asked, each time.
    result.catch(() => known.delete(key));
  }
  return result;
}

/**
 * Runs a job and returns the bytes of what it may have written, in the order of its slots.
 *
 * @throws LatentGpuError `bad-kernel`, `limit-exceeded`, `validation`, `out-of-memory`, `device-lost`
 */
export async function runJob(device: Device, job: KernelJob): Promise<Uint8Array[]> {
  const { label, slots, dispatch } = job;
  const { pipeline, groups } = await compile(device, job);
  const buffers: GPUBuffer[] = [];
  try {
    for (const { name, kind, bytes } of slots) {
      const usage = kind === 'uniform' ? UNIFORM | COPY_DST : STORAGE | COPY_SRC | COPY_DST;
      const buffer = device.createBuffer(name, bytes.length, usage);
      buffers.push(buffer);
      device.write(buffer, 0, bytes);
    }
    await device.withErrors(label, () => {
      const encoder = device.gpu.createCommandEncoder({ label });
      const pass = encoder.beginComputePass({ label });
      pass.setPipeline(pipeline);
      for (const [group, layout] of groups.entries()) {
        const entries = slots.flatMap((slot, i) => {
          const resource = { buffer: buffers[i] as GPUBuffer, size: slot.bytes.length };
          return slot.group === group ? [{ binding: slot.binding, resource }] : [];
        });
        pass.setBindGroup(group, device.gpu.createBindGroup({ label, layout, entries }));
      }
      pass.dispatchWorkgroups(...dispatch);
      pass.end();
      device.submit([encoder.finish()]);
    });
    const results: Uint8Array[] = [];
    for (const [i, { kind, bytes }] of slots.entries()) {
      if (kind !== 'write') continue;
      results.push(new Uint8Array(await device.read(buffers[i] as GPUBuffer, 0, bytes.length)));
    }
    return results;
  } finally {
    for (const buffer of buffers) if (!device.isLost) device.destroyBuffer(buffer);
  }
}
