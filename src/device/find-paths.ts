/** What the searches on disk have in common. Node.js and Deno only. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { homeFolder } from '../home.node.ts';

/** The outcome of a search: what was found first, and every place that was looked at. */
export interface Search<T> {
  found: T | null;
  looked: string[];
}

/** A browser, or another program with WebGPU. */
export interface Program {
  executable: string;
  /** How it was found, in words. */
  source: string;
}

export const isFile = (path: string) => existsSync(path) && statSync(path).isFile();

/** A wildcard-free subset of glob: the children of a folder, newest version first. */
export function children(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Where Puppeteer keeps a kind of browser, a folder a version. */
export function puppeteerCache(browser: 'chrome' | 'firefox'): string {
  const cache = process.env.PUPPETEER_CACHE_DIR ?? join(homeFolder(), '.cache', 'puppeteer');
  return join(cache, browser);
}

/** Where an installed program may lie, folder by folder: `PATH` first. Not for Windows or macOS. */
export function inSystemFolders(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return [...new Set([...folders, '/usr/bin', '/usr/local/bin', '/snap/bin'])].flatMap((folder) =>
    names.map((name) => join(folder, name)),
  );
}

/** Where an installed application may lie on macOS. */
export function inApplications(
  names: readonly string[],
  binary = (name: string) => name,
): string[] {
  return ['/Applications', join(homeFolder(), 'Applications')].flatMap((root) =>
    names.map((name) => join(root, `${name}.app`, 'Contents', 'MacOS', binary(name))),
  );
}

/** Where an installed program may lie on Windows. */
export function inProgramFiles(paths: readonly string[]): string[] {
  const { PROGRAMFILES, LOCALAPPDATA } = process.env;
  return [PROGRAMFILES, process.env['PROGRAMFILES(X86)'], LOCALAPPDATA]
    .filter((root) => root !== undefined)
    .flatMap((root) => paths.map((path) => join(root, ...path.split('/'))));
}

/** The program that an environment variable names; undefined if it is not set or names none. */
export function namedBy(variable: string, looked: string[]): Program | undefined {
  const executable = process.env[variable];
  looked.push(executable ? `${variable}=${executable}` : `${variable} (not set)`);
  return executable && isFile(executable) ? { executable, source: variable } : undefined;
}
