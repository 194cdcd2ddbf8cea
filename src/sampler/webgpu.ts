// The decoder on the visitor's GPU: a dispatch a layer, in submissions that are short enough for a
// page, the next one computed while one is read.
import { adapterOf, deviceOf, nameOf } from './adapter.ts';
import type { Backend } from './backend.ts';
import { checked } from './checked.ts';
import type { Network } from './network.ts';
import { layOut, makeStages, padded } from './stages.ts';

// Of GPUBufferUsage and GPUMapMode, which Node.js lacks.
const MAP_READ = 1;
const COPY_DST = 8;
const READ = 1;

/** Rows that are not worth a tall tile. */
const FEW = 4;
/** Submissions under way at once. */
const AHEAD = 2;

/**
 * @throws LatentGpuError `no-adapter`, `limit-exceeded` for a model beyond the adapter's limits,
 *   `validation` for what the GPU reports
 */
export async function openWebGpu(network: Network, gpu: GPU | undefined): Promise<Backend> {
  const adapter = await adapterOf(gpu);
  const { limits, features, info } = adapter;
  const layout = layOut(network);
  const { largest, widest } = layout;
  const hasQuads =
    info.subgroupMinSize === 4 && info.subgroupMaxSize === 4 && features.has('subgroups');
  const fits = widest <= 16 * limits.maxComputeWorkgroupsPerDimension;
  const device = await deviceOf(adapter, largest, fits, hasQuads ? ['subgroups'] : []);
  try {
    const decode = await decoder(device, network, layout, hasQuads);
    return { name: 'webgpu', adapter: nameOf(info), decode, destroy: () => device.destroy() };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

async function decoder(
  device: GPUDevice,
  network: Network,
  layout: ReturnType<typeof layOut>,
  hasQuads: boolean,
): Promise<Backend['decode']> {
  const { layers, latent, features, kind } = network;
  const { widths, rows } = layout;
  const { buffers, stages } = await checked(device, () =>
    makeStages(device, network, layout, hasQuads),
  );
  const tall = hasQuads ? 12 : 8;
  // Software adapters run four invocations in step; others want a subgroup's worth.
  const group = hasQuads ? 4 : 32;
  const pipelines = (raw: boolean, tile: number) =>
    Promise.all(
      stages
        .slice(0, raw ? layers.length : stages.length)
        .map((stage) => stage.pipeline(tile, group)),
    );
  // Now, so that the first image does not wait for them.
  await Promise.all([pipelines(false, FEW), pipelines(false, tall)]);
  /** What a layer is asked for: of deviations for each pixel, which lie last, means have no need. */
  const columns = (i: number, raw: boolean): number =>
    i === layers.length - 1 && !raw && kind === 'normal' ? features : widths[i + 1]!;

  /** Buffers to read from, by the numbers of a row. */
  const free: Record<number, GPUBuffer[]> = {};

  const submit = (
    codes: Float32Array,
    count: number,
    ready: readonly GPUComputePipeline[],
    { raw, tile }: { raw: boolean; tile: number },
  ) => {
    const input = new Float32Array(count * padded(latent));
    for (let r = 0; r < count; r++) {
      input.set(codes.subarray(r * latent, (r + 1) * latent), r * padded(latent));
    }
    device.queue.writeBuffer(buffers[0]!, 0, input);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    ready.forEach((pipeline, i) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, stages[i]!.bindings);
      const tiles = i < layers.length ? Math.ceil(count / tile) : count;
      pass.dispatchWorkgroups(Math.ceil(columns(i, raw) / 4 / group), tiles);
    });
    pass.end();
    const stride = padded(widths[ready.length]!);
    const size = 4 * rows * stride;
    free[stride] ??= [];
    const staging = free[stride].pop() ?? device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const bytes = 4 * count * stride;
    encoder.copyBufferToBuffer(buffers[ready.length]!, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    return { staging, stride, bytes, mapped: staging.mapAsync(READ, 0, bytes) };
  };

  return async (codes, count, raw, sink) => {
    const start = async (first: number, n: number, ready: GPUComputePipeline[], tile: number) => {
      const part = codes.subarray(first * latent, (first + n) * latent);
      const job = submit(part, n, ready, { raw, tile });
      await job.mapped;
      return { ...job, first, n };
    };
    const underWay: ReturnType<typeof start>[] = [];
    const release = () => {
      underWay
        .shift()!
        .then(({ staging, stride }) => {
          staging.unmap();
          free[stride]!.push(staging);
        })
        // The device has failed, and all its buffers with it.
        .catch(() => {});
    };
    try {
      for (let at = 0; at < count; at += rows) {
        const n = Math.min(rows, count - at);
        const tile = n > FEW ? tall : FEW;
        const ready = await pipelines(raw, tile);
        const job = checked(device, () => start(at, n, ready, tile));
        // Whoever reads gets the error.
        job.catch(() => {});
        underWay.push(job);
        while (underWay.length >= AHEAD || (at + n >= count && underWay.length > 0)) {
          const { staging, stride, bytes, first, n } = await underWay[0]!;
          await sink(new Float32Array(staging.getMappedRange(0, bytes)), stride, first, n);
          release();
        }
      }
    } finally {
      while (underWay.length) release();
    }
  };
}
