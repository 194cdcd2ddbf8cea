// File system calls that stop for good after a number of them, as those of a killed process do.
import type * as Files from 'node:fs/promises';

/** Calls that are left; `undefined`: no end. */
let left: number | undefined;

class Crash extends Error {}

/** Counts a call. @param torn what the last one gets done before the process is stopped */
async function count(torn?: () => Promise<unknown>): Promise<void> {
  if (left === undefined) return;
  if (left === 0) await torn?.().catch(() => undefined);
  left--;
  if (left < 0) throw new Crash('stopped');
}

/**
 * Does work whose calls from the `calls`-th on (from 0) do nothing, the cleaning up after a failure
 * included.
 *
 * @returns whether the work was done before
 */
export async function crash(calls: number, work: () => Promise<unknown>): Promise<boolean> {
  left = calls;
  try {
    await work();
    return left >= 0;
  } catch (error) {
    if (left >= 0) throw error;
    return false;
  } finally {
    left = undefined;
  }
}

/** `node:fs/promises` whose calls are counted. */
export function crashing(files: typeof Files): typeof Files {
  const wrapped: Record<string, unknown> = { ...files };
  for (const name of ['mkdir', 'readdir', 'rename', 'rmdir', 'stat', 'lstat', 'unlink'] as const) {
    const call = files[name] as (...args: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...args: unknown[]) => {
      await count();
      return await call(...args);
    };
  }
  wrapped.rm = async (...args: Parameters<typeof Files.rm>) => {
    // One of the files of a folder is gone, and the others are not.
    await count(async () => {
      const [first] = await files.readdir(String(args[0]));
      if (first) await files.rm(`${args[0]}/${first}`, { recursive: true });
    });
    return await files.rm(...args);
  };
  wrapped.open = async (...args: Parameters<typeof Files.open>) => {
    await count();
    return handle(await files.open(...args));
  };
  return { ...wrapped, default: wrapped } as unknown as typeof Files;
}

function handle(file: Files.FileHandle): Files.FileHandle {
  return new Proxy(file, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      // A file is closed by the end of its process, too.
      if (name === 'close') return () => target.close();
      return async (...args: unknown[]) => {
        const [content] = args;
        await count(
          name === 'writeFile'
            ? () => target.writeFile((content as string).slice(0, (content as string).length / 2))
            : undefined,
        );
        return await value.apply(target, args);
      };
    },
  });
}
