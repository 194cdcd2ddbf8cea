// A device: adapter, buffers, pipelines, readback, loss.
export { type AdapterReport, adapterLine, loopTurnsOf } from './adapter.ts';
export type { DeviceCounters } from './counters.ts';
export { type BufferSlot, Device } from './device.ts';
export { type DoctorReport, doctorReport } from './doctor.ts';
export type { HostName } from './host.ts';
export type { LostInfo } from './loss.ts';
export { type OpenOptions, openDevice } from './open.ts';
export type { BindingKind, BindingLayout, BindingSlot } from './pipelines.ts';
export { type ClockName, Repeated, Stopwatch, type Timing } from './stopwatch.ts';
