// The programs that scripts can be run in.
import { inBrowser } from './browser-session.ts';
import { launchBrowser } from './chrome.ts';
import { inDeno } from './deno-session.ts';
import { launchFirefox } from './firefox.ts';
import type { HostKind } from './host.ts';
import type { Start } from './remote.ts';

/** Every host but this process. */
export type Elsewhere = Exclude<HostKind, 'dawn'>;

export const STARTS: Readonly<Record<Elsewhere, Start>> = {
  chrome: inBrowser(launchBrowser),
  firefox: inBrowser(launchFirefox),
  deno: inDeno,
};
