// The keys of a family's runs, or of all families, as tables for people.
import { type Family, families, LAYER_KEYS } from '../../models/index.ts';
import { allowed, type Schema } from '../../schema/index.ts';
import { runKeys } from '../../training/index.ts';
import { TRAINING_KEYS } from '../../training/keys.ts';
import { table } from '../common/text.ts';

const wide = (rows: readonly (readonly string[])[]) => table(rows, 100);

/** Keys that have no part of their own stand under this. */
const WHOLE = 'model';

function keyRows(schema: Schema): string[][] {
  return Object.entries(schema).map(([name, key]) => {
    const fallback = typeof key.default === 'function' ? 'depends' : JSON.stringify(key.default);
    const when = Object.entries(key.when ?? {}).map(([other, values]) =>
      values === 'any' ? `${other} set` : `${other}=${values.join('|')}`,
    );
    const of = when.length > 0 ? ` (with ${when.join(' ')})` : '';
    return [`  ${name}`, fallback, `${key.help}; ${allowed(key)}${of}`];
  });
}

/** Keys by the part that they are of: `encoder`, `prior`. */
function byPart(schema: Schema): Map<string, Schema> {
  const parts = new Map<string, Record<string, Schema[string]>>();
  for (const [name, key] of Object.entries(schema)) {
    const dot = name.indexOf('.');
    const part = dot < 0 ? WHOLE : name.slice(0, dot);
    const own = parts.get(part) ?? {};
    own[name] = key;
    parts.set(part, own);
  }
  return parts;
}

function sections(schema: Schema): string[][] {
  return [...byPart(schema)].flatMap(([part, keys]) => [[`${part}:`], ...keyRows(keys)]);
}

/** @param family whose keys are asked for; default: what there is to choose from */
export function keysTable(family: Family | undefined): string {
  if (!family) {
    return [
      wide([['family', 'what it is'], ...families().map(({ name, about }) => [name, about])]),
      'Keys of one of them: latentgpu train FAMILY --keys. Keys of every training:',
      wide([['key', 'default', 'what it is'], ...keyRows(TRAINING_KEYS)]),
    ].join('\n\n');
  }
  const training = { ...family.run, ...trainingKeys(family) };
  return [
    `${family.name}: ${family.about}`,
    wide([['key', 'default', 'what it is'], ...sections(family.keys)]),
    'Of its training:',
    wide(keyRows(training)),
    ...(Object.hasOwn(family.keys, 'layers')
      ? ['Layers, and the keys that each may have:', wide(layerRows())]
      : []),
  ].join('\n\n');
}

function trainingKeys(family: Family): Schema {
  const all = runKeys(family);
  return Object.fromEntries(
    Object.keys(TRAINING_KEYS).flatMap((name) => {
      const key = all[name];
      return key ? [[name, key]] : [];
    }),
  );
}

/** The same for programs: of a family its keys, else those of all families by their names. */
export function keysObject(family: Family | undefined): object {
  return family
    ? runKeys(family)
    : Object.fromEntries(families().map((each) => [each.name, runKeys(each)]));
}

function layerRows(): string[][] {
  return Object.entries(LAYER_KEYS).map(([type, keys]: [string, Schema]) => [
    type,
    Object.entries(keys)
      .map(([name, key]) => `${name} ${JSON.stringify(key.default)}`)
      .join(', '),
  ]);
}
