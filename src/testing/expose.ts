// What a page offers to the process that drives it: functions whose failures arrive as they are.
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

// biome-ignore lint/suspicious/noExplicitAny: functions of any arguments, which JSON carries
export type PageApi = Record<string, (...args: any[]) => unknown>;

/** Offers functions to {@link ChromePage.call}. Arguments and values travel as JSON. */
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
}
