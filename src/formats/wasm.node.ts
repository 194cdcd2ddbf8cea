// Libraries in C as WebAssembly, each in memory of its own.

/** What every such library offers; pointers are numbers of bytes in `memory`. */
export interface WasmLibrary {
  readonly memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  free(pointer: number): void;
}

const never = () => 0;
/** Of WASI, what their file functions ask for: none is called. */
const FILES = {
  fd_close: never,
  fd_seek: never,
  fd_write: never,
  environ_sizes_get: never,
  environ_get: never,
  proc_exit: never,
};

/**
 * @param address of the code, `data:…;base64,…`
 * @param env what it asks for beside WASI
 */
export function openLibrary<Library extends WasmLibrary>(
  address: string,
  env: WebAssembly.ModuleImports = {},
): Library {
  const code = Buffer.from(address.slice(address.indexOf(',') + 1), 'base64');
  const imports = { wasi_snapshot_preview1: FILES, env };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code), imports);
  return instance.exports as unknown as Library;
}

/** A copy of `bytes` in a library's memory. */
export function pointerTo({ memory, malloc }: WasmLibrary, bytes: Uint8Array): number {
  const pointer = malloc(bytes.length);
  // Memory that has grown is another array.
  new Uint8Array(memory.buffer, pointer, bytes.length).set(bytes);
  return pointer;
}
