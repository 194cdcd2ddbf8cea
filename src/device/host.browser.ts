// WebGPU as a page or a worker has it.
import { LatentGpuError } from '../errors.ts';
import { isSoftwareAdapter } from './adapter.ts';
import type { HostGpu, HostName, HostRequest, HostSearch } from './host.ts';

export { patiently } from './patience.browser.ts';

function hostName(): HostName {
  if ('Deno' in globalThis) return 'deno';
  return typeof document === 'undefined' ? 'worker' : 'browser';
}

const advice = [
  'use a browser with WebGPU: Chrome or Edge 113, Safari 26, Firefox 141, or newer',
  'serve the page over https or from localhost: WebGPU exists only in a secure context',
  'see chrome://gpu for why the browser refuses the GPU; ' +
    'start Chrome with --enable-unsafe-webgpu to let it use its software adapter',
];

export function describeSearch(_problem?: string): HostSearch {
  const present = globalThis.navigator?.gpu !== undefined;
  return {
    host: hostName(),
    looked: [`navigator.gpu: ${present ? 'present' : 'absent'}`],
    engines: [],
    advice,
  };
}

/**
 * WebGPU of the page or worker this runs in.
 *
 * @throws LatentGpuError `no-adapter`
 */
export async function requestGpu(request: HostRequest = {}): Promise<HostGpu> {
  const gpu = globalThis.navigator?.gpu as GPU | undefined;
  if (!gpu) {
    const why = globalThis.isSecureContext
      ? 'this browser has no WebGPU (navigator.gpu is absent)'
      : 'WebGPU is hidden because this page is not a secure context';
    throw new LatentGpuError('no-adapter', `${why}. Ways out: ${advice.join('; ')}.`);
  }
  const { powerPreference = 'high-performance', featureLevel } = request;
  const ask = (featureLevel: HostRequest['featureLevel']) =>
    gpu.requestAdapter({ powerPreference, ...(featureLevel && { featureLevel }) });
  // Where older hardware is all there is, its smaller limits will do.
  const adapter = (await ask(featureLevel)) ?? (await ask('compatibility'));
  if (!adapter) {
    throw new LatentGpuError(
      'no-adapter',
      `this browser has WebGPU but offers no adapter. Ways out: ${advice.join('; ')}.`,
    );
  }
  if (request.requireHardware && isSoftwareAdapter(adapter)) {
    throw new LatentGpuError(
      'no-adapter',
      'a hardware adapter is required and this browser offers only a software one. ' +
        'Let the browser use the GPU, or drop the requirement.',
    );
  }
  return { gpu, adapter, host: hostName(), source: 'navigator.gpu' };
}
