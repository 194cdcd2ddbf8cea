// What a page, or a script in Deno, offers to the process that drives it: functions whose failures
// arrive as they are.
import { isLatentGpuError } from '../errors.ts';

/** The global name under which a page offers its functions. */
export const EXPOSED = 'latentgpuPage';

export interface PageError {
  readonly message: string;
  readonly stack: string;
  /** Of a LatentGpuError. */
  readonly code?: string;
}

export type Answer = { readonly value: unknown } | { readonly error: PageError };

/** What a process of Deno is sent; without a name, it tells its version. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What it sends back. */
export interface Told {
  readonly id: number;
  readonly answer: Answer;
}

// biome-ignore lint/suspicious/noExplicitAny: functions of any arguments, which JSON carries
export type PageApi = Record<string, (...args: any[]) => unknown>;

/** What Deno has of Node's `process` in a child that was given a channel. */
interface Channel {
  on(event: 'message', heard: (asked: Asked) => void): void;
  on(event: 'disconnect', heard: () => void): void;
  send?(told: Told): void;
  exit(): void;
  readonly versions: Readonly<Record<string, string>>;
}

/** Offers functions to {@link Remote.call}. Arguments and values travel as JSON. */
export function expose(api: PageApi): void {
  const asked = async (name: string, ...args: unknown[]): Promise<Answer> => {
    try {
      return { value: await (api[name] as PageApi[string])(...args) };
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
      return { error: { message, stack, ...(isLatentGpuError(error) && { code: error.code }) } };
    }
  };
  Object.assign(globalThis, { [EXPOSED]: asked });
  const channel = (globalThis as { process?: Channel }).process;
  if (!channel?.send) return;
  channel.on('message', async ({ id, name, args }) => {
    const answer = name ? await asked(name, ...args) : { value: channel.versions.deno };
    channel.send?.({ id, answer });
  });
  channel.on('disconnect', () => channel.exit());
}
