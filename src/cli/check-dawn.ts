/**
 * Dawn in a process of its own, for shaders that nobody vouches for: it writes warnings to standard
 * output, where results go, and a compiler that crashes would take the command with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type ErrorCode, LatentGpuError } from '../errors.ts';
import { type CompileOptions, type Diagnostic, openHost, type Shader } from '../testing/index.ts';
import { failureOf } from './common/failure.ts';

/** The hidden command that the other process runs. */
export const DAWN_COMMAND = 'check-dawn';

interface Ask {
  readonly shader: Shader;
  readonly options: CompileOptions;
}

type Answer =
  | { readonly line: string }
  | { readonly diagnostics: Diagnostic[] }
  | { readonly error: { readonly code: string; readonly message: string } };

/** What `check` needs of a host. */
export interface Compiler {
  /** The adapter in one line. */
  readonly line: string;
  /** @throws LatentGpuError `device-lost` if the compiler crashes; the next shader gets a new one */
  compile(shader: Shader, options: CompileOptions): Promise<Diagnostic[]>;
  close(): Promise<void>;
}

/** The other process's part: opens Dawn, says so, compiles what it is sent until nobody is there. */
export async function serveDawn(): Promise<void> {
  const send = (answer: Answer) => process.send?.(answer);
  const failed = (error: unknown) => {
    const { code, message } = failureOf(error, 'latentgpu check');
    send({ error: { code, message } });
  };
  try {
    const host = await openHost('dawn', { features: 'all', log: (line) => send({ line }) });
    process.on('message', ({ shader, options }: Ask) => {
      host.compile(shader, options).then((diagnostics) => send({ diagnostics }), failed);
    });
  } catch (error) {
    failed(error);
  }
}

/** The next message of the other process. @throws LatentGpuError that it sends, or if it dies */
function answer(child: ChildProcess): Promise<Exclude<Answer, { error: unknown }>> {
  return new Promise((resolve, reject) => {
    const done = () => {
      child.off('message', heard);
      child.off('exit', gone);
    };
    const heard = (message: Answer) => {
      done();
      if ('error' in message) {
        reject(new LatentGpuError(message.error.code as ErrorCode, message.error.message));
      } else resolve(message);
    };
    const gone = (code: number | null, signal: string | null) => {
      done();
      reject(new LatentGpuError('device-lost', `Dawn crashed (${signal ?? `exit ${code}`})`));
    };
    child.on('message', heard);
    child.on('exit', gone);
  });
}

/** @throws LatentGpuError `no-adapter`, with the ways out */
export async function openDawnApart(log: (line: string) => void): Promise<Compiler> {
  const start = () =>
    fork(process.argv[1] as string, [DAWN_COMMAND], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  let child = start();
  const opened = async () => {
    const first = await answer(child);
    return 'line' in first ? first.line : '';
  };
  const line = await opened();
  log(line);
  return {
    line: line.replace(/^adapter in Dawn: /, ''),
    async compile(shader, options) {
      if (child.exitCode !== null || child.signalCode !== null) {
        child = start();
        await opened();
      }
      const told = answer(child);
      child.send({ shader, options } satisfies Ask);
      const result = await told;
      return 'diagnostics' in result ? result.diagnostics : [];
    },
    async close() {
      child.kill();
    },
  };
}
