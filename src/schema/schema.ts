// A configuration as a table: every dotted key with its type, range, default and a line of help.
// One table serves files, the command line, error messages and documentation.
import { LatentGpuError } from '../errors.ts';
import { isObject } from '../formats/json.ts';
import { quote } from '../formats/message.ts';
import { nearest } from '../nearest.ts';

export type Value =
  | number
  | string
  | boolean
  | null
  | readonly number[]
  | readonly Readonly<Record<string, unknown>>[];

/** Values by dotted key. */
export type Values = ReadonlyMap<string, Value>;

/** A value that was given, and who gave it (`--set`, a file's name), for messages. */
export interface Given {
  readonly value: unknown;
  readonly source: string;
}

interface Range {
  readonly min?: number;
  readonly max?: number;
  /** Exclusive bounds. */
  readonly above?: number;
  readonly below?: number;
}

export type KeyType =
  | ({ readonly type: 'integer' | 'number' } & Range)
  | ({
      readonly type: 'integers' | 'numbers';
      readonly length?: number;
      /** Of a list of any length up to this. */
      readonly longest?: number;
    } & Range)
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'boolean' }
  /** A list of objects with a type each, checked by whoever makes something of them. */
  | { readonly type: 'layers' };

export type Key = KeyType & {
  /** A line for people. */
  readonly help: string;
  /** A value, or what follows from keys that come before it in the table. */
  readonly default: Value | ((get: (key: string) => Value | undefined) => Value);
  /** Whether `null`, for "none", is allowed. */
  readonly nullable?: boolean;
  /** The key only applies if each of these earlier keys has one of the given values, or any at all. */
  readonly when?: Readonly<Record<string, readonly string[] | 'any'>>;
};

/** Keys in the order in which they are settled and shown. */
export type Schema = Readonly<Record<string, Key>>;

const badConfig = (why: string) => new LatentGpuError('bad-config', why);

function rangeText({ min, max, above, below }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (above !== undefined && below !== undefined) return ` between ${above} and ${below}`;
  const parts = [
    above !== undefined && `above ${above}`,
    min !== undefined && `of at least ${min}`,
    below !== undefined && `below ${below}`,
    max !== undefined && `of at most ${max}`,
  ].filter(Boolean);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

/** What a key may be, in words. */
export function allowed(key: Key): string {
  const none = key.nullable ? ', or null for none' : '';
  switch (key.type) {
    case 'integer':
      return `a whole number${rangeText(key)}${none}`;
    case 'number':
      return `a number${rangeText(key)}${none}`;
    case 'integers':
    case 'numbers': {
      const many = key.length === undefined ? 'a list of' : `${key.length}`;
      const most = key.longest === undefined ? '' : `, at most ${key.longest} of them`;
      const kind = key.type === 'integers' ? 'whole numbers' : 'numbers';
      return `${many} ${kind}${rangeText(key)}, as in [${key.length === 2 ? '0.9,0.999' : '300'}]${most}${none}`;
    }
    case 'choice':
      return `one of ${key.choices.join(', ')}${none}`;
    case 'boolean':
      return `true or false${none}`;
    case 'layers':
      return 'a list of layers, as in [{"type": "coupling"}, {"type": "lu"}]';
  }
}

const MOST_LAYERS = 4096;

const isLayer = (item: unknown) => isObject(item) && typeof item.type === 'string';

function inRange(value: unknown, { min, max, above, below }: Range, whole: boolean): boolean {
  return (
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (!whole || Number.isSafeInteger(value)) &&
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

function fits(value: unknown, key: Key): value is Value {
  if (value === null) return key.nullable === true;
  switch (key.type) {
    case 'integer':
    case 'number':
      return inRange(value, key, key.type === 'integer');
    case 'integers':
    case 'numbers':
      return (
        Array.isArray(value) &&
        (key.length === undefined || value.length === key.length) &&
        (key.longest === undefined || value.length <= key.longest) &&
        value.every((item) => inRange(item, key, key.type === 'integers'))
      );
    case 'choice':
      return typeof value === 'string' && key.choices.includes(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'layers':
      return (
        Array.isArray(value) && value.length <= MOST_LAYERS && value.every((item) => isLayer(item))
      );
  }
}

/** The name of a key as the table has it: `prior` stands for `prior.kind`, where there is no `prior`. */
export function spelled(schema: Schema, name: string): string {
  return !Object.hasOwn(schema, name) && Object.hasOwn(schema, `${name}.kind`)
    ? `${name}.kind`
    : name;
}

/**
 * The key of that name.
 *
 * @throws LatentGpuError `bad-config` for an unknown one, with the nearest known
 */
export function knownKey(schema: Schema, name: string, source: string): Key {
  const own = spelled(schema, name);
  const key = Object.hasOwn(schema, own) ? schema[own] : undefined;
  if (key) return key;
  throw badConfig(
    `${source}: unknown key '${quote(name).slice(1, -1)}'; did you mean '${nearest(name, Object.keys(schema))}'?`,
  );
}

/**
 * Checks one value.
 *
 * @throws LatentGpuError `bad-config` that says what is allowed
 */
export function checkValue(name: string, key: Key, { value, source }: Given): Value {
  if (fits(value, key)) return value;
  const shown = JSON.stringify(value) ?? String(value);
  const text = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  const guess =
    key.type === 'choice' && typeof value === 'string'
      ? `; did you mean '${nearest(value, key.choices)}'?`
      : '';
  throw badConfig(`${source}: ${name} is ${text}; it must be ${allowed(key)}${guess}`);
}

/** The value that a text on the command line stands for; what it means depends on the key. */
export function parseText(key: Key, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === 'null' || trimmed === 'none') {
    if (key.type !== 'choice' || !key.choices.includes(trimmed)) return null;
  }
  switch (key.type) {
    case 'choice':
      return trimmed;
    case 'boolean':
      return trimmed === 'true' ? true : trimmed === 'false' ? false : trimmed;
    case 'layers':
      try {
        return JSON.parse(trimmed);
      } catch {
        return trimmed;
      }
    case 'integer':
    case 'number':
      return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
    default: {
      // Brackets are optional: shells have plans of their own for them.
      const inner = trimmed.replace(/^\[(.*)\]$/s, '$1').trim();
      const parts = inner === '' ? [] : inner.split(',').map((part) => part.trim());
      const numbers = parts.map((part) => (part === '' ? Number.NaN : Number(part)));
      return numbers.every(Number.isFinite) ? numbers : trimmed;
    }
  }
}

/**
 * The values of a nested object by dotted key. Objects may nest, or have dotted keys, or both; a text in
 * the place of a part is its kind.
 *
 * @throws LatentGpuError `bad-config` for an unknown key, with the nearest known
 */
export function flatten(schema: Schema, object: unknown, source: string): Map<string, Given> {
  const found = new Map<string, Given>();
  const visit = (value: unknown, path: string): void => {
    if (path !== '' && Object.hasOwn(schema, path)) {
      if (found.has(path)) throw badConfig(`${source}: '${path}' is said twice; leave one out`);
      found.set(path, { value, source });
      return;
    }
    if (path !== '' && typeof value === 'string' && spelled(schema, path) !== path) {
      found.set(spelled(schema, path), { value, source });
      return;
    }
    const branch = path === '' || Object.keys(schema).some((name) => name.startsWith(`${path}.`));
    if (!branch) knownKey(schema, path, source);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const what = path === '' ? 'the configuration' : `'${path}'`;
      throw badConfig(`${source}: ${what} must be an object of keys`);
    }
    for (const [name, inner] of Object.entries(value))
      visit(inner, path ? `${path}.${name}` : name);
  };
  visit(object, '');
  return found;
}

/** The nested object of values by dotted key. */
export function nest(values: Values): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const parts = path.split('.');
    const last = parts.pop() as string;
    let at = root;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return root;
}

/**
 * Settles every key: what was given if it is allowed, else the default. Keys that do not apply to
 * the others' values are left out.
 *
 * @param fixed values of keys outside the table, to which defaults and conditions may refer
 * @param idle where given, receives the names of keys that do not apply, which else are refused
 * @throws LatentGpuError `bad-config` for a value that is not allowed or a key that does not apply
 */
export function settle(
  schema: Schema,
  given: ReadonlyMap<string, Given>,
  fixed: Readonly<Record<string, Value>> = {},
  idle?: string[],
): Map<string, Value> {
  for (const [name, { source }] of given) knownKey(schema, name, source);
  const values = new Map<string, Value>();
  const get = (name: string) => values.get(name) ?? fixed[name];
  const holds = (other: string, wanted: readonly string[] | 'any') => {
    const now = get(other);
    if (wanted === 'any') return (now ?? null) !== null;
    // Of data that have not been looked at everything may be true.
    if (now === undefined && other.startsWith('data.')) return true;
    return wanted.includes(String(now ?? 'none'));
  };
  for (const [name, key] of Object.entries(schema)) {
    const entry = given.get(name);
    const obstacle = Object.entries(key.when ?? {}).find(
      ([other, wanted]) => !holds(other, wanted),
    );
    if (obstacle) {
      if (entry) idle?.push(name);
      if (!entry || idle) continue;
      const [other, wanted] = obstacle;
      const now = get(other);
      throw badConfig(
        `${entry.source}: ${name} has no effect here; it goes with ${other} ${wanted === 'any' ? 'being set' : wanted.join(' or ')}` +
          `${now === undefined ? '' : `, and ${other} is ${now}`}`,
      );
    }
    const value = entry
      ? checkValue(name, key, entry)
      : typeof key.default === 'function'
        ? key.default(get)
        : key.default;
    values.set(name, value);
  }
  return values;
}
