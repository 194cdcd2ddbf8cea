// Configurations as tables of keys.
export type { ConfigOf, ValueOf } from './infer.ts';
export {
  allowed,
  checkValue,
  flatten,
  type Given,
  type Key,
  type KeyType,
  knownKey,
  nest,
  parseText,
  type Schema,
  settle,
  spelled,
  type Value,
  type Values,
} from './schema.ts';
