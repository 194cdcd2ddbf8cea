// What a table of keys says of types: the configuration that its settled values are.
import type { Key, Schema } from './schema.ts';

type Plain<K extends Key> = K extends { type: 'integer' | 'number' }
  ? number
  : K extends { type: 'integers' | 'numbers' }
    ? readonly number[]
    : K extends { type: 'boolean' }
      ? boolean
      : K extends { type: 'choice'; choices: readonly (infer C)[] }
        ? C
        : K extends { type: 'layers' }
          ? readonly Readonly<Record<string, unknown>>[]
          : never;

/** The value of one key; one that only applies under conditions may be missing. */
export type ValueOf<K extends Key> =
  | Plain<K>
  | (K extends { nullable: true } ? null : never)
  | (K extends { when: object } ? undefined : never);

type Head<Name> = Name extends `${infer First}.${string}` ? First : Name;
type Below<S, First extends string> = {
  [Name in keyof S as Name extends `${First}.${infer Rest}` ? Rest : never]: S[Name];
};

/**
 * The nested configuration of a table: `{ 'net.hidden': { type: 'integers' } }` becomes
 * `{ net: { hidden: readonly number[] } }`. Declare the table `as const satisfies Schema`, or its choices
 * are mere texts.
 */
export type ConfigOf<S extends Schema> = {
  readonly [First in Head<keyof S> & string]: First extends keyof S
    ? S[First] extends Key
      ? ValueOf<S[First]>
      : never
    : Below<S, First> extends infer Inner extends Schema
      ? ConfigOf<Inner>
      : never;
};
