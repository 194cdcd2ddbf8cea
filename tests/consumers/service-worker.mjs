// Answers a page that asks. A service worker may import nothing later on.
import { draw, train } from './work.mjs';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => {
  const work = async () => ({ loss: await train(), drawn: await draw('/models/digits/') });
  const answer = work().catch((error) => ({ error: String(error?.stack ?? error) }));
  event.waitUntil(answer.then((outcome) => event.source.postMessage(outcome)));
});
