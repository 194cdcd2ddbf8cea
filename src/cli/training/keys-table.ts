// Every key of a run and of a flow's layers, as a table for people.
import { FAMILIES, LAYER_KEYS } from '../../models/index.ts';
import { allowed, type Schema } from '../../schema/index.ts';
import { RUN_KEYS } from '../../training/index.ts';
import { table } from '../common/text.ts';

export function keysTable(): string {
  const rows = Object.entries(RUN_KEYS).map(([name, key]) => {
    const fallback = typeof key.default === 'function' ? 'depends' : JSON.stringify(key.default);
    const { family } = key.when ?? {};
    const of = family && family.length < FAMILIES.length ? ` (${family.join(', ')})` : '';
    return [name, fallback, `${key.help}; ${allowed(key)}${of}`];
  });
  return [
    table([['key', 'default', 'what it is'], ...rows]),
    'Layers of a flow, and the keys that each may have:',
    table(layerRows()),
  ].join('\n\n');
}

function layerRows(): string[][] {
  return Object.entries(LAYER_KEYS).map(([type, keys]: [string, Schema]) => [
    type,
    Object.entries(keys)
      .map(([name, key]) => `${name} ${JSON.stringify(key.default)}`)
      .join(', '),
  ]);
}
