// A flow in words.
import type { Portrait } from '../../model.ts';
import { layersOf } from './architectures.ts';
import type { FlowConfig } from './config.ts';

/** What is done to grey levels. */
export const DEQUANTIZED = {
  uniform: 'dequantised uniformly',
  variational: 'dequantised variationally',
} as const;

const keysOf = (keys: object) =>
  Object.entries(keys).map(([key, value]) => `${key} ${JSON.stringify(value)}`);

/** What stands one after the other from noise to data, and the keys of each. */
function layerRows(config: FlowConfig): (readonly [what: string, keys: string])[] {
  const { base, logit, dequantize, dequantizer } = config;
  return [
    [`${base.kind} noise`, ''],
    ...layersOf(config).map(({ type, ...keys }) => [type, keysOf(keys).join(', ')] as const),
    ...(logit !== null ? [[`logit ${logit}`, ''] as const] : []),
    ...(dequantize !== 'none'
      ? [[`grey levels, ${DEQUANTIZED[dequantize]}`, keysOf(dequantizer ?? {}).join(', ')] as const]
      : []),
  ];
}

/** How many there are of each type: `8 coupling, 8 actnorm`. */
function layerCounts(config: FlowConfig): string {
  const counts = new Map<string, number>();
  for (const { type } of layersOf(config)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ');
}

export function flowPortrait(config: FlowConfig): Portrait {
  const { base, logit, dequantize } = config;
  const count = layersOf(config).length;
  return {
    inside: count === 1 ? 'one layer' : `${count} layers`,
    facts: [
      ['layers', layerCounts(config)],
      ['noise', base.kind === 'mixture' ? `mixture of ${base.components}` : base.kind],
      ...(dequantize === 'none' ? [] : [['grey levels', DEQUANTIZED[dequantize]] as const]),
      ...(logit === null ? [] : [['logit', `margin ${logit}`] as const]),
    ],
    layers: layerRows(config),
    layerConfigs: layersOf(config),
  };
}
