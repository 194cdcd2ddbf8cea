/** What a host (Node.js, Deno, a browser page, a worker) has to provide; `#host` picks the right one. */

/** Where WebGPU runs. */
export type HostName = 'node' | 'deno' | 'browser' | 'worker';

export interface HostRequest {
  powerPreference?: GPUPowerPreference;
  /** Refuse a software adapter. */
  requireHardware?: boolean;
  /** `compatibility`: with the smaller limits of older hardware. Default: `core`. */
  featureLevel?: 'core' | 'compatibility';
}

/** A WebGPU implementation with the adapter it chose. */
export interface HostGpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly host: HostName;
  /** Where the implementation was found, in words. */
  readonly source: string;
}

/** An implementation of WebGPU on this machine, or what it would take to have it. */
export interface EngineFound {
  name: string;
  /** Where it lies, or its package with its version; null if it is not there. */
  found: string | null;
  /** How to get it; null if it is there. */
  advice: string | null;
}

/** What a host knows about finding WebGPU, for reports. */
export interface HostSearch {
  host: HostName;
  /** The places that were searched for an implementation, with what was found there. */
  looked: string[];
  /** Every implementation that kernels could be tested in. Empty in a browser. */
  engines: EngineFound[];
  /** What a person can do when there is no adapter. */
  advice: string[];
}
