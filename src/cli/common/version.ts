import { version as own } from '../../../package.json';

/** Of this library. */
export const version: string = own;
