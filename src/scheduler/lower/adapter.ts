// What the scheduler knows of the machine it plans for. Planning needs no device.
import { mostInvocations, type AdapterClass as ProductAdapter } from '../../kernels/matmul.ts';

export interface AdapterClass extends ProductAdapter {
  /** Storage buffers one dispatch may bind. */
  readonly maxStorageBuffers: number;
  readonly maxUniformBuffers: number;
  /** Bytes one binding may span. */
  readonly maxBindingBytes: number;
  /**
   * Whether invocations that share a row combine by exchanging registers, where the size of
   * subgroups is known; else by workgroup memory. Default: only where a table says so.
   */
  readonly subgroupFolds?: boolean;
  /** Whether products that follow each other share a kernel; default: where it is expected to pay. */
  readonly layers?: 'always' | 'never';
}

/** WebGPU's default limits: what every adapter offers. */
export const defaultAdapterClass: AdapterClass = {
  isSoftware: false,
  maxStorageBuffers: 8,
  maxUniformBuffers: 12,
  maxBindingBytes: 128 * 1024 * 1024,
};

/** Sizes of workgroups that are worth trying on a GPU. */
export const workgroupsOn = (adapter: AdapterClass): number[] =>
  [64, 128, 256].filter((workgroup) => workgroup <= mostInvocations(adapter));
