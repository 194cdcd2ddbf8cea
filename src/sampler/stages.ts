// A decoder's layers as buffers, bindings and pipelines.
import { checked } from './checked.ts';
import { alone, layer, library, quads } from './kernels.gen.ts';
import type { Network } from './network.ts';
import { repeated } from './product.ts';

// Of GPUBufferUsage and GPUShaderStage, which Node.js lacks.
const COPY_SRC = 4;
const COPY_DST = 8;
const STORAGE = 128;
const COMPUTE = 4;

/** Every tile's height divides it. */
const ROW_STEP = 24;
const MAX_ROWS = 4096;
/** What one submission computes at most: 2^28 multiplications, 2^20 numbers of a layer. */
const MAX_WORK = 2 ** 28;
const MAX_NUMBERS = 2 ** 20;

/** Floats of a row in memory: whole tiles need no checks. */
export const padded = (features: number) => Math.ceil(features / 16) * 16;

/** How a network lies in memory. */
export function layOut({ layers, latent, features, kind, work }: Network) {
  /** Numbers of a row: codes, what each layer gives, and a categorical's means. */
  const widths = [latent, ...layers.map(({ outputs }) => outputs)];
  if (kind === 'categorical') widths.push(features);
  const widest = Math.max(...widths.map(padded));
  const most = Math.min(MAX_ROWS, MAX_NUMBERS / widest, MAX_WORK / work);
  /** That a submission computes at most. */
  const rows = Math.max(1, Math.floor(most / ROW_STEP)) * ROW_STEP;
  /** Bytes of the largest buffer. */
  const largest = Math.max(
    4 * rows * widest,
    ...layers.map(({ inputs, outputs }) => 4 * (inputs + 4) * padded(outputs)),
  );
  return { widths, widest, rows, largest };
}

/** A buffer for every width, and what leads from each to the next. */
export function makeStages(
  device: GPUDevice,
  { layers, perFeature }: Network,
  { widths, rows }: ReturnType<typeof layOut>,
  hasQuads: boolean,
) {
  const layout = device.createBindGroupLayout({
    entries: [0, 1, 2].map((binding) => ({
      binding,
      visibility: COMPUTE,
      buffer: { type: binding < 2 ? 'read-only-storage' : 'storage' },
    })),
  });
  const buffers = widths.map((width) =>
    device.createBuffer({ size: 4 * rows * padded(width), usage: STORAGE | COPY_SRC | COPY_DST }),
  );
  const stages = widths.slice(1).map((width, i) => {
    // The stage after the last layer computes means of levels.
    const { weight, bias, activation = 'identity' } = layers[i] ?? {};
    const inputs = widths[i]!;
    const stride = padded(width);
    const terms = weight ? Math.ceil(inputs / 4) : 0;
    // [inputs, outputs] and not [outputs, inputs]: neighbours read neighbouring columns.
    const packed = new Float32Array((4 * terms + 1) * stride);
    weight?.forEach((value, at) => {
      packed[(at % inputs) * stride + Math.floor(at / inputs)] = value;
    });
    if (bias) packed.set(bias, 4 * terms * stride);
    const w = device.createBuffer({ size: packed.byteLength, usage: STORAGE | COPY_DST });
    device.queue.writeBuffer(w, 0, packed);
    const made: Record<number, Promise<GPUComputePipeline>> = {};
    return {
      bindings: device.createBindGroup({
        layout,
        entries: [buffers[i]!, w, buffers[i + 1]!].map((buffer, binding) => ({
          binding,
          resource: { buffer },
        })),
      }),
      /** @param tile rows that an invocation computes; `group`: invocations of a workgroup */
      pipeline: (tile: number, group: number): Promise<GPUComputePipeline> => {
        // In the order of shaders/sampler.wgsl.
        const constants = [tile, group, rows, terms, padded(inputs) / 4, stride / 4, perFeature];
        made[tile] ??= checked(device, () => {
          const head = hasQuads ? `enable subgroups;${library}${quads}` : library + alone;
          const rest = repeated(layer, tile / 4, (part, i) => part.replaceAll('@', `${i}`))
            .replace(/(?<=const .=)\d+/g, () => `${constants.shift()}`)
            .replace('=identity', `=${activation === 'tanh' ? 'tanh4' : activation}`);
          const code = head + rest;
          return device.createComputePipelineAsync({
            // Not shared: wgpu keeps the sizes that a shader expects of its bindings with it.
            layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
            compute: {
              module: device.createShaderModule({ code }),
              entryPoint: weight ? 'layer' : 'levels',
            },
          });
        });
        return made[tile];
      },
    };
  });
  return { buffers, stages };
}
