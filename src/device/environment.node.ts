/**
 * The environment as libraries of this process see it. Node.js changes it as `process.env` is changed; Jest
 * hands its tests a copy of that, and Bun keeps changes to itself.
 */
import { runInThisContext } from 'node:vm';

/** What is needed of C's library: `setenv(name, value, overwrite)`, `unsetenv(name)`, strings ending in a zero. */
interface NativeEnvironment {
  setenv(name: Uint8Array, value: Uint8Array, overwrite: number): number;
  unsetenv(name: Uint8Array): number;
}

interface BunLibraries {
  dlopen(file: string, symbols: object): { symbols: NativeEnvironment };
}

function nativeOfBun(): NativeEnvironment | undefined {
  if (!process.versions.bun || process.platform !== 'linux') return undefined;
  try {
    const ffi = process.getBuiltinModule('bun:ffi') as unknown as BunLibraries;
    return ffi.dlopen('libc.so.6', {
      setenv: { args: ['cstring', 'cstring', 'i32'], returns: 'i32' },
      unsetenv: { args: ['cstring'], returns: 'i32' },
    }).symbols;
  } catch {
    // Another C library: what Bun was started with counts.
    return undefined;
  }
}

let native: { readonly symbols: NativeEnvironment | undefined } | undefined;

/** The process behind a copy of it. Deno has one alone. */
const outer: NodeJS.Process = 'Deno' in globalThis ? process : runInThisContext('process');

const ended = (text: string) => new TextEncoder().encode(`${text}\0`);

/** Sets a variable for this program, the libraries in it and what it starts; `undefined` takes it away. */
export function setEnvironment(name: string, value: string | undefined): void {
  for (const { env } of new Set([process, outer])) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  native ??= { symbols: nativeOfBun() };
  if (value === undefined) native.symbols?.unsetenv(ended(name));
  else native.symbols?.setenv(ended(name), ended(value), 1);
}
