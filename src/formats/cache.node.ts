// The folder for what can be had again.
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what can be had again is kept: `$XDG_CACHE_HOME/latentgpu`, else `~/.cache/latentgpu`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'latentgpu');
}
