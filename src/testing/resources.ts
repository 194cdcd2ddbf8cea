// What a kernel's slots are on a device: buffers, textures, samplers.
import type { Device } from '../device/index.ts';
import type { Slot } from './prepare.ts';
import type { TexturePlan } from './textures.ts';

const UNIFORM = 64;
const STORAGE = 128;
const COPY_SRC = 4;
const COPY_DST = 8;
const TEXTURE_COPY_SRC = 1;
const TEXTURE_COPY_DST = 2;
const TEXTURE_BINDING = 4;
const STORAGE_BINDING = 8;

/** A slot on a device. */
export interface Resource {
  readonly binding: GPUBindingResource;
  /** Records what reading it takes. */
  copy?(encoder: GPUCommandEncoder): void;
  /** The bytes that it holds, after the copy. */
  read?(): Promise<Uint8Array>;
  destroy(): void;
}

function createBuffer(device: Device, { name, kind, bytes }: Slot): Resource {
  const usage = kind === 'uniform' ? UNIFORM | COPY_DST : STORAGE | COPY_SRC | COPY_DST;
  const buffer = device.createBuffer(name, bytes.length, usage);
  device.write(buffer, 0, bytes);
  return {
    binding: { buffer, size: bytes.length },
    read: async () => new Uint8Array(await device.read(buffer, 0, bytes.length)),
    destroy: () => device.destroyBuffer(buffer),
  };
}

/** Rows of a texture in a buffer start at multiples of so many bytes. */
const ROW = 256;

function createTexture(device: Device, { name, kind, bytes }: Slot, plan: TexturePlan): Resource {
  const { format, dimension, view, bytesPerTexel, access } = plan;
  const [width, height, depth] = plan.size;
  const size = [width, height, depth];
  const texture = device.gpu.createTexture({
    label: name,
    size,
    dimension,
    format: format as GPUTextureFormat,
    usage: access
      ? STORAGE_BINDING | TEXTURE_COPY_SRC | TEXTURE_COPY_DST
      : TEXTURE_BINDING | TEXTURE_COPY_DST,
  });
  const row = width * bytesPerTexel;
  const layout = { bytesPerRow: row, rowsPerImage: height };
  device.gpu.queue.writeTexture({ texture }, bytes as GPUAllowSharedBufferSource, layout, size);
  const binding = texture.createView({ dimension: view });
  if (kind !== 'write') return { binding, destroy: () => texture.destroy() };

  const bytesPerRow = Math.ceil(row / ROW) * ROW;
  const rows = height * depth;
  const staging = device.createBuffer(
    `${name}, read back`,
    bytesPerRow * rows,
    COPY_SRC | COPY_DST,
  );
  return {
    binding,
    copy: (encoder) =>
      encoder.copyTextureToBuffer(
        { texture },
        { buffer: staging, bytesPerRow, rowsPerImage: height },
        size,
      ),
    async read() {
      const padded = new Uint8Array(await device.read(staging, 0, bytesPerRow * rows));
      const tight = new Uint8Array(row * rows);
      for (let i = 0; i < rows; i++) {
        tight.set(padded.subarray(i * bytesPerRow, i * bytesPerRow + row), i * row);
      }
      return tight;
    },
    destroy() {
      texture.destroy();
      device.destroyBuffer(staging);
    },
  };
}

/** What a slot asks for. Errors of the GPU surface as those of the device do. */
export function createResource(device: Device, slot: Slot): Resource {
  if (slot.texture) return createTexture(device, slot, slot.texture);
  if (!slot.sampler) return createBuffer(device, slot);
  const { descriptor } = slot.sampler;
  const binding = device.gpu.createSampler({
    label: slot.name,
    ...descriptor,
  } as GPUSamplerDescriptor);
  return { binding, destroy: () => {} };
}
