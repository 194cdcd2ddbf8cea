// What all hosts have in common: from a request to a job, and from its bytes to a result.
import type { AdapterReport } from '../device/index.ts';
import { isLatentGpuError } from '../errors.ts';
import type { EntryRequest } from './compile.ts';
import type { Diagnostic, Shader } from './diagnostics.ts';
import { computeEntries, constantsFor, tryReflect } from './entries.ts';
import { type HostKind, type KernelHost, readShader } from './host.ts';
import { isNaga, nagaWarnings } from './naga.ts';
import type { KernelJob } from './prepare.ts';
import { prepareOn } from './run.ts';

/** A GPU somewhere, which takes plain data. */
export interface Backend {
  readonly kind: HostKind;
  readonly adapter: AdapterReport;
  readonly line: string;
  /** The bytes of the slots that are written, in order. */
  run(job: KernelJob): Promise<Uint8Array[]>;
  compile(
    shader: Shader,
    entries: readonly EntryRequest[],
    constants: Readonly<Record<string, number>>,
  ): Promise<Diagnostic[]>;
  close(): Promise<void>;
}

/** Lets errors of the GPU point to whoever asked: their own stacks lead into the kit, or into a page. */
function asked<T>(from: CallableFunction, work: () => Promise<T>): Promise<T> {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, from);
  const frames = here.stack?.slice(here.stack.indexOf('\n') + 1);
  return work().catch((error: unknown) => {
    if (isLatentGpuError(error)) error.stack = `${error.name}: ${error.message}\n${frames}`;
    throw error;
  });
}

export function hostOn(backend: Backend): KernelHost {
  const host: KernelHost = {
    kind: backend.kind,
    adapter: backend.adapter,
    line: backend.line,
    run: (request) =>
      asked(host.run, async () => {
        const whole = { ...request, ...readShader(request) };
        const { job, finish } = await prepareOn(whole, (shader) => backend.compile(shader, [], {}));
        return finish(await backend.run(job)) as never;
      }),
    compile: (source, { constants } = {}) =>
      asked(host.compile, async () => {
        const shader = readShader(source);
        const info = tryReflect(shader, constants);
        const entries = computeEntries(shader, info);
        const found = await backend.compile(shader, entries, constantsFor(info, constants));
        return isNaga(backend.kind) ? [...found, ...nagaWarnings(shader, constants)] : found;
      }),
    close: () => backend.close(),
  };
  return host;
}
