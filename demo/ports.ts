// Whoever computes for a page, in a worker or in the page itself, is spoken to through a port.

type Serve = (port: MessagePort) => void;

/** The way to a worker that waits for it by {@link awaitPort}. */
export function portTo(worker: Worker): MessagePort {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return port1;
}

/** The way to somebody in the page itself. */
export function portInside(serve: Serve): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serve(port2);
  return port1;
}

/** In a worker: the first message brings its port. */
export function awaitPort(serve: Serve): void {
  addEventListener('message', ({ ports }) => {
    if (ports[0]) serve(ports[0]);
  });
}
