// A script that runs in another program (a page, or a process of Deno) and is asked to do things there.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, LatentGpuError } from '../errors.ts';
import type { Answer, PageApi } from './expose.ts';

/** The other program, running. */
export interface Session {
  /** Its name and version. */
  version(): Promise<string>;
  /** Asks the script. Rejects if the program is lost. */
  ask(name: string, args: readonly unknown[]): Promise<Answer>;
  /** Ends it at once, whatever it does. */
  kill(): void;
  close(): Promise<void>;
}

/** What a program is started for. */
export interface Site {
  /** The scripts by their paths; `/page.js` is the one to run, and calls `expose`. */
  readonly files: ReadonlyMap<string, string>;
  /** Where a page finds them, and any script finds `bytes`. Ends in a slash. */
  readonly url: string;
  /** Receives what is written as an error: it fails what is under way. */
  readonly complain: (text: string) => void;
  /** Receives what else is logged. */
  readonly log: (line: string) => void;
}

/** Starts a program that has run the script. @throws LatentGpuError `no-adapter`, with the ways out */
export type Start = (site: Site) => Promise<Session>;

export interface RemoteOptions {
  readonly files: ReadonlyMap<string, string>;
  /** Receives what the script logs. Default: standard output. */
  readonly log?: (line: string) => void;
}

const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';

/** A script elsewhere that offers functions. Close it, whatever happens. */
export class Remote<Api extends PageApi> {
  readonly #start: Start;
  readonly #site: Site;
  readonly #server: Server;
  #session: Session | null = null;
  /** What the script complained about since it was last asked something. */
  #complaints: string[] = [];
  /** What `/bytes` holds: large arrays travel there, and all else as JSON. */
  #bytes: Uint8Array = new Uint8Array();

  private constructor(start: Start, server: Server, { files, log = console.log }: RemoteOptions) {
    this.#start = start;
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.#site = {
      files,
      url: `http://localhost:${port}/`,
      complain: (text) => this.#complaints.push(text),
      log,
    };
  }

  /** @throws LatentGpuError `no-adapter`, with the ways out */
  static async open<Api extends PageApi>(
    start: Start,
    options: RemoteOptions,
  ): Promise<Remote<Api>> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const remote = new Remote<Api>(start, server, options);
    server.on('request', (request, response) => {
      remote.#serve(request, response).catch(() => response.destroy());
    });
    try {
      await remote.#running();
    } catch (error) {
      await remote.close();
      throw error;
    }
    return remote;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/bytes') {
      if (request.method === 'POST') {
        const parts: Buffer[] = [];
        for await (const part of request) parts.push(part as Buffer);
        this.#bytes = Buffer.concat(parts);
      }
      const type = { 'content-type': 'application/octet-stream' };
      response.writeHead(200, type).end(request.method === 'POST' ? undefined : this.#bytes);
      return;
    }
    const body = pathname === '/' ? html : this.#site.files.get(pathname);
    const type = pathname === '/' ? 'text/html' : 'text/javascript';
    if (pathname === '/favicon.ico') response.writeHead(204).end();
    else if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  }

  async #running(): Promise<Session> {
    if (this.#session) return this.#session;
    try {
      this.#session = await this.#start(this.#site);
      return this.#session;
    } catch (error) {
      throw error instanceof Error ? this.#withComplaints(error) : error;
    }
  }

  /** The program's name and version. */
  async version(): Promise<string> {
    return (await this.#session?.version()) ?? 'a program that has crashed';
  }

  /** Large arrays for the script to fetch from `/bytes`, or what it has posted there. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  set bytes(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /**
   * Calls a function of the script.
   *
   * @param timeout milliseconds; if it takes longer or the program crashes, that is replaced for the
   *   next call: its GPU may be busy for ever
   * @param what is done, for messages
   * @throws what the function throws, with what the script complained about
   */
  async call<K extends keyof Api & string>(
    name: K,
    args: Parameters<Api[K]>,
    timeout: number,
    what = 'the page',
  ): Promise<Awaited<ReturnType<Api[K]>>> {
    const session = await this.#running();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hung = new Promise<'hung'>((resolve) => {
      timer = setTimeout(() => resolve('hung'), timeout);
    });
    const answered = session.ask(name, args).catch((error: Error) => error);
    const answer = await Promise.race([answered, hung]);
    clearTimeout(timer);
    if (answer === 'hung' || answer instanceof Error) {
      if (this.#session === session) this.#session = null;
      session.kill();
      const why =
        answer === 'hung' ? `took longer than ${timeout} ms` : `was lost: ${answer.message}`;
      throw this.#withComplaints(new LatentGpuError('device-lost', `${what} ${why}.`));
    }
    if ('error' in answer) {
      const { message, stack, code } = answer.error;
      const error = code ? new LatentGpuError(code as ErrorCode, message) : new Error(message);
      if (stack) error.stack = stack;
      throw this.#withComplaints(error);
    }
    if (this.#complaints.length > 0) throw this.#withComplaints(new Error('the page complained:'));
    return answer.value as Awaited<ReturnType<Api[K]>>;
  }

  #withComplaints(error: Error): Error {
    const complaints = this.#complaints.splice(0);
    error.message = [error.message, ...complaints].join('\n');
    return error;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
