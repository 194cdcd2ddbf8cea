// Runs prepared kernels on a device: in Node.js and in a page alike.
import type { Device } from '../device/index.ts';
import { type Compiled, compileKernel } from './compile.ts';
import type { KernelJob } from './prepare.ts';
import { createResource, type Resource } from './resources.ts';

/** Kernels that a device has compiled: a test runs the same one on many inputs. */
const compiled = new WeakMap<Device, Map<string, Promise<Compiled>>>();

function compile(device: Device, job: KernelJob): Promise<Compiled> {
  const known = compiled.get(device) ?? new Map<string, Promise<Compiled>>();
  compiled.set(device, known);
  const { code, entryPoint, constants, slots } = job;
  // What is bound may be laid out in several ways.
  const kinds = slots.map(({ texture, sampler }) => [
    texture?.format,
    texture?.sampleType,
    sampler?.type,
  ]);
  const key = JSON.stringify([entryPoint, constants, kinds, code]);
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
  const resources: Resource[] = [];
  try {
    await device.withErrors(label, () => {
      for (const slot of slots) resources.push(createResource(device, slot));
      const encoder = device.gpu.createCommandEncoder({ label });
      const pass = encoder.beginComputePass({ label });
      pass.setPipeline(pipeline);
      for (const [group, layout] of groups.entries()) {
        const entries = slots.flatMap((slot, i) => {
          const resource = (resources[i] as Resource).binding;
          return slot.group === group ? [{ binding: slot.binding, resource }] : [];
        });
        pass.setBindGroup(group, device.gpu.createBindGroup({ label, layout, entries }));
      }
      pass.dispatchWorkgroups(...dispatch);
      pass.end();
      for (const [i, { kind }] of slots.entries()) {
        if (kind === 'write') resources[i]?.copy?.(encoder);
      }
      device.submit([encoder.finish()]);
    });
    const results: Uint8Array[] = [];
    for (const [i, { kind }] of slots.entries()) {
      if (kind === 'write') results.push((await resources[i]?.read?.()) ?? new Uint8Array());
    }
    return results;
  } finally {
    for (const resource of resources) if (!device.isLost) resource.destroy();
  }
}
