// Measures when it is asked to, and tells what it knows. Runs in a worker, or in the page where a worker
// has no WebGPU.
import { type BenchOptions, runBenchmark } from '../../src/bench/index.ts';
import { isLatentGpuError } from '../../src/index.ts';
import type { Length, Request, Told } from './protocol.ts';

/** What says most in the least time. */
const SHORT = [
  'product NN 512×512',
  'linear',
  'elementwise',
  'sum of rows',
  'log-sum-exp of rows',
  'Bernoulli',
  'Adam',
  'normal draws',
  'VAE step',
  'sample 64',
];

const OPTIONS: Record<Length, Pick<BenchOptions, 'filter' | 'seconds' | 'curves' | 'command'>> = {
  short: {
    seconds: 5,
    filter: SHORT,
    command: `latentgpu bench --seconds 5 --filter ${SHORT.map((part) => `'${part}'`).join(' ')}`,
  },
  long: { seconds: 20, curves: true, command: 'latentgpu bench --curves --seconds 20' },
};

export function serve(port: MessagePort): void {
  let running: AbortController | undefined;
  const tell = (told: Told) => port.postMessage(told);
  port.onmessage = ({ data }: MessageEvent<Request>) => {
    if (data.type === 'stop') return running?.abort();
    if (running) return;
    running = new AbortController();
    void measure(data.length, running.signal, tell).finally(() => {
      running = undefined;
    });
  };
}

async function measure(
  length: Length,
  signal: AbortSignal,
  tell: (told: Told) => void,
): Promise<void> {
  try {
    const report = await runBenchmark({
      ...OPTIONS[length],
      host: { cores: navigator.hardwareConcurrency },
      signal,
      onProgress: (what, done) => tell({ type: 'progress', what, done }),
      onReport: (known) => tell({ type: 'report', report: known }),
    });
    tell({ type: 'report', report });
    tell({ type: 'ended', isWhole: true });
  } catch (error) {
    if (signal.aborted) return tell({ type: 'ended', isWhole: false });
    const code = isLatentGpuError(error) ? error.code : undefined;
    tell({ type: 'failed', code, text: error instanceof Error ? error.message : String(error) });
  }
}
