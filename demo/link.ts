// The way to the training session: in a worker where that has WebGPU, else in the page itself.
import { portInside, portTo } from './ports.ts';
import type { OwnFile, Report, Request, Wish } from './protocol.ts';

/** How often the worker is asked whether it is there, and how many silences mean that it is not. */
const PING_MS = 5000;
const SILENCES = 4;

export interface Link {
  ask(request: Request): void;
}

/** @param told what the session reports, and that it `failed` if it has ended */
export function connect(told: (report: Report) => void): Link {
  const pulse = new Pulse(
    () => port.postMessage({ type: 'ping' } satisfies Request),
    () => stop('its worker does not answer any more, perhaps for want of memory'),
  );
  let opening: (Wish & { files?: readonly OwnFile[] | undefined }) | undefined;
  let isStopped = false;
  /** Only before anything has been trained. */
  let canMove = globalThis.navigator?.gpu !== undefined;
  let worker: Worker;
  let port: MessagePort;

  const stop = (why: string) => {
    isStopped = true;
    pulse.stop();
    worker.terminate();
    told({ type: 'failed', code: undefined, text: `The training stopped: ${why}.` });
    told({ type: 'activity', activity: 'failed' });
  };
  const listen = () => {
    port.onmessage = ({ data }: MessageEvent<Report>) => {
      pulse.beat();
      if (data.type === 'pong') return;
      if (data.type === 'ready') {
        canMove = false;
        opening = { settings: data.settings, turn: data.turn, files: data.data.files };
      }
      if (data.type === 'failed' && data.code === 'no-adapter' && opening && canMove) {
        canMove = false;
        void moveIn({ type: 'open', ...opening });
      } else told(data);
    };
  };
  const start = () => {
    isStopped = false;
    worker = new Worker(new URL('./engine/worker.ts', import.meta.url), { type: 'module' });
    worker.onerror = ({ message }) => {
      // An error without words: the script could not be loaded.
      if (!message && !pulse.hasBeaten) stop('the script of its worker cannot be loaded');
    };
    port = portTo(worker);
    listen();
    pulse.start();
  };
  const moveIn = async (request: Request) => {
    const { serve } = await import('./engine/session.ts');
    pulse.stop();
    worker.terminate();
    port = portInside(serve);
    listen();
    port.postMessage(request);
  };
  start();
  return {
    ask(request) {
      if (request.type === 'open') opening = request;
      if (isStopped) {
        const { type } = request;
        if (type !== 'reset' && !(type === 'files' && opening)) return;
        // Another worker, with the data that the last one had, or with those that are dropped now.
        start();
        const { settings, turn, files } = { ...opening, ...request };
        port.postMessage({ type: 'open', settings, turn, files });
      } else port.postMessage(request);
    },
  };
}

/** Finds out that the other side is gone: a worker that dies for want of memory does not say so. */
class Pulse {
  hasBeaten = false;
  private readonly ping: () => void;
  private readonly gone: () => void;
  private timer: ReturnType<typeof setInterval> | undefined;
  private silences = 0;

  constructor(ping: () => void, gone: () => void) {
    this.ping = ping;
    this.gone = gone;
  }

  start(): void {
    this.hasBeaten = false;
    this.silences = 0;
    this.timer = setInterval(() => {
      // A tab that nobody sees may be frozen.
      if (document.hidden) this.silences = 0;
      else if (this.silences >= SILENCES) this.gone();
      else {
        this.silences += 1;
        this.ping();
      }
    }, PING_MS);
  }

  beat(): void {
    this.hasBeaten = true;
    this.silences = 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
