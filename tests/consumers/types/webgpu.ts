// Where the compiler knows WebGPU, objects are WebGPU's own.
import { openDevice } from 'latentgpu';

const device = await openDevice({ features: ['timestamp-query'] });
const gpu: GPUDevice = device.gpu;
export const buffer: GPUBuffer = device.createBuffer('b', 16, 128);
export const module: GPUShaderModule = device.gpu.createShaderModule({ code: '' });
device.destroyBuffer(gpu.createBuffer({ size: 16, usage: 128 }));
