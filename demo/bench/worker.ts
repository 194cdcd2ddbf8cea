// The measuring in a worker, so that the page stays smooth. The first message brings its port.
import { serve } from './session.ts';

addEventListener('message', ({ ports }) => {
  if (ports[0]) serve(ports[0]);
});
