// The way to the training session: in a worker where that has WebGPU, else in the page itself.
import type { Report, Request } from './protocol.ts';

export interface Link {
  ask(request: Request): void;
}

export function connect(told: (report: Report) => void): Link {
  let port = inWorker();
  let opening: Request | undefined;
  /** Only before anything has been trained. */
  let canMove = globalThis.navigator?.gpu !== undefined;

  const listen = () => {
    port.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.type === 'ready') canMove = false;
      if (data.type === 'failed' && data.code === 'no-adapter' && opening && canMove) {
        canMove = false;
        void moveIn(opening);
      } else told(data);
    };
  };
  const moveIn = async (request: Request) => {
    const { serve } = await import('./engine/session.ts');
    const channel = new MessageChannel();
    serve(channel.port2);
    port = channel.port1;
    listen();
    port.postMessage(request);
  };
  listen();
  return {
    ask(request) {
      if (request.type === 'open') opening = request;
      port.postMessage(request);
    },
  };
}

function inWorker(): MessagePort {
  const worker = new Worker(new URL('./engine/worker.ts', import.meta.url), { type: 'module' });
  const channel = new MessageChannel();
  worker.postMessage(null, [channel.port2]);
  return channel.port1;
}
