import { LatentGpuError } from '../errors.ts';
import { openChrome } from './chrome-host.ts';
import { openDawn } from './dawn-host.ts';
import type { HostKind, HostOptions, KernelHost } from './host.ts';

const openers = { dawn: openDawn, chrome: openChrome };

/**
 * Opens a place to run kernels in, and prints its adapter.
 *
 * ```ts
 * const host = await openHost();
 * const { y } = await host.run({
 *   file: 'saxpy.wgsl',
 *   bindings: { x, y, params: { a: 2, n: x.length } },
 *   dispatch: Math.ceil(x.length / 64),
 * });
 * await host.close();
 * ```
 *
 * @param kind `dawn`: this process, with the package `webgpu`; `chrome`: headless Chrome, with the
 *   package `puppeteer`. Default: `$LATENTGPU_HOST`, or else `dawn`
 * @throws LatentGpuError `no-adapter`, with the ways out: tests fail, they are not skipped
 */
export async function openHost(kind?: HostKind, options: HostOptions = {}): Promise<KernelHost> {
  const wanted = kind ?? process.env.LATENTGPU_HOST ?? 'dawn';
  if (!Object.hasOwn(openers, wanted)) {
    const where = kind ? 'the host' : 'LATENTGPU_HOST';
    throw new LatentGpuError('bad-config', `${where} is "${wanted}"; it may be dawn or chrome.`);
  }
  return await openers[wanted as HostKind](options);
}
