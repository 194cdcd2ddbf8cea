/** What a host (Node.js, a browser page, a worker) has to provide; `#host` picks the right one. */

/** Where WebGPU runs. */
export type HostName = 'node' | 'browser' | 'worker';

export interface HostRequest {
  powerPreference?: GPUPowerPreference;
  /** Refuse a software adapter. */
  requireHardware?: boolean;
}

/** A WebGPU implementation with the adapter it chose. */
export interface HostGpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly host: HostName;
  /** Where the implementation was found, in words. */
  readonly source: string;
}

/** What a host knows about finding WebGPU, for reports. */
export interface HostSearch {
  host: HostName;
  /** The places that were searched for an implementation, with what was found there. */
  looked: string[];
  /** What a person can do when there is no adapter. */
  advice: string[];
}
