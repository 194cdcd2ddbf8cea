// Kernels in this process, on Dawn.
import { adapterLine } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import { compileShader } from './compile.ts';
import { announce, type HostOptions, type KernelHost, openOptions } from './host.ts';
import { runJob } from './job.ts';
import { DeviceKeeper } from './keeper.ts';
import { hostOn } from './kernel-host.ts';

/** Work on a GPU that may never end. */
class Watch {
  readonly #timeout: number;
  /** What did not end in time. */
  busy: string | undefined;

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** Rejects when the work takes too long. It cannot be stopped: the device is lost to this process. */
  async over<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.busy !== undefined) {
      const message = `${what} cannot run: ${this.busy} does not end and keeps the GPU.`;
      throw new LatentGpuError('device-lost', message);
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.busy = what;
        const message = `${what} took longer than ${this.#timeout} ms.`;
        reject(new LatentGpuError('device-lost', message));
      }, this.#timeout);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

export async function openDawn(options: HostOptions): Promise<KernelHost> {
  const { timeout = 60_000, log } = options;
  const watch = new Watch(timeout);
  const keeper = new DeviceKeeper(openOptions(options));
  const { adapter } = await keeper.get();
  const line = `${adapterLine(adapter)}, Node.js ${process.versions.node}`;
  announce('dawn', line, log);
  return hostOn({
    kind: 'dawn',
    adapter,
    line,
    async run(job) {
      return await watch.over(job.label, async () => runJob(await keeper.get(), job));
    },
    async compile(shader, entries, constants) {
      return await watch.over(shader.label, async () =>
        compileShader(await keeper.get(), shader, entries, constants),
      );
    },
    async close() {
      // Destroying a device waits for its work.
      if (watch.busy === undefined) keeper.close();
    },
  });
}
