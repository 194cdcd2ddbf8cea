// How far kernels are chosen by measurement.
import { environment } from '#memory';
import { LatentGpuError } from '../errors.ts';

/**
 * off: shipped defaults only, so that results depend on nothing but the program and the adapter.
 * remembered: what was measured earlier, too; nothing is measured. auto: measures where nothing is
 * remembered, on hardware, within a small budget; software adapters start cold too often for that,
 * and their defaults are measured. on: measures anywhere.
 */
export const TUNE_MODES = ['off', 'remembered', 'auto', 'on'] as const;
export type TuneMode = (typeof TUNE_MODES)[number];

let fallback: TuneMode | undefined;

/**
 * What `defaultTune` is from now on, whatever the environment says: for pages and tests.
 *
 * @example setDefaultTune('off');
 */
export function setDefaultTune(mode: TuneMode): void {
  fallback = mode;
}

/**
 * Where nobody says otherwise: what was set, else the environment variable `LATENTGPU_TUNE` (in
 * Node.js), else `auto`.
 *
 * @throws LatentGpuError `bad-config` if the variable is no mode
 */
export function defaultTune(): TuneMode {
  if (fallback) return fallback;
  const given = environment('LATENTGPU_TUNE');
  return given ? tuneMode(given, 'LATENTGPU_TUNE') : 'auto';
}

/** @throws LatentGpuError `bad-config` */
export function tuneMode(text: string, source: string): TuneMode {
  const mode = TUNE_MODES.find((known) => known === text);
  if (mode) return mode;
  throw new LatentGpuError(
    'bad-config',
    `${source} is '${text}'; it may be ${TUNE_MODES.join(', ')}`,
  );
}
