// The way to whoever measures: a worker, or the page itself where a worker finds no adapter.
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
  const channel = new MessageChannel();
  let port = listen(channel.port1);
  worker.postMessage(null, [channel.port2]);
  worker.onerror = () => {
    told({ type: 'failed', code: undefined, text: 'the script of the worker cannot be loaded' });
  };
  const moveIn = async () => {
    canMove = false;
    worker.terminate();
    const { serve } = await import('./session.ts');
    const inside = new MessageChannel();
    serve(inside.port2);
    port = listen(inside.port1);
    if (last) port.postMessage(last);
  };
  return {
    ask(request) {
      last = request;
      port.postMessage(request);
    },
  };
}
