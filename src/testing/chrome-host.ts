// Kernels in headless Chrome.
import script from 'virtual:latentgpu-testing-page';
import { adapterLine } from '../device/index.ts';
import { ChromePage } from './chrome.ts';
import { announce, type HostOptions, type KernelHost, openOptions } from './host.ts';
import { hostOn } from './kernel-host.ts';
import type { KitPage } from './page.ts';

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

export async function openChrome(options: HostOptions): Promise<KernelHost> {
  const { timeout = 60_000, log } = options;
  const files = new Map([['/page.js', script]]);
  const page = await ChromePage.open<KitPage>({
    files,
    // What the compiler says is asked for, and told with its file; Chrome logs it once more.
    log: (said) => {
      if (!said.includes('Compilation log for [')) (log ?? console.log)(said);
    },
  });
  try {
    return await openOn(page, options, timeout);
  } catch (error) {
    await page.close();
    throw error;
  }
}

async function openOn(
  page: ChromePage<KitPage>,
  options: HostOptions,
  timeout: number,
): Promise<KernelHost> {
  const device = openOptions(options);
  const adapter = await page.call('open', [device], timeout);
  const line = `${adapterLine(adapter)}, ${await page.version()}`;
  announce('chrome', line, options.log);
  // One at a time: there is one place for bytes.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result;
    return result;
  };
  return hostOn({
    kind: 'chrome',
    adapter,
    line,
    async run(job) {
      const bytes = await inTurn(async () => {
        page.bytes = join(job.slots.map((slot) => slot.bytes));
        const slots = job.slots.map(({ bytes: { length: size }, ...slot }) => ({ ...slot, size }));
        await page.call('run', [device, { ...job, slots }], timeout, job.label);
        return page.bytes;
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
        page.call('compile', [device, shader, entries, constants], timeout, shader.label),
      ),
    close: () => page.close(),
  });
}
