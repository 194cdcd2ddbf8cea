// What is known of GPUs by their vendor. By reasoning from published descriptions of their hardware,
// not by measurement: it decides what the first run is planned with, and which variants are worth
// measuring.

export interface GpuClass {
  /** Multiprocessors of a common model: a workgroup each keeps them busy once. */
  readonly multiprocessors: number;
  /** Speed of product tiles of an extent once they fill the machine, relative to the best. */
  readonly tileSpeed: Readonly<Record<128 | 64 | 32, number>>;
  /** Whether workgroup memory is a memory of its own, and not merely the cache again. */
  readonly hasWorkgroupMemory: boolean;
}

const discrete = { 128: 1, 64: 0.75, 32: 0.45 };
/** Where 64 accumulators an invocation leave too few invocations to hide what memory takes. */
const fewRegisters = { 128: 0.6, 64: 1, 32: 0.7 };

const common: GpuClass = { multiprocessors: 64, tileSpeed: discrete, hasWorkgroupMemory: true };

/** By the vendor's name as WebGPU gives it. */
const vendors: Readonly<Record<string, GpuClass>> = {
  nvidia: common,
  amd: { ...common, multiprocessors: 40 },
  // Of an integrated one: 8 cores, whose registers hold 64 accumulators with half of the threads.
  intel: { multiprocessors: 8, tileSpeed: fewRegisters, hasWorkgroupMemory: true },
  apple: { multiprocessors: 10, tileSpeed: fewRegisters, hasWorkgroupMemory: true },
  qualcomm: {
    multiprocessors: 4,
    tileSpeed: { 128: 0.3, 64: 0.8, 32: 1 },
    hasWorkgroupMemory: true,
  },
  // Mali keeps workgroup memory in the cache: copying to it gains nothing.
  arm: { multiprocessors: 8, tileSpeed: { 128: 0.3, 64: 0.8, 32: 1 }, hasWorkgroupMemory: false },
};

export function gpuClass(vendor: string | undefined): GpuClass {
  return vendors[vendor?.toLowerCase() ?? ''] ?? common;
}
