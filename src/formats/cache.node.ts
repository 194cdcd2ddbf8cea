// The folder for what can be had again.
import { join } from 'node:path';
import { homeFolder } from '../home.node.ts';

/** Where what can be had again is kept: `$XDG_CACHE_HOME/latentgpu`, else `~/.cache/latentgpu`. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homeFolder(), '.cache'), 'latentgpu');
}
