// A page that has a service worker do the work.
const { serviceWorker } = navigator;
serviceWorker.onmessage = ({ data }) => {
  globalThis.outcome = data;
};
await serviceWorker.register('/service-worker.js', { type: 'module' });
(await serviceWorker.ready).active.postMessage('work');
