// The layers of a flow in words.
import { type FlowConfig, layersOf } from '../../models/index.ts';

/** What stands one after the other from noise to data, and the keys of each. */
export function layerRows(config: FlowConfig): (readonly [what: string, ...keys: string[]])[] {
  const { base, logit, dequantize } = config;
  return [
    [`${base.kind} noise`],
    ...layersOf(config).map(
      ({ type, ...keys }) =>
        [
          type,
          ...Object.entries(keys).map(([key, value]) => `${key} ${JSON.stringify(value)}`),
        ] as const,
    ),
    ...(logit !== null ? [[`logit ${logit}`] as const] : []),
    ...(dequantize === 'uniform' ? [['grey levels, dequantised uniformly'] as const] : []),
  ];
}

/** How many there are of each type: `8 coupling, 8 actnorm`. */
export function layerCounts(config: FlowConfig): string {
  const counts = new Map<string, number>();
  for (const { type } of layersOf(config)) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} ${type}`).join(', ');
}
