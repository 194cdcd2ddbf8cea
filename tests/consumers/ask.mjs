// A page that has a service worker do the work.
const { serviceWorker } = navigator;
serviceWorker.onmessage = ({ data }) => {
  globalThis.outcome = data;
};
// The page's own: the package has no need of a policy.
const trusted = trustedTypes.createPolicy('page', { createScriptURL: (url) => url });
await serviceWorker.register(trusted.createScriptURL('/service-worker.js'), { type: 'module' });
(await serviceWorker.ready).active.postMessage('work');
