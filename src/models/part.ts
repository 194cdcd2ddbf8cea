// Parts of a model that come in kinds: a file a kind, a table of them, and the keys that they make.
import type { Key, Schema } from '../schema/index.ts';

/** A kind of a part, with the keys that belong to it alone. */
export interface Kind<S extends Schema = Schema> {
  readonly keys: S;
  /** What it is, in a few words. */
  readonly about: string;
}

export type Kinds = Readonly<Record<string, Kind>>;

type Names<T extends Kinds> = { [K in keyof T]: keyof T[K]['keys'] }[keyof T] & string;
type Own<T extends Kinds, N extends string> = {
  [K in keyof T]: N extends keyof T[K]['keys'] ? T[K]['keys'][N] : never;
}[keyof T];

/** The key that names a part's kind. */
export interface KindKey<T extends Kinds> {
  readonly type: 'choice';
  readonly choices: readonly (keyof T & string)[];
  readonly default: Key['default'];
  readonly help: string;
}

/** The keys of a part: its kind, and those of every kind where that one is chosen. */
export type PartKeys<P extends string, T extends Kinds> = {
  readonly [K in `${P}.kind`]: KindKey<T>;
} & {
  readonly [N in Names<T> as `${P}.${N}`]: Own<T, N> & {
    readonly when: Readonly<Record<string, readonly string[]>>;
  };
};

export interface PartOptions {
  readonly default: Key['default'];
  readonly help: string;
  /** When the part is there at all. */
  readonly when?: Key['when'];
}

/**
 * The keys of a part, under its name: `prior.kind`, and `prior.depth` where the kind has it. A key that
 * several kinds have is theirs together.
 */
export function partKeys<P extends string, T extends Kinds>(
  part: P,
  kinds: T,
  { default: usual, help, when }: PartOptions,
): PartKeys<P, T> {
  const names = Object.keys(kinds);
  const keys: Record<string, Key> = {
    [`${part}.kind`]: {
      type: 'choice',
      choices: names,
      default: usual,
      help: `${help}: ${names.map((name) => `${name}, ${kinds[name]?.about}`).join('; ')}`,
      ...(when && { when }),
    },
  };
  for (const name of names) {
    for (const [key, own] of Object.entries(kinds[name]?.keys ?? {})) {
      const path = `${part}.${key}`;
      const sharing = names.filter((each) => Object.hasOwn(kinds[each]?.keys ?? {}, key));
      keys[path] ??= {
        ...own,
        when: { ...when, [`${part}.kind`]: sharing, ...relative(part, own.when) },
      };
    }
  }
  return keys as unknown as PartKeys<P, T>;
}

/** Conditions of a kind's key refer to keys of the same part. */
function relative(part: string, when: Key['when']): Key['when'] {
  return Object.fromEntries(
    Object.entries(when ?? {}).map(([name, values]) => [`${part}.${name}`, values]),
  );
}
