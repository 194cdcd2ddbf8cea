// Where kernels are tested: Dawn in this process, headless Chrome or Firefox, Deno. The same test runs
// on all of them.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterReport, OpenOptions } from '../device/index.ts';
import { LatentGpuError } from '../errors.ts';
import type { Diagnostic, Shader } from './diagnostics.ts';
import { type Bindings, type KernelRequest, labelOf, type Outputs } from './prepare.ts';
import { readShaderFile } from './shader-file.ts';

export type HostKind = 'dawn' | 'chrome' | 'firefox' | 'deno';

/** Every kind, as people call it. */
export const HOST_NAMES: Readonly<Record<HostKind, string>> = {
  dawn: 'Dawn',
  chrome: 'Chrome',
  firefox: 'Firefox',
  deno: 'Deno',
};

export interface HostOptions {
  /** Optional features to ask for, or `all`; default: `timestamp-query`, `subgroups`, `shader-f16`. */
  readonly features?: readonly string[] | 'all';
  /** Refuse a software adapter. Default: false. */
  readonly requireHardware?: boolean;
  /** The longest that one run may take, milliseconds. Default: 60,000. */
  readonly timeout?: number;
  /**
   * Receives the line that names the adapter, and what a page logs. Default: standard output, the
   * adapter once a process and host.
   */
  readonly log?: (line: string) => void;
}

/** A shader, by its text or by its file. */
export interface ShaderSource {
  /** WGSL; or else `file`. */
  readonly code?: string;
  /** A path from the working directory, or a URL: `new URL('saxpy.wgsl', import.meta.url)`. */
  readonly file?: string | URL;
  /** What messages call the shader. Default: the file's path, or `shader.wgsl`. */
  readonly label?: string;
}

export type HostRequest<B extends Bindings = Bindings> = ShaderSource &
  Omit<KernelRequest<B>, 'code'>;

export interface CompileOptions {
  /** Values of `override` constants, by name; those that the shader does not declare do not count. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
}

/** A place to run kernels in. Close it when the tests are done. */
export interface KernelHost {
  readonly kind: HostKind;
  readonly adapter: AdapterReport;
  /** The adapter in one line, with the host's version. */
  readonly line: string;
  /**
   * Runs one dispatch of a compute shader and returns what it wrote, by the variables' names.
   *
   * @throws LatentGpuError `bad-kernel` with file:line:column and the source line; `bad-input` for
   *   bindings that do not fit; `limit-exceeded`, `validation`, `out-of-memory`, `device-lost`
   */
  run<const B extends Bindings>(request: HostRequest<B>): Promise<Outputs<B>>;
  /**
   * Compiles a shader and a pipeline for each of its compute entry points. Returns errors and
   * warnings; throws only if that could not be done.
   */
  compile(source: ShaderSource, options?: CompileOptions): Promise<Diagnostic[]>;
  close(): Promise<void>;
}

/**
 * The text of a shader.
 *
 * @throws LatentGpuError `bad-input`
 * @example readShader({ code: 'const n = 1u;', label: 'one.wgsl' }).label // "one.wgsl"
 */
export function readShader({ code, file, label }: ShaderSource): Shader {
  if (code !== undefined) return { label: label ?? (file ? nameOf(file) : labelOf({})), code };
  if (file === undefined) {
    throw new LatentGpuError('bad-input', 'a shader needs `code` or a `file`.');
  }
  return { label: label ?? nameOf(file), code: readShaderFile(file, nameOf(file)) };
}

/** A file as one would type it here. */
function nameOf(file: string | URL): string {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}

const announced = new Set<HostKind>();

/** Names the adapter: in the log of every run that used it. */
export function announce(kind: HostKind, line: string, log: HostOptions['log']): void {
  const text = `adapter in ${HOST_NAMES[kind]}: ${line}`;
  if (log) log(text);
  else if (!announced.has(kind)) console.log(text);
  announced.add(kind);
}

/** The options of a device. */
export function openOptions({ features, requireHardware }: HostOptions): OpenOptions {
  return {
    ...(features && { features: features as OpenOptions['features'] }),
    ...(requireHardware !== undefined && { requireHardware }),
  } as OpenOptions;
}
