// Kernels chosen by measurement.

export type { Found, TuningMemory } from './memory.ts';
export { openMemory } from './memory.ts';
export { defaultTune, setDefaultTune, TUNE_MODES, type TuneMode, tuneMode } from './mode.ts';
export { type Runner, race, type Verdict } from './race.ts';
export type { Candidate, CandidateBinding, TuningTask } from './task.ts';
export { type Measured, newTuner, sharedTuner, type TuneOptions, Tuner } from './tuner.ts';
