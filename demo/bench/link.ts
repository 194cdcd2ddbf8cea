// The way to whoever measures: a worker, or the page itself where a worker finds no adapter.
import { portInside, portTo } from '../ports.ts';
import type { Request, Told } from './protocol.ts';

export interface Link {
  ask(request: Request): void;
}

export function connect(told: (message: Told) => void): Link {
  let canMove = globalThis.navigator?.gpu !== undefined;
  let last: Request | undefined;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const listen = (port: MessagePort) => {
    port.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.type === 'failed' && data.code === 'no-adapter' && canMove) void moveIn();
      else {
        if (data.type === 'report') canMove = false;
        told(data);
      }
    };
    return port;
  };
  let port = listen(portTo(worker));
  worker.onerror = () => {
    told({ type: 'failed', code: undefined, text: 'the script of the worker cannot be loaded' });
  };
  const moveIn = async () => {
    canMove = false;
    worker.terminate();
    const { serve } = await import('./session.ts');
    port = listen(portInside(serve));
    if (last) port.postMessage(last);
  };
  return {
    ask(request) {
      last = request;
      port.postMessage(request);
    },
  };
}
