// What was said of an objective, with defaults for the rest.
import { type Given, nest, settle } from '../schema/index.ts';
import type { ObjectiveTraits } from './check.ts';
import { OBJECTIVE_KEYS, type ObjectiveConfig } from './keys.ts';

/** @throws LatentGpuError `bad-config` for a value that is not allowed or has no effect beside the others */
export function settledObjective(
  config: Partial<ObjectiveConfig>,
  { code = 'normal', posterior, prior }: ObjectiveTraits,
): ObjectiveConfig {
  const given = new Map<string, Given>();
  for (const [name, value] of Object.entries(config)) {
    if (value !== undefined) given.set(`objective.${name}`, { value, source: 'the configuration' });
  }
  const kinds = {
    'code.kind': code,
    'posterior.kind': posterior ?? 'normal',
    'prior.kind': prior ?? (code === 'normal' ? 'normal' : 'uniform'),
  };
  return nest(settle(OBJECTIVE_KEYS, given, kinds)).objective as ObjectiveConfig;
}
