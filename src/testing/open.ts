import { LatentGpuError } from '../errors.ts';
import { openDawn } from './dawn-host.ts';
import { HOST_NAMES, type HostKind, type HostOptions, type KernelHost } from './host.ts';
import { openRemote } from './remote-host.ts';
import type { Elsewhere } from './starts.ts';

/**
 * Opens a place to run kernels in, and prints its adapter.
 *
 * ```ts
 * const host = await openHost();
 * const x = Float32Array.of(1, 2, 3, 4);
 * const { y } = await host.run({
 *   file: 'saxpy.wgsl',
 *   bindings: { x, y: x, params: { a: 2, n: x.length } },
 *   dispatch: 1,
 * });
 * await host.close();
 * ```
 *
 * @param kind `dawn`: this process, with the package `webgpu`; `chrome`, `firefox`: the browser,
 *   headless, with the package `puppeteer`; `deno`: with the package `deno`, or Deno itself. The
 *   compilers differ: Dawn and Chrome have Tint, Firefox and Deno have naga. Default:
 *   `$LATENTGPU_HOST`, or else `dawn`
 * @throws LatentGpuError `no-adapter`, with the ways out: tests fail, they are not skipped
 */
export async function openHost(kind?: HostKind, options: HostOptions = {}): Promise<KernelHost> {
  const wanted = kind ?? process.env.LATENTGPU_HOST ?? 'dawn';
  if (!Object.hasOwn(HOST_NAMES, wanted)) {
    const where = kind ? 'the host' : 'LATENTGPU_HOST';
    throw new LatentGpuError(
      'bad-config',
      `${where} is "${wanted}"; it may be dawn, chrome, firefox or deno.`,
    );
  }
  return wanted === 'dawn'
    ? await openDawn(options)
    : await openRemote(wanted as Elsewhere, options);
}
