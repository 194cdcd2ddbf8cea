// What a device has made and done, for measurements and for tests of leaks.
import type { PipelineCache } from './pipelines.ts';

/** What a device has made and done so far. */
export interface DeviceCounters {
  liveBuffers: number;
  liveBytes: number;
  /** The most bytes that were live at once. */
  peakBytes: number;
  buffersCreated: number;
  bindGroupsCreated: number;
  /** Pipelines compiled; one that came from the cache does not count. */
  readonly pipelinesCreated: number;
  /** Pipelines in the cache. */
  readonly pipelinesKept: number;
  submissions: number;
  /** Dispatches submitted; counted by whoever encodes them. */
  dispatches: number;
  /** Times the host wrote into a buffer. */
  hostWrites: number;
}

/** Counters that stand at nothing, over the pipelines of a device. */
export function newCounters(pipelines: PipelineCache): DeviceCounters {
  return {
    liveBuffers: 0,
    liveBytes: 0,
    peakBytes: 0,
    buffersCreated: 0,
    bindGroupsCreated: 0,
    get pipelinesCreated() {
      return pipelines.created;
    },
    get pipelinesKept() {
      return pipelines.kept;
    },
    submissions: 0,
    dispatches: 0,
    hostWrites: 0,
  };
}
