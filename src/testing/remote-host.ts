// Kernels in another program: headless Chrome, headless Firefox, Deno.
import script from 'virtual:latentgpu-testing-page';
import { adapterLine } from '../device/index.ts';
import { announce, type HostOptions, type KernelHost, openOptions } from './host.ts';
import { hostOn } from './kernel-host.ts';
import type { KitPage } from './page.ts';
import { Remote } from './remote.ts';
import { type Elsewhere, STARTS } from './starts.ts';

/** One after another in one array. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @throws LatentGpuError `no-adapter`, with the ways out */
export async function openRemote(kind: Elsewhere, options: HostOptions): Promise<KernelHost> {
  const { timeout = 60_000, log } = options;
  const remote = await Remote.open<KitPage>(STARTS[kind], {
    files: new Map([['/page.js', script]]),
    ...(log && { log }),
  });
  try {
    return await openOn(kind, remote, options, timeout);
  } catch (error) {
    await remote.close();
    throw error;
  }
}

async function openOn(
  kind: Elsewhere,
  remote: Remote<KitPage>,
  options: HostOptions,
  timeout: number,
): Promise<KernelHost> {
  const device = openOptions(options);
  const adapter = await remote.call('open', [device], timeout);
  const line = `${adapterLine(adapter)}, ${await remote.version()}`;
  announce(kind, line, options.log);
  // One at a time: there is one place for bytes.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result;
    return result;
  };
  return hostOn({
    kind,
    adapter,
    line,
    async run(job) {
      const bytes = await inTurn(async () => {
        remote.bytes = join(job.slots.map((slot) => slot.bytes));
        const slots = job.slots.map(({ bytes: { length: size }, ...slot }) => ({ ...slot, size }));
        await remote.call('run', [device, { ...job, slots }], timeout, job.label);
        return remote.bytes;
      });
      let at = 0;
      return job.slots
        .filter(({ kind }) => kind === 'write')
        .map(({ bytes: { length } }) => {
          at += length;
          return bytes.subarray(at - length, at);
        });
    },
    compile: (shader, entries, constants) =>
      inTurn(() =>
        remote.call('compile', [device, shader, entries, constants], timeout, shader.label),
      ),
    close: () => remote.close(),
  });
}
