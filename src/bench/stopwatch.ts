// The clocks of a device, under which whatever runs on one is timed.
export {
  type ClockName,
  cpuMilliseconds,
  cpuSince,
  Repeated,
  Stopwatch,
  type Timing,
} from '../device/stopwatch.ts';
