// The layers of a flow in words.
import { type FlowConfig, layersOf } from '../../models/index.ts';

/** What is done to grey levels. */
export const DEQUANTIZED = {
  uniform: 'dequantised uniformly',
  variational: 'dequantised variationally',
} as const;

const keysOf = (keys: object) =>
  Object.entries(keys).map(([key, value]) => `${key} ${JSON.stringify(value)}`);

/** What stands one after the other from noise to data, and the keys of each. */
export function layerRows(config: FlowConfig): (readonly [what: string, ...keys: string[]])[] {
  const { base, logit, dequantize, dequantizer } = config;
  return [
    [`${base.kind} noise`],
    ...layersOf(config).map(({ type, ...keys }) => [type, ...keysOf(keys)] as const),
    ...(logit !== null ? [[`logit ${logit}`] as const] : []),
    ...(dequantize !== 'none'
      ? [[`grey levels, ${DEQUANTIZED[dequantize]}`, ...keysOf(dequantizer ?? {})] as const]
      : []),
  ];
}

/** How many there are of each type: `8 coupling, 8 actnorm`. */
export function layerCounts(config: FlowConfig): string {
  const counts = new Map<string, number>();
  for (const { type } of layersOf(config)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ');
}
